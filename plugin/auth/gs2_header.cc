#include "plugin/auth/gs2_header.h"

namespace parley::plugin {

std::string_view take_gs2_part(std::string_view& rest) {
  const std::size_t comma = rest.find(',');
  const std::string_view part = rest.substr(0, comma);
  rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  return part;
}

std::optional<std::string_view> gs2_value(std::string_view part, char name) {
  if (part.size() < 2 || part[0] != name || part[1] != '=') return std::nullopt;
  return part.substr(2);
}

std::optional<std::string> unescape_saslname(std::string_view text) {
  std::string name;
  while (!text.empty()) {
    if (text[0] != '=') {
      name += text[0];
      text.remove_prefix(1);
      continue;
    }
    if (text.starts_with("=2C"))
      name += ',';
    else if (text.starts_with("=3D"))
      name += '=';
    else
      return std::nullopt;
    text.remove_prefix(3);
  }
  return name;
}

std::expected<Gs2Header, Gs2Failure> take_gs2_header(std::string_view& rest) {
  const std::string_view whole = rest;
  const std::string_view flag = take_gs2_part(rest);
  if (gs2_value(flag, 'p')) return std::unexpected(Gs2Failure::channel_binding);
  if ((flag != "n" && flag != "y") || rest.find(',') == std::string_view::npos)
    return std::unexpected(Gs2Failure::malformed);
  Gs2Header header;
  const std::string_view identity = take_gs2_part(rest);
  if (!identity.empty()) {
    const auto value = gs2_value(identity, 'a');
    if (value) header.authzid = unescape_saslname(*value);
    if (!header.authzid || header.authzid->empty()) return std::unexpected(Gs2Failure::malformed);
  }
  header.text = whole.substr(0, whole.size() - rest.size());
  return header;
}

}  // namespace parley::plugin
