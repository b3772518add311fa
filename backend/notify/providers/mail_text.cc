#include "backend/notify/providers/mail_text.h"

#include <algorithm>
#include <ctime>
#include <vector>

#include "backend/notify/providers/notification_json.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/text_cut.h"

namespace parley::backend {
namespace {

constexpr std::size_t kAddressMax = 254;
constexpr std::size_t kWordBytes = 45;  // in base64 60 characters: an encoded word has 75 at most
constexpr std::size_t kBase64Line = 76;

bool is_plain(std::string_view text) {
  return text.find("=?") == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7F; });
}

std::string without_controls(std::string_view text) {
  std::string out = repair_utf8(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = ' ';
  return out;
}

std::string quoted(const std::string& name) {
  if (!is_plain(name)) return header_words(name);
  std::string out = "\"";
  for (const char c : name) out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
  return out + '"';
}

std::string date_text(WallTime at) {
  const auto seconds = static_cast<std::time_t>(to_ms(at) / 1'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char rest[32] = {};
  std::strftime(rest, sizeof rest, "%Y %H:%M:%S +0000", &parts);
  return std::string(kDays[parts.tm_wday]) + ", " + std::to_string(parts.tm_mday) + " " +
         kMonths[parts.tm_mon] + " " + rest;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string messages_text(std::uint64_t count) {
  return count == 1 ? "1 new message" : std::to_string(count) + " new messages";
}

// A heading and what is below it.
struct Paragraph {
  std::string head, body;
};

std::vector<Paragraph> paragraphs(const Notification& notification) {
  std::vector<Paragraph> out;
  for (const auto& line : notification.lines) {
    const auto who = line.room.empty() ? line.from : line.room;
    auto body = line.text;
    if (!line.from.empty() && !body.empty() && line.from != who) body = line.from + ": " + body;
    out.push_back({(who.empty() ? "" : who + " – ") + messages_text(line.count), std::move(body)});
  }
  if (!out.empty()) return out;
  const auto text = shown(notification);
  if (text.title.empty())
    out.push_back({"There are new messages for you.", ""});
  else
    out.push_back({text.title, text.body});
  return out;
}

std::string subject_of(const Notification& notification) {
  const auto& lines = notification.lines;
  if (lines.empty()) {
    const auto title = shown(notification).title;
    return title.empty() ? "New messages" : "New messages in " + title;
  }
  std::uint64_t count = 0;
  for (const auto& line : lines) count += line.count;
  if (lines.size() > 1) return messages_text(count) + " in " + std::to_string(lines.size()) + " rooms";
  const auto& where = lines[0].room.empty() ? lines[0].from : lines[0].room;
  return messages_text(count) + (where.empty() ? "" : " in " + where);
}

std::string plain_body(const std::vector<Paragraph>& all) {
  std::string out;
  for (const auto& paragraph : all) {
    out += paragraph.head + "\r\n";
    if (!paragraph.body.empty()) out += "    " + paragraph.body + "\r\n";
    out += "\r\n";
  }
  return out;
}

std::string html_body(const std::vector<Paragraph>& all) {
  std::string out = "<!DOCTYPE html>\r\n<html><body>\r\n";
  for (const auto& paragraph : all) {
    out += "<p><b>" + escaped(paragraph.head) + "</b>";
    if (!paragraph.body.empty()) out += "<br>" + escaped(paragraph.body);
    out += "</p>\r\n";
  }
  return out + "</body></html>\r\n";
}

std::string part(const std::string& boundary, const char* type, const std::string& text) {
  std::string out = "--" + boundary + "\r\nContent-Type: " + type +
                    "; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  const auto encoded = base64_encode(text);
  for (std::size_t at = 0; at < encoded.size(); at += kBase64Line)
    out += encoded.substr(at, kBase64Line) + "\r\n";
  return out;
}

}  // namespace

bool is_mail_address(std::string_view address) {
  const auto at = address.find('@');
  return address.size() <= kAddressMax && at != std::string_view::npos && at > 0 && at + 1 < address.size() &&
         address.find('@', at + 1) == std::string_view::npos && address.front() != '-' &&
         std::ranges::all_of(address, [](char c) {
           return c > ' ' && c < 0x7F && std::string_view("<>()[],;:\\\"").find(c) == std::string_view::npos;
         });
}

Result<MailAddress> parse_mail_address(std::string_view text) {
  MailAddress parsed{.name = "", .address = std::string(text)};
  if (const auto open = text.rfind('<'); open != std::string_view::npos && text.ends_with('>')) {
    parsed.address = text.substr(open + 1, text.size() - open - 2);
    auto name = text.substr(0, open);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name.size() >= 2 && name.starts_with('"') && name.ends_with('"'))
      name = name.substr(1, name.size() - 2);
    parsed.name = without_controls(name);
  }
  if (!is_mail_address(parsed.address))
    return fail(Errc::invalid_argument, "must be a mail address, or Name <address>.");
  return parsed;
}

std::string header_words(std::string_view text) {
  const auto clean = without_controls(text);
  if (is_plain(clean)) return clean;
  std::string out;
  for (std::string_view rest = clean; !rest.empty();) {
    const auto size = cut_text(rest, kWordBytes).size();
    if (!out.empty()) out += "\r\n ";
    out += "=?UTF-8?B?" + base64_encode(rest.substr(0, size)) + "?=";
    rest.remove_prefix(size);
  }
  return out;
}

std::string mail_text(const Notification& notification, const MailForm& form) {
  const auto boundary = "=_" + hex_encode(as_view(sha256(form.message_id)).substr(0, 12));
  const auto body = paragraphs(notification);
  const auto& from = form.from;
  std::string out = "From: " + (from.name.empty() ? "" : quoted(from.name) + " ") + "<" + from.address +
                    ">\r\n" + "To: <" + form.to + ">\r\n" +
                    "Subject: " + header_words(subject_of(notification)) + "\r\n" +
                    "Date: " + date_text(form.at) + "\r\n" + "Message-ID: <" + form.message_id + ">\r\n" +
                    "Auto-Submitted: auto-generated\r\n" + "MIME-Version: 1.0\r\n";
  if (!form.unsubscribe_url.empty())
    out += "List-Unsubscribe: <" + form.unsubscribe_url + ">\r\n" +
           "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
  out += "Content-Type: multipart/alternative; boundary=\"" + boundary + "\"\r\n\r\n";
  out += part(boundary, "text/plain", plain_body(body)) + part(boundary, "text/html", html_body(body));
  return out + "--" + boundary + "--\r\n";
}

}  // namespace parley::backend
