#include "backend/requests/direct_room.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/encoding.h"

namespace parley::backend {
namespace {

constexpr std::string_view kPrefix = "dm-";
constexpr std::size_t kDigits = 32;  // 128 bits: nobody finds two pairs of names with the same

}  // namespace

std::string direct_room_name(std::string_view one, std::string_view other) {
  auto first = fold_case(one), second = fold_case(other);
  if (second < first) std::swap(first, second);
  // No name holds a slash, so no other pair makes the same text.
  const auto digest = sha256(first + "/" + second);
  const std::string bytes(digest.begin(), digest.end());
  return std::string(kPrefix) + hex_encode(bytes).substr(0, kDigits);
}

bool is_direct_room_name(std::string_view name) {
  const auto folded = fold_case(name);
  if (folded.size() != kPrefix.size() + kDigits || !folded.starts_with(kPrefix)) return false;
  return std::all_of(folded.begin() + kPrefix.size(), folded.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace parley::backend
