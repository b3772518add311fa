#include "base/event_log.h"

#include <algorithm>

#include "base/encoding.h"

namespace parley {
namespace {

bool is_plain(std::string_view text) {
  return std::ranges::all_of(
      text, [](unsigned char c) { return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\'; });
}

void append_text(std::string& line, std::string_view text) {
  if (is_plain(text)) {
    line += text;
    return;
  }
  line += '"';
  append_json_escaped(line, repair_utf8(text));
  line += '"';
}

}  // namespace

std::string event_line(std::string_view event, std::span<const LogField> fields) {
  std::string line(event);
  for (const auto& field : fields) {
    const auto* text = std::get_if<std::string_view>(&field.value);
    if (text && text->empty()) continue;
    line.append(" ").append(field.name).append("=");
    if (text)
      append_text(line, *text);
    else
      line += std::to_string(std::get<std::uint64_t>(field.value));
  }
  return line;
}

}  // namespace parley
