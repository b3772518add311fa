#pragma once
#include <string>

#include "tools/parleyctl/format.h"

// What `parleyctl top` shows of two answers of server.stats (topics.md). Pure.
namespace parley::ctl {

// What each counter of the broker grew by in a second, between the two; {} when they are not of one run of the broker, or at one time.
Json rates_between(const Json& before, const Json& now);

// The screen, as lines without control characters, at most `columns` wide and `rows` of them.
std::string top_screen(const Json& before, const Json& now, std::size_t columns, std::size_t rows);

// "1,234", "12.3", "0"; "4.5 MiB"; "3 d 4 h".
std::string short_number(double value);
std::string short_bytes(double bytes);
std::string short_time(double seconds);

}  // namespace parley::ctl
