#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace parley::ctl {

// One thing said in an IRC log. Views point into the bytes that were parsed and may not be UTF-8.
struct IrcLine {
  std::uint64_t line = 0;  // 1 is the file's first line, whatever it is
  bool action = false;     // "* nick does"
  std::string_view nick;   // never empty; without blanks around it and without a mode prefix (@ + % & ~)
  std::string_view text;   // may be blank: some lines say nothing
  std::int64_t sent_at_ms = 0;
};

struct IrcLog {
  std::vector<IrcLine> said;
  std::uint64_t lines = 0;    // lines of the file
  std::uint64_t skipped = 0;  // of them not something said: joins, parts, notices ("=== …"), empty or unknown
                              // lines, above kIrcLineMax
};

inline constexpr std::size_t kIrcLineMax = 32 * 1024;  // bytes; IRC itself has 512

// Reads a channel's log: "[HH:MM] <nick> text" and "[HH:MM]  * nick does" (seconds are taken too), in order.
// Times are UTC, beginning on `date`. Where the clock goes back by more than 90 minutes the log has gone past
// midnight: a day is added (half a day when no hour of the file is above 11: a log by a 12-hour clock). A
// smaller step back is a clock set by hand and stays.
IrcLog parse_irc_log(std::string_view bytes, std::chrono::year_month_day date);

// The date a log's file name begins with, or holds: "2004-12-25.train-c.txt". nullopt when there is none that
// exists.
std::optional<std::chrono::year_month_day> date_in_name(std::string_view file_name);

}  // namespace parley::ctl
