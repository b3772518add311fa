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

  // backward: every watermark that is given (not 0) lies below the one known; nothing is remembered of it. One that
  // is behind in one of them alone passes: a user's phone has received more, their laptop has read more, and each
  // repeats its own until the backend, which may have been away, has both.
  // Otherwise forward, an exact repeat included: clients repeat their receipts after a reconnect. `user` is
  // the name as created, `room` the room's number.
  Direction check(std::string_view user, std::uint64_t room, const wire::Receipts& receipts);

  std::size_t size() const { return marks_.size(); }

 private:
  LruMap<std::string, wire::Receipts> marks_;
};

}  // namespace parley::plugin
