#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

// A way to reach somebody who is away, as one of their devices (or an administrator) gave it.
struct Registration {
  std::string id{};  // random, given by put()
  std::string user, device{};
  std::string provider;  // fcm, apns, webpush, email
  std::string
      address;  // device token, endpoint URL or e-mail address; secret: whoever has it can write to the device
  std::string keys =
      "{}";  // what else the provider needs, a JSON object: webpush {"p256dh","auth"}, apns {"sandbox":true}
  WallTime at{};  // of the last put()
};

inline constexpr std::uint32_t kRegistrationsPerUserMax = 20;
inline constexpr std::size_t kPushAddressMax = 2'048;  // bytes
inline constexpr std::size_t kPushKeysMax = 1'024;     // bytes
inline constexpr std::uint32_t kBlockedMax = 1'000;    // by one user

// Which messages of a room somebody wants to be told of. by_default: the server's default for such a room.
enum class NotifyLevel : std::int8_t { by_default = -1, all = 0, mentions = 1, none = 2 };

struct RoomNotify {
  NotifyLevel level = NotifyLevel::by_default;
  WallTime muted_until{};  // the past, or 0: not muted; kForever: for good
  bool operator==(const RoomNotify&) const = default;
};

// Between `from` and `to` (minutes since midnight, over midnight when to < from) in `zone` nobody is to be disturbed.
// from == to: no quiet hours.
struct QuietHours {
  std::uint16_t from = 0, to = 0;  // 0…1439
  std::string zone{};              // of the IANA database, as Europe/Berlin; "" is UTC
  bool operator==(const QuietHours&) const = default;
};

// Where people can be reached, and when and about what they want to be. Thread-safe; calls block on the database.
// Errors of all: unavailable (nothing was changed, retry), in_doubt (a write; doing it again is safe), corrupt, internal.
class PushStore {
 public:
  virtual ~PushStore() = default;

  // Sets the registration of (user, device, provider), and takes the same (provider, address) from whoever else had it: a
  // phone has one owner. Of more than kRegistrationsPerUserMax the oldest goes. Gives it with id and time. A device's
  // registration keeps its id when only address or keys change. not_found: no such user.
  virtual Result<Registration> put(const Registration& registration) = 0;
  virtual Result<std::vector<Registration>> list(const std::string& user) = 0;  // by device, then provider
  virtual Result<std::optional<Registration>> get(const std::string& id) = 0;
  // Those of the user's device, of one provider or ("") all; gives how many there were. Their jobs go with them.
  virtual Result<std::uint32_t> remove(const std::string& user, const std::string& device,
                                       const std::string& provider) = 0;
  // One whose provider says that nobody is there any more; not when it has been set anew with another address. Whether it was there.
  virtual Result<bool> prune(const std::string& id, const std::string& address) = 0;

  // Setting, here and below: not_found: there is no such user or room. Defaults leave no row.
  virtual Result<QuietHours> quiet_hours(const std::string& user) = 0;
  virtual Result<> set_quiet_hours(const std::string& user, const QuietHours& hours) = 0;
  virtual Result<RoomNotify> room(const std::string& user, std::uint64_t room_id) = 0;
  // Stays through leaving and coming back; ends with the room.
  virtual Result<> set_room(const std::string& user, std::uint64_t room_id, const RoomNotify& notify) = 0;
  // Whose messages are to notify this user of nothing, in byte order.
  virtual Result<std::vector<std::string>> blocked(const std::string& user) = 0;
  // invalid_argument: kBlockedMax are blocked already. not_found (of blocking): there is no such user to block. Doing it again changes nothing.
  virtual Result<> set_blocked(const std::string& user, const std::string& whom, bool blocked) = 0;
};

}  // namespace parley::backend
