#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backend/store/batch_links.h"
#include "backend/store/message_store.h"
#include "backend/store/postgres_connection.h"

namespace parley::backend {

// Puts the records of one feed batch where they belong, in a handful of statements whatever their number.
//
// Whoever stores holds the lock on feed_position, so nobody else adds messages, and room_progress tells the
// last of each room: a record with a higher number can't be there yet, and is inserted without looking.
// Others, suspects, are few (a batch that came again): what stands under their numbers is asked for first.
// For use inside the caller's transaction, with that lock; may throw PostgresFailure.
class PostgresMessageBatch {
 public:
  // `trust_progress` false: every record is a suspect. For a database whose room_progress was tampered with.
  PostgresMessageBatch(PostgresConnection& connection, bool trust_progress)
      : connection_(connection), trust_progress_(trust_progress) {}

  StoreOutcome store(std::span<const wire::Record> records);

 private:
  struct RoomState {
    bool deleted = false;
    bool orphaned = false;
    bool quarantined = false;
    bool changed = false;
    std::uint64_t highest = 0;  // of what is stored and, while suspects are looked for, of the batch
    std::uint64_t last_seq = 0;
    std::uint64_t expired = 0;
    std::uint64_t added = 0;
    std::uint64_t counted = 0;
    std::uint64_t rewritten = 0, annotated = 0;
    std::uint64_t last_message = 0;  // of this batch; 0: none
  };
  using Place = BatchLinks::Place;
  // A record that goes into the messages table.
  struct Placed {
    const wire::Record* record;
    wire::Entry entry;
    LinkedRow row{};
    std::uint64_t counted = 0;
  };

  void load_rooms(std::span<const wire::Record> records);
  void make_orphans(std::span<const wire::Record> records);
  void load_suspects(std::span<const wire::Record> records);
  void sort_out(const wire::Record& record);
  void place(const wire::Record& record, RoomState& room);
  void link_placed();
  std::map<Place, wire::Target> load_spoken_of();
  void insert_placed();
  void keep_late_ones();
  void set_aside();
  void write_progress();

  PostgresConnection& connection_;
  bool trust_progress_;
  std::unordered_map<std::uint64_t, RoomState> rooms_;
  bool suspects_ = false;
  std::map<Place, Ulid> standing_;  // what stands under the suspects' numbers, and what this batch adds
  std::vector<Placed> placed_;
  std::vector<const wire::Record*> aside_;
  BatchLinks::Effects effects_;
  StoreOutcome outcome_;
};

}  // namespace parley::backend
