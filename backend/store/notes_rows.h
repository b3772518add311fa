#pragma once
#include <map>
#include <string_view>

#include "backend/store/message_store.h"

namespace parley::backend {

// What MessageStore::notes() gives, put together from rows as they are read. Those of one message's reactions come in
// the order of each key's first, then of their own.
class NotesRows {
 public:
  void edit(Place message, std::uint64_t seq, std::int64_t at_ms, std::string_view envelope);
  void thread(Place root, std::uint64_t replies, std::uint64_t last_seq);
  // `times`: how often the key stands, in all; or 1 with each of them.
  void reaction(Place message, std::string_view key, std::string_view user, std::uint64_t times);

  // A row of SQL: 1, room, message, seq, at, envelope | 2, room, root, last_seq, replies |
  // 3, room, message, seq, times, key, user, its key's first seq.
  template <class Row>
  void add(const Row& row) {
    const Place place{row.number(1), row.number(2)};
    if (row.integer(0) == 1)
      edit(place, row.number(3), row.integer(4), row.text(5));
    else if (row.integer(0) == 2)
      thread(place, row.number(4), row.number(3));
    else
      reaction(place, row.text(5), row.text(6), row.number(4));
  }
  std::map<Place, wire::Notes> finish() &&;

 private:
  std::map<Place, wire::Notes> notes_;
};

}  // namespace parley::backend
