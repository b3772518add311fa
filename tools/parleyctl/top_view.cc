#include "tools/parleyctl/top_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <sstream>
#include <vector>

namespace parley::ctl {
namespace {

constexpr std::string_view kRefused = "refused_";

const Json& member(const Json& object, const char* name) {
  static const Json kNothing = Json::object();
  const auto at = object.find(name);
  return at != object.end() && at->is_object() ? *at : kNothing;
}

double number(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_number() ? at->get<double>() : 0;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

// The widest first: "rate_limited 10, not_a_member 2".
std::string refusals(const Json& rates) {
  std::vector<std::pair<double, std::string>> codes;
  for (const auto& [name, rate] : rates.items())
    if (name.starts_with(kRefused) && rate.get<double>() > 0)
      codes.emplace_back(rate.get<double>(), name.substr(kRefused.size()));
  std::ranges::sort(codes, std::greater());
  std::string text;
  for (const auto& [rate, code] : codes) text += (text.empty() ? "" : ", ") + code + " " + short_number(rate);
  return text;
}

double refused(const Json& rates) {
  double sum = 0;
  for (const auto& [name, rate] : rates.items())
    if (name.starts_with(kRefused)) sum += rate.get<double>();
  return sum;
}

std::string dependencies(const Json& stats) {
  std::string text;
  for (const auto& [name, state] : member(stats, "dependencies").items())
    text += (text.empty() ? "" : ", ") + name + " " +
            (state.value("state", "") == "closed" ? "works" : state.value("state", ""));
  return text;
}

// The fullest ones that have anything in them.
std::string queues(const Json& stats) {
  struct Queue {
    double share;
    std::string text;
  };
  std::vector<Queue> filled;
  for (const auto* all : {&member(stats, "queues"), &member(member(stats, "broker"), "queues")})
    for (const auto& [name, queue] : all->items()) {
      const auto length = number(queue, "length"), capacity = number(queue, "capacity");
      if (length > 0)
        filled.push_back({length / std::max(1.0, capacity),
                          name + " " + short_number(length) + " of " + short_number(capacity)});
    }
  std::ranges::sort(filled, std::greater(), &Queue::share);
  if (filled.empty()) return "empty";
  std::string text;
  for (const auto& queue : filled) text += (text.empty() ? "" : ", ") + queue.text;
  return text;
}

std::vector<std::string> head(const Json& now) {
  const auto& broker = member(now, "broker");
  const bool attached = broker.value("attached", false);
  return {"Parley " + now.value("version", "?") + "   up " + short_time(number(now, "uptime_s")) + "   " +
              format_time_ms(now.value("at", std::int64_t{0})),
          attached ? dependencies(now) : "the broker does not answer   " + dependencies(now)};
}

std::vector<std::string> people(const Json& now) {
  const auto& gauges = member(member(now, "broker"), "gauges");
  const auto& presence = member(now, "presence");
  return {"sessions " + padded(short_number(number(gauges, "sessions")), 9) + " users online " +
          padded(short_number(number(presence, "online")), 9) + " away " +
          padded(short_number(number(presence, "away")), 9) + " of " + short_number(number(gauges, "users")) +
          " in " + short_number(number(gauges, "rooms")) + " rooms"};
}

std::vector<std::string> flow(const Json& now, const Json& rates) {
  struct Line {
    const char *name, *counter;
  };
  constexpr auto kLines = std::to_array<Line>({{"messages", "messages"},
                                               {"deliveries", "deliveries"},
                                               {"retries", "duplicates"},
                                               {"requests", "requests"},
                                               {"logins", "logins"},
                                               {"logins denied", "logins_denied"}});
  const auto& counters = member(member(now, "broker"), "counters");
  std::vector<std::string> lines{padded("", 16) + padded("A SECOND", 12) + "SINCE THE BROKER'S START"};
  for (const auto& line : kLines)
    lines.push_back(padded(line.name, 16) + padded(short_number(number(rates, line.counter)), 12) +
                    short_number(number(counters, line.counter)));
  lines.push_back(padded("refused", 16) + padded(short_number(refused(rates)), 12) + refusals(rates));
  return lines;
}

std::vector<std::string> lag(const Json& now) {
  const auto& gauges = member(member(now, "broker"), "gauges");
  return {padded("not stored yet", 16) + short_bytes(number(gauges, "journal_backlog_bytes")) + " of " +
              short_bytes(number(gauges, "journal_max_bytes")) + ", the oldest for " +
              short_time(number(gauges, "journal_age_seconds")),
          padded("queues", 16) + queues(now)};
}

std::vector<std::string> rooms(const Json& now) {
  std::vector<std::string> lines{padded("MESSAGES", 12) + "BUSIEST ROOMS OF THE LAST MINUTE"};
  if (const auto busy = now.find("busy_rooms"); busy != now.end() && busy->is_array())
    for (const auto& room : *busy)
      lines.push_back(padded(short_number(number(room, "messages")), 12) + printable(room.value("room", "")));
  return lines;
}

}  // namespace

std::string short_number(double value) {
  char text[64];
  if (value != 0 && value < 100 && value != std::floor(value)) {
    std::snprintf(text, sizeof text, "%.1f", value);
    return text;
  }
  std::snprintf(text, sizeof text, "%.0f", value);
  std::string digits(text);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string short_bytes(double bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
  return short_number(bytes) + " " + kUnits[unit];
}

std::string short_time(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  const auto two = [](std::int64_t large, const char* unit, std::int64_t small, const char* other) {
    return std::to_string(large) + unit + (small > 0 ? " " + std::to_string(small) + other : "");
  };
  if (whole < 60) return short_number(seconds) + " s";
  if (whole < 3600) return two(whole / 60, " min", whole % 60, " s");
  if (whole < 86'400) return two(whole / 3600, " h", whole % 3600 / 60, " min");
  return two(whole / 86'400, " d", whole % 86'400 / 3600, " h");
}

Json rates_between(const Json& before, const Json& now) {
  auto rates = Json::object();
  const double seconds = (number(now, "at") - number(before, "at")) / 1000;
  const auto& old = member(member(before, "broker"), "counters");
  if (seconds <= 0) return rates;
  for (const auto& [name, value] : member(member(now, "broker"), "counters").items()) {
    if (!value.is_number() || !old.contains(name)) continue;
    const double grown = value.get<double>() - number(old, name.c_str());
    if (grown < 0) return Json::object();  // the broker began anew
    rates[name] = grown / seconds;
  }
  return rates;
}

std::string top_screen(const Json& before, const Json& now, std::size_t columns, std::size_t rows) {
  std::vector<std::string> lines;
  const auto add = [&](std::vector<std::string> some) {
    if (!lines.empty()) lines.emplace_back();
    std::ranges::move(some, std::back_inserter(lines));
  };
  add(head(now));
  add(people(now));
  add(flow(now, rates_between(before, now)));
  add(lag(now));
  add(rooms(now));
  if (lines.size() > rows) lines.resize(rows);
  std::string screen;
  for (const auto& line : lines) screen += line.substr(0, columns) + "\n";
  return screen;
}

}  // namespace parley::ctl
