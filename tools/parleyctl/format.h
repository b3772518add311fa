#pragma once
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "wire/request.h"

// How things look to a person. Everything that came from elsewhere passes through printable(), so that no
// message can move a cursor or colour a terminal. Pure.
namespace parley::ctl {

using wire::Json;

// `text` (UTF-8) with control characters (C0, DEL, C1, and the marks that turn the writing direction) made
// visible; a tab becomes a blank, a line feed stays only with `keep_lines`.
std::string printable(std::string_view text, bool keep_lines = false);

// Columns as wide as their widest cell; headings in capitals; nothing but the headings when there are no
// rows.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  void add(std::vector<std::string> cells);  // as many as headings; made printable here
  void print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the first are the headings
};

// "2026-11-22 05:31:07" in local time; "-" for 0.
std::string format_time_ms(std::int64_t ms);

// A member of a JSON object as a cell: strings as they are, numbers, yes/no; "-" when absent or null.
std::string cell(const Json& object, std::string_view key);
std::string time_cell(const Json& object, std::string_view key);

// "key   value" lines, for one object; members that are objects become "outer.inner".
void print_fields(std::ostream& out, const Json& object);

// One envelope as a person reads it, in one line (more when the text has line feeds, those indented):
//   17  2026-11-22 05:31:07  alice: hi
//   18  2026-11-22 05:31:09  * alice added bob as member
//   19  2026-11-22 05:31:12  bob: hello (edited) [👍 2] [3 replies]
//   20  2026-11-22 05:31:15  bob (deleted by alice)
std::string format_message(const Json& envelope);

// "90s" "15m" "12h" "30d", plain seconds without a letter → seconds; 0 when it is none of these, or not above 0, or beyond ten years.
std::int64_t parse_duration_s(std::string_view text);

}  // namespace parley::ctl
