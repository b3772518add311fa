#include "plugin/limits/send_pace.h"

#include <cstring>

namespace parley::plugin {
namespace {

std::string key_of(std::string_view user, std::uint64_t room) {
  std::string key(sizeof(room), '\0');
  std::memcpy(key.data(), &room, sizeof(room));
  key.append(user);
  return key;
}

}  // namespace

std::chrono::seconds SendPace::wait(std::string_view user, std::uint64_t room, std::chrono::seconds pace,
                                    SteadyTime now) {
  const SteadyTime* last = last_.find(key_of(user, room));
  if (last == nullptr || now - *last >= pace) return std::chrono::seconds{0};
  return std::chrono::ceil<std::chrono::seconds>(pace - (now - *last));
}

void SendPace::sent(std::string_view user, std::uint64_t room, SteadyTime now) {
  std::string key = key_of(user, room);
  if (SteadyTime* last = last_.find(key)) {
    *last = now;
  } else {
    last_.insert(std::move(key), now);
  }
}

}  // namespace parley::plugin
