#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/entry.h"
#include "wire/fold.h"

namespace parley::backend {

// Columns of a room's last message, with the edit in force and its thread, where there are any.
struct LastMessageRow {
  std::string_view envelope;
  std::uint64_t replies = 0, last_reply = 0;
  std::uint64_t edit_seq = 0;  // 0: none
  std::int64_t edit_at_ms = 0;
  std::string_view edit_envelope;
};

inline std::string folded(const LastMessageRow& row) {
  wire::Notes notes{.replies = row.replies, .last_reply = row.last_reply};
  if (row.edit_seq != 0) {
    auto content = row.edit_envelope.substr(wire::content_at(row.edit_envelope));
    if (!content.empty()) content.remove_suffix(1);
    notes.edit_seq = row.edit_seq;
    notes.edit_at_ms = row.edit_at_ms;
    notes.edit_content = content;
  }
  return wire::folded(row.envelope, notes);
}

}  // namespace parley::backend
