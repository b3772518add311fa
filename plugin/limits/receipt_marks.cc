#include "plugin/limits/receipt_marks.h"

#include <algorithm>
#include <cstring>

namespace parley::plugin {
namespace {

std::string key_of(std::string_view user, std::uint64_t room) {
  std::string key(sizeof(room), '\0');
  std::memcpy(key.data(), &room, sizeof(room));
  key.append(user);
  return key;
}

bool reaches(std::uint64_t given, std::uint64_t known) {
  return given != 0 && given >= known;
}

}  // namespace

ReceiptMarks::Direction ReceiptMarks::check(std::string_view user, std::uint64_t room,
                                            const wire::Receipts& receipts) {
  std::string key = key_of(user, room);
  wire::Receipts* known = marks_.find(key);
  if (known == nullptr) {
    marks_.insert(std::move(key), receipts);
    return Direction::forward;
  }
  const bool any = receipts.received != 0 || receipts.read != 0;
  if (any && !reaches(receipts.received, known->received) && !reaches(receipts.read, known->read))
    return Direction::backward;
  known->received = std::max(known->received, receipts.received);
  known->read = std::max(known->read, receipts.read);
  return Direction::forward;
}

}  // namespace parley::plugin
