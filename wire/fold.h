#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/fold_rule.h"

// Messages as history gives them: with what was said of them since (topics.md §3). Pure.
namespace parley::wire {

inline constexpr std::size_t kReactionUsersTold = 20;  // the first of each key by seq
inline constexpr std::size_t kReactionKeysTold = 50;   // of a message, the first by seq

struct Reaction {
  std::string key;
  std::uint64_t count = 0;
  std::vector<std::string> users;  // of at most kReactionUsersTold, in the order of their entries
};

// What stands of all that was said of a message. By fold_rule.h; a deleted message keeps its thread alone.
struct Notes {
  std::uint64_t edit_seq = 0;  // of the edit in force; 0: none
  std::int64_t edit_at_ms = 0;
  std::string edit_content;  // as it was sent
  std::vector<Reaction>
      reactions;              // at most kReactionKeysTold, in the order of each key's first entry that stands
  std::uint64_t replies = 0;  // in the thread it is the root of; deleted ones don't count
  std::uint64_t last_reply = 0;

  bool empty() const { return edit_seq == 0 && reactions.empty() && replies == 0; }
};

// A stored envelope with its notes: `edited`, `reactions`, `thread` behind `content`, which is that of the edit in force
// (without `type target ref`, with the message's own `thread` and `reply_to`). Without notes: as it is.
std::string folded(std::string_view envelope, const Notes& notes);

// A room's entries as they come, in any order, each any number of times; folded, they are what history gives. For clients, tools
// and tests: it keeps everything. Not thread-safe.
class RoomFold {
 public:
  // Numbers below `first_seq` have expired: what comes of them is left out, and a message that names one as its thread is
  // a reply in it.
  explicit RoomFold(std::uint64_t first_seq = 1) : first_seq_(first_seq) {}
  // An envelope as it was delivered or as `sync` gave it. invalid_argument: it is none.
  Result<> add(std::string_view envelope);
  // By seq.
  std::map<std::uint64_t, std::string> folded() const;

 private:
  std::uint64_t first_seq_;
  std::map<std::uint64_t, std::string> envelopes_;
};

}  // namespace parley::wire
