#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace parley::backend {

// What waits for somebody in some of their rooms.
struct UnreadQuery {
  struct Room {
    std::uint64_t room_id = 0;
    std::uint64_t read = 0;          // their mark
    std::uint64_t last_message = 0;  // Room::last_message
  };
  std::string user;      // exactly as created
  std::string user_key;  // as mentions name them: fold_case
  std::vector<Room> rooms{};
};
struct Unread {
  // Countable messages (wire::Entry) above the mark that are neither their own nor deleted.
  std::uint64_t messages = 0;
  // Those of them that mention the user, or everyone.
  std::uint64_t mentions = 0;
  // The last message as history has it (wire/fold.h), but for reactions; "" where there is none.
  std::string last;
};

// Counters from the messages themselves, so that they are always what a recount finds. What they cost does not grow
// with the rooms' length, nor with what is unread; it does with a user's own and with deleted messages above their
// mark. Thread-safe; calls block on the database. Errors: unavailable, corrupt, internal.
class UnreadStore {
 public:
  virtual ~UnreadStore() = default;

  // One for each room asked for, in order; two statements (PostgreSQL: for each database).
  virtual Result<std::vector<Unread>> unread(const UnreadQuery& query) = 0;
};

}  // namespace parley::backend
