#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backend/store/push_store.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

// How much of a message leaves the house.
enum class ContentPolicy {
  full,    // who, where, what
  sender,  // who and where
  wake,    // nothing but that there is something: no name, no room, no count per room
};

// One notification, composed from what the store knows at the moment of sending. Fields a ContentPolicy forbids are empty.
struct Notification {
  enum class Kind {
    message,    // there is something new
    updated,    // what was shown has been edited: the same collapse id, no sound
    withdrawn,  // what was shown has been deleted: take it away
    digest,     // e-mail: several rooms
  };
  Kind kind = Kind::message;
  std::string id;  // the same in every attempt: the receiver's idempotency key. 26 characters, A-Z 0-9
  std::string
      collapse;  // 32 hexadecimal digits, the same for all notifications of one user about one room: newer ones replace older ones
  std::string user;  // who is told; of operator's providers (webhook, mqtt, stdout) only, and the digest
  std::string room, room_title, from, text;  // text: at most kNotifyTextMax bytes, whole characters
  std::string type;                          // of the message
  std::uint64_t seq = 0;
  bool direct = false;  // a direct chat
  bool mention = false;
  std::uint64_t count = 0;  // unread messages in the room that this one tells of
  std::uint64_t badge = 0;  // unread messages in all rooms
  WallTime at{};            // of the message
  WallTime expires{};       // not worth delivering afterwards
  struct Line {             // of a digest, one a room
    std::string room, from, text;
    std::uint64_t count = 0;
  };
  std::vector<Line> lines{};
};
inline constexpr std::size_t kNotifyTextMax = 1'000;  // bytes; with all else a push stays below 4 KiB

// A provider's answer, for every provider the same.
struct Delivery {
  enum class What {
    sent,
    retry,          // not now; `after` when the provider said how long
    target_dead,    // nobody is there any more: the registration is pruned
    refused,        // this notification, for good: a dead letter
    misconfigured,  // our credentials or settings: nothing will work until somebody mends them
  };
  What what = What::sent;
  std::string reason{};  // for operators: the provider's words, cut; no address, no secret, no content
  std::chrono::milliseconds after{0};  // of retry
  // It is about this target alone (a server its user named, a mailbox): nothing is to be concluded for others of this provider.
  bool of_target = false;
};

}  // namespace parley::backend
