#include "tools/parleyctl/format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "base/encoding.h"

namespace parley::ctl {
namespace {

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

void pad(std::string& line, std::string_view text, std::size_t to) {
  line += text;
  const auto w = width(text);
  if (w < to) line.append(to - w, ' ');
}

// C1 controls (U+0080–9F) are C2 80–9F; direction marks are E2 80 8E/8F/AA–AE and E2 81 A6–A9.
std::size_t unprintable_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
  if (byte(0) == 0xC2 && byte(1) < 0xA0) return 2;
  if (byte(0) != 0xE2) return 0;
  if (byte(1) == 0x80 && (byte(2) == 0x8E || byte(2) == 0x8F || (byte(2) >= 0xAA && byte(2) <= 0xAE)))
    return 3;
  if (byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9) return 3;
  return 0;
}

std::string text_of(const Json& object, std::string_view key) {
  auto it = object.find(key);
  if (it == object.end()) return {};
  return it->is_string() ? it->get<std::string>() : it->dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string in_lines(const std::string& text) {
  std::string out;
  for (char c : printable(text, true)) {
    out += c;
    if (c == '\n') out += "      ";
  }
  return out;
}

std::string member_event(const Json& content, const std::string& from) {
  const auto action = text_of(content, "action");
  const auto user = text_of(content, "user");
  auto role = text_of(content, "role");
  if (action == "joined" || action == "left") return "* " + (user.empty() ? from : user) + " " + action;
  if (action == "erased") return "* " + user + " was erased";
  std::string out = "* " + from + " " + (action == "role" ? "made " : action + " ") + user;
  if (!role.empty()) out += (action == "role" ? " " : " as ") + role;
  return out;
}

std::string room_event(const Json& content, const std::string& from) {
  std::string out = "* " + from + " " + text_of(content, "action") + " the room";
  if (auto title = text_of(content, "title"); !title.empty()) out += " \"" + title + "\"";
  return out;
}

// " (edited) [👍 2] [3 replies]"
std::string notes(const Json& envelope) {
  std::string out;
  if (envelope.contains("edited")) out += " (edited)";
  for (const auto& reaction : envelope.value("reactions", Json::array()))
    out += " [" + printable(text_of(reaction, "key")) + " " + text_of(reaction, "count") + "]";
  if (auto thread = envelope.find("thread"); thread != envelope.end())
    out +=
        " [" + text_of(*thread, "replies") + (text_of(*thread, "replies") == "1" ? " reply]" : " replies]");
  return out;
}

std::string body(const Json& envelope) {
  const auto type = text_of(envelope, "type");
  const auto from = text_of(envelope, "from");
  const auto content = envelope.value("content", Json::object());
  const auto nick = text_of(content, "nick");
  const auto who = envelope.value("imported", false) && !nick.empty() ? nick : from;
  const auto text = text_of(content, "text");
  if (auto deleted = envelope.find("deleted"); deleted != envelope.end())
    return printable(who + " (deleted by " + text_of(*deleted, "by") + ")");
  if (type == "member") return printable(member_event(content, from));
  if (type == "room") return printable(room_event(content, from));
  const auto about = " [" + type + " " + text_of(content, "target") + "]";
  if (type == "edit" || type == "delete" || type == "reaction") {
    const auto key = (content.value("remove", Json()) == Json(true) ? "not " : "") + text_of(content, "key");
    if (type == "delete") return printable(who + about);
    return printable(who + about) + ": " + in_lines(type == "reaction" ? key : text);
  }
  if (type == "text" && content.value("action", Json()) == Json(true))
    return "* " + printable(who) + " " + in_lines(text);
  if (type == "text") return printable(who) + ": " + in_lines(text);
  return printable(who + " [" + type + "]: " + text_of(envelope, "content"));
}

void flatten(const Json& object, const std::string& prefix, std::vector<std::array<std::string, 2>>& out) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object()) {
      flatten(value, prefix + key + ".", out);
    } else {
      out.push_back({prefix + key, key.ends_with("_at") ? time_cell(object, key) : cell(object, key)});
    }
  }
}

}  // namespace

std::string printable(std::string_view text, bool keep_lines) {
  const auto repaired = repair_utf8(text);
  std::string_view rest = repaired;
  std::string out;
  while (!rest.empty()) {
    const auto c = static_cast<unsigned char>(rest.front());
    const auto hidden = unprintable_length(rest);
    if (hidden > 0) {
      out += "\xEF\xBF\xBD";
    } else if (c == '\t') {
      out += ' ';
    } else if ((c < 0x20 && !(c == '\n' && keep_lines)) || c == 0x7F) {
      out += '^';
      out += static_cast<char>(c ^ 0x40);
    } else {
      out += rest.front();
    }
    rest.remove_prefix(std::max<std::size_t>(hidden, 1));
  }
  return out;
}

Table::Table(std::vector<std::string> headings) {
  rows_.push_back(std::move(headings));
}

void Table::add(std::vector<std::string> cells) {
  for (auto& c : cells) c = printable(c);
  cells.resize(rows_.front().size());
  rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i + 1 < row.size(); ++i) pad(line, row[i], widths[i] + 2);
    out << line << row.back() << '\n';
  }
}

std::string format_time_ms(std::int64_t ms) {
  if (ms == 0) return "-";
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm tm{};
  if (!localtime_r(&seconds, &tm)) return std::to_string(ms);
  std::array<char, 64> text{};
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &tm);
  return {text.data(), size};
}

std::string cell(const Json& object, std::string_view key) {
  auto it = object.find(key);
  if (it == object.end() || it->is_null()) return "-";
  if (it->is_boolean()) return it->get<bool>() ? "yes" : "no";
  auto text = text_of(object, key);
  return text.empty() ? "-" : text;
}

std::string time_cell(const Json& object, std::string_view key) {
  auto it = object.find(key);
  return it != object.end() && it->is_number_integer() ? format_time_ms(it->get<std::int64_t>()) : "-";
}

void print_fields(std::ostream& out, const Json& object) {
  std::vector<std::array<std::string, 2>> fields;
  flatten(object, "", fields);
  std::size_t widest = 0;
  for (const auto& field : fields) widest = std::max(widest, width(field[0]));
  for (const auto& [key, value] : fields) {
    std::string line;
    pad(line, printable(key), widest + 2);
    out << line << printable(value) << '\n';
  }
}

std::string format_message(const Json& envelope) {
  const auto said = envelope.contains("sent_at") ? "sent_at" : "at";
  auto seq = cell(envelope, "seq");
  if (seq.size() < 4) seq.insert(0, 4 - seq.size(), ' ');
  return seq + "  " + time_cell(envelope, said) + "  " + body(envelope) + notes(envelope);
}

std::int64_t parse_duration_s(std::string_view text) {
  constexpr std::int64_t kMax = 3650LL * 86400;
  std::int64_t number = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  std::int64_t seconds = 0;
  if (unit.empty() || unit == "s") seconds = 1;
  if (unit == "m") seconds = 60;
  if (unit == "h") seconds = 3600;
  if (unit == "d") seconds = 86400;
  const bool fits = ec == std::errc{} && seconds > 0 && number > 0 && number <= kMax / seconds;
  return fits ? number * seconds : 0;
}

}  // namespace parley::ctl
