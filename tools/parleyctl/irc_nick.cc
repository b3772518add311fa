#include "tools/parleyctl/irc_nick.h"

#include "base/crypto.h"
#include "base/encoding.h"
#include "wire/limits.h"

namespace parley::ctl {
namespace {

constexpr std::string_view kLead = "i@.";
constexpr std::string_view kCut = "@-";
constexpr std::size_t kHashChars = 16;

bool alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool stays(char c) {
  return alphanumeric(c) || c == '.' || c == '_' || c == '-';
}

std::string escape(std::string_view nick) {
  std::string out;
  for (char c : nick) {
    if (stays(c)) {
      out += c;
    } else {
      out += '@';
      out += hex_encode({&c, 1});
    }
  }
  return out;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '@') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    auto byte = hex_decode(text.substr(i + 1, 2));
    if (!byte) return std::nullopt;
    out += *byte;
    i += 2;
  }
  return out;
}

}  // namespace

std::string nick_to_name(std::string_view nick) {
  if (nick.empty()) return {};
  auto name = escape(nick);
  if (!alphanumeric(name.front())) name.insert(0, kLead);
  if (name.size() <= wire::kNameMax) return name;
  name.resize(wire::kNameMax - kCut.size() - kHashChars);
  name += kCut;
  name += hex_encode(as_view(sha256(nick)).substr(0, kHashChars / 2));
  return name;
}

std::optional<std::string> name_to_nick(std::string_view name) {
  auto rest = name.starts_with(kLead) ? name.substr(kLead.size()) : name;
  auto nick = unescape(rest);
  // Only the form nick_to_name gives: "a@41" is not the name of "aA".
  if (!nick || nick->empty() || nick_to_name(*nick) != name) return std::nullopt;
  return nick;
}

}  // namespace parley::ctl
