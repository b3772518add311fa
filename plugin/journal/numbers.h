#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "plugin/journal/ref_table.h"
#include "plugin/journal/room_seqs.h"
#include "wire/record.h"

namespace parley::plugin {

// What must be known to number the next message: each room's last number, and the refs used of late. It is a
// fold over the journal's records; append, recovery and checkpoint all mean the same by it. Not thread-safe.
class Numbers {
 public:
  Numbers(std::chrono::milliseconds ref_window, std::size_t ref_max) : refs_(ref_window, ref_max) {}

  void apply(const wire::Record& record) {
    rooms_.raise(record.room_id, record.seq);
    if (record.ref_hash == wire::kNoRef) {
      refs_.see(record.at_ms);
    } else {
      refs_.insert(record.ref_hash, record.seq, record.at_ms);
    }
  }

  std::uint64_t last_seq(std::uint64_t room_id) const { return rooms_.last(room_id); }  // 0: none
  std::optional<std::uint64_t> find_ref(const wire::RefHash& hash, WallTime now) const {
    return refs_.find(hash, now);
  }
  void raise(std::uint64_t room_id, std::uint64_t seq) { rooms_.raise(room_id, seq); }
  void forget(std::uint64_t room_id) { rooms_.forget(room_id); }

  const RoomSeqs& rooms() const { return rooms_; }
  const RefTable& refs() const { return refs_; }
  RefTable& refs() { return refs_; }

 private:
  RoomSeqs rooms_;
  RefTable refs_;
};

}  // namespace parley::plugin
