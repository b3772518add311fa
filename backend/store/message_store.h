#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backend/store/erased_names.h"
#include "base/result.h"
#include "wire/fold.h"
#include "wire/record.h"

namespace parley::backend {

inline constexpr std::size_t kNotesMax = 1000;  // messages asked about at once

// Where the store stands in the journal: everything of journal `journal` before `offset` is in it.
struct FeedPosition {
  std::string journal;  // "" when the store never met one
  std::uint64_t offset = 0;
  std::uint64_t generation = 0;  // of the consumer that stored last
};

struct StoreOutcome {
  std::uint32_t stored = 0;    // new rows
  std::uint32_t repeated = 0;  // had been there, the same, or has expired
  std::uint32_t orphaned = 0;  // of the stored: of rooms nobody knows (an older database was put back)
  std::uint32_t dropped = 0;   // of rooms deleted meanwhile
  // Another message stands under this (room, seq), or the room is quarantined: kept aside, nothing
  // overwritten.
  std::uint32_t quarantined = 0;
  // Rooms in which rows are no longer what they were, or not what was given: something was deleted.
  std::vector<std::uint64_t> rewritten{};
  std::vector<std::pair<std::uint64_t, std::uint64_t>>
      unnamed{};  // room, seq of what was stored without a name
};

// What the caller has just read of the room (RoomStore). With it a cache may answer for the database; the
// database itself has no use for it.
struct RoomHead {
  std::string epoch;
  std::uint64_t last_seq = 0;
  std::uint64_t rewritten = 0;  // Room::rewritten
  std::uint64_t expired = 0;    // Room::expired
};

// Which messages of a room a page takes. Exactly one of before and after, or none for the newest.
struct PageQuery {
  std::uint64_t room_id = 0;
  std::optional<std::uint64_t> before{};  // the newest `limit` with seq < before
  std::optional<std::uint64_t> after{};   // the oldest `limit` with seq > after
  std::uint32_t limit = 50;
  std::size_t max_bytes = 200 * 1024;  // of envelopes; at least one message is given whatever its size
  std::optional<RoomHead> head{};      // `through` is its last_seq or a later one
};
// A thread: its root, then the replies that count, by seq.
struct ThreadQuery {
  std::uint64_t room_id = 0;
  std::uint64_t root = 0;
  std::uint64_t after = 0;
  std::uint32_t limit = 50;
  std::size_t max_bytes = 200 * 1024;  // as PageQuery's
};
// A message by its room and seq.
using Place = std::pair<std::uint64_t, std::uint64_t>;
struct Page {
  std::vector<std::string> envelopes{};  // JSON texts, oldest first
  std::uint64_t through = 0;             // last stored seq of the room
  std::uint64_t expired = 0;             // numbers up to it have expired
  bool more = false;  // there is more in the direction asked for (without before/after: older ones)
};

// Somebody whose traces are taken out of messages.
struct ErasedUser {
  std::string user, pseudonym;
};
// How far that is. Not worth keeping: beginning anew meets what is done already, and passes over it.
struct ErasePlace {
  std::size_t shard = 0;
  enum class Part { messages, quarantine, index } part = Part::messages;
  std::uint64_t room_id = 0, seq = 0;  // the last one looked at
  std::string id{};                    // of a message in quarantine
};
struct EraseStep {
  ErasePlace next{};
  bool finished = false;
  std::uint64_t changed = 0;           // rows
  bool held = false;                   // others were left as they are: their rooms are held (RetentionStore)
  std::vector<std::uint64_t> rooms{};  // in which they are, as StoreOutcome::rewritten
};

// Room messages, a materialised view of the journal, and what they say of each other by wire/fold_rule.h: a
// deleted message loses its content in the transaction that stores the delete. Thread-safe; calls block on the database.
// Errors: unavailable (nothing was changed, retry), permission_denied (a newer generation has stored: stop
// being the consumer), internal. After any error the store is as it was before the call.
class MessageStore {
 public:
  virtual ~MessageStore() = default;

  virtual Result<FeedPosition> position() = 0;

  // Becomes the consumer: from now on only this or a higher generation may store. Sets journal and offset
  // when `restart_at` is given (the journal was renewed).
  virtual Result<> begin(std::uint64_t generation, const std::string& journal,
                         std::optional<std::uint64_t> restart_at) = 0;

  // Stores a batch and moves the position from `from` to `to` in one transaction. Idempotent on (room, seq).
  // `from` must be at or below the position (a repeat) and `to` above; a batch that begins beyond the
  // position is refused (invalid_argument): a hole. A repeat says nothing of other messages.
  virtual Result<StoreOutcome> store(std::uint64_t generation, std::uint64_t from, std::uint64_t to,
                                     std::span<const wire::Record> records) = 0;

  virtual Result<Page> page(const PageQuery& query) = 0;
  // Empty when there is no such message; of a root that has expired, its replies. `more` as a page after `after` has it.
  virtual Result<Page> thread(const ThreadQuery& query) = 0;
  // What stands of all that was said of these messages; those of which nothing does are left out. One statement,
  // whatever their number (at most kNotesMax).
  virtual Result<std::map<Place, wire::Notes>> notes(std::span<const Place> messages) = 0;
  // From now on, what is stored is stored without this name, and without the content of its user's entries
  // (wire/erasure.h). Doing it again changes nothing.
  virtual Result<> block(const ErasedName& name) = 0;
  // The next of many steps that do so to what is stored, each bounded. `note` is told the rooms before anything in them is
  // changed; its error ends the step. in_doubt: do it again.
  using NoteRooms = std::function<Result<>(const std::vector<std::uint64_t>& rooms)>;
  virtual Result<EraseStep> erase_some(const ErasedUser& who, const ErasePlace& from,
                                       const NoteRooms& note) = 0;

  virtual Result<std::uint64_t> last_seq(std::uint64_t room_id) = 0;
  virtual Result<std::uint64_t> message_count() = 0;
};

}  // namespace parley::backend
