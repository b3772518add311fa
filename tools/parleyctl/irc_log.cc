#include "tools/parleyctl/irc_log.h"

#include <algorithm>

namespace parley::ctl {
namespace {

using namespace std::chrono;

constexpr seconds kClockSetBack = minutes{90};

bool digit(char c) {
  return c >= '0' && c <= '9';
}
int two_digits(std::string_view s) {
  return (s[0] - '0') * 10 + (s[1] - '0');
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

// "HH:MM" or "HH:MM:SS".
std::optional<seconds> time_of_day(std::string_view s) {
  if (s.size() != 5 && s.size() != 8) return std::nullopt;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (i % 3 == 2 ? s[i] != ':' : !digit(s[i])) return std::nullopt;
  }
  const int h = two_digits(s), m = two_digits(s.substr(3)), sec = s.size() == 8 ? two_digits(s.substr(6)) : 0;
  if (h > 23 || m > 59 || sec > 60) return std::nullopt;
  return hours{h} + minutes{m} + seconds{sec};
}

std::string_view bare_nick(std::string_view nick) {
  nick = trim(nick);
  if (nick.size() > 1 && std::string_view("@+%&~").find(nick.front()) != std::string_view::npos)
    nick.remove_prefix(1);
  return nick;
}

bool read_message(std::string_view rest, IrcLine& out) {
  const auto close = rest.find('>');
  if (!rest.starts_with('<') || close == std::string_view::npos) return false;
  out.nick = bare_nick(rest.substr(1, close - 1));
  out.text = rest.substr(close + 1);
  if (out.text.starts_with(' ')) out.text.remove_prefix(1);
  return !out.nick.empty();
}

bool read_action(std::string_view rest, IrcLine& out) {
  if (!rest.starts_with("* ")) return false;
  rest = trim(rest.substr(2));
  const auto end = std::min(rest.find(' '), rest.size());
  out.nick = bare_nick(rest.substr(0, end));
  out.text = trim(rest.substr(end));
  out.action = true;
  return !out.nick.empty();
}

// sent_at_ms is left as the time of day.
bool read_line(std::string_view line, IrcLine& out) {
  if (line.size() > kIrcLineMax || !line.starts_with('[')) return false;
  const auto close = line.find(']');
  if (close == std::string_view::npos) return false;
  const auto time = time_of_day(line.substr(1, close - 1));
  if (!time) return false;
  out.sent_at_ms = milliseconds{*time}.count();
  const auto rest = trim(line.substr(close + 1));
  // Text keeps its own trailing blanks; only what stands before `<` or `*` is trimmed.
  const auto from_first =
      rest.empty() ? rest : line.substr(static_cast<std::size_t>(rest.data() - line.data()));
  return read_message(from_first, out) || read_action(from_first, out);
}

// Turns times of day into points in time.
void date_lines(std::vector<IrcLine>& said, year_month_day date) {
  const auto late = [](const IrcLine& l) { return milliseconds{l.sent_at_ms} >= hours{12}; };
  const milliseconds turn = std::ranges::any_of(said, late) ? hours{24} : hours{12};
  milliseconds base = sys_days{date}.time_since_epoch();
  std::optional<milliseconds> before;
  for (auto& line : said) {
    const milliseconds time{line.sent_at_ms};
    if (before && *before - time > kClockSetBack) base += turn;
    before = time;
    line.sent_at_ms = (base + time).count();
  }
}

}  // namespace

IrcLog parse_irc_log(std::string_view bytes, year_month_day date) {
  IrcLog log;
  while (!bytes.empty()) {
    const auto end = std::min(bytes.find('\n'), bytes.size());
    auto line = bytes.substr(0, end);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    IrcLine said;
    said.line = ++log.lines;
    if (read_line(line, said)) {
      log.said.push_back(said);
    } else {
      ++log.skipped;
    }
  }
  date_lines(log.said, date);
  return log;
}

std::optional<year_month_day> date_in_name(std::string_view name) {
  for (; name.size() >= 10; name.remove_prefix(1)) {
    bool shape = true;
    for (std::size_t i = 0; i < 10; ++i)
      shape = shape && (i == 4 || i == 7 ? name[i] == '-' : digit(name[i]));
    if (!shape) continue;
    const year_month_day date{year{two_digits(name) * 100 + two_digits(name.substr(2))},
                              month{static_cast<unsigned>(two_digits(name.substr(5)))},
                              day{static_cast<unsigned>(two_digits(name.substr(8)))}};
    if (date.ok()) return date;
  }
  return std::nullopt;
}

}  // namespace parley::ctl
