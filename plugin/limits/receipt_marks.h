#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "plugin/limits/lru_map.h"
#include "wire/content.h"

namespace parley::plugin {

// The receipts each user last sent in each room, so that one that goes backwards is dropped instead of fanned
// out.
//
// In memory alone and bounded: at `entries_max` pairs the one not seen for longest is forgotten, and after a
// restart all are; a forgotten pair lets one backward receipt pass. Readers keep the larger value anyway, and
// so does the backend. About 200 bytes an entry. Not thread-safe; never blocks.
class ReceiptMarks {
 public:
  enum class Direction { forward, backward };

  explicit ReceiptMarks(std::size_t entries_max = 100'000) : marks_(entries_max) {}

  // backward: a watermark that is given (not 0) lies below the one known, and the other tells nothing new: a user
  // whose phone has received more and whose laptop has read more sends both. Nothing is remembered of it.
  // Otherwise forward, an exact repeat included: clients repeat their receipts after a reconnect. `user` is
  // the name as created, `room` the room's number.
  Direction check(std::string_view user, std::uint64_t room, const wire::Receipts& receipts);

  std::size_t size() const { return marks_.size(); }

 private:
  LruMap<std::string, wire::Receipts> marks_;
};

}  // namespace parley::plugin
