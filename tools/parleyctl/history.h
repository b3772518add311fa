#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tools/parleyctl/requests.h"

namespace parley::ctl {

// Which part of a room's history; at most one of before, after.
struct HistoryRange {
  std::string room;
  std::uint64_t limit = 50;
  std::optional<std::uint64_t> before = {};  // the newest `limit` of those below
  std::optional<std::uint64_t> after = {};   // the oldest `limit` of those above
};

// Each message, oldest first; false ends it.
using EachMessage = std::function<bool(const Json& envelope)>;

// Reads `range` page by page, however large, holding one page at a time: numbers have no holes, so where the
// newest N begin is known beforehand. Messages that come in while it reads are not part of it.
Outcome<> read_history(Requests& requests, const HistoryRange& range, const EachMessage& each);

}  // namespace parley::ctl
