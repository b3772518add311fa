#include "plugin/auth/bearer.h"

#include <algorithm>

#include "base/encoding.h"
#include "plugin/auth/gs2_header.h"

namespace parley::plugin {
namespace {

constexpr char kSeparator = '\x01';
constexpr std::string_view kScheme = "bearer ";

bool is_key(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

// §2.1 of RFC 6750: what a token may be made of.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::optional<Bearer> parse_bearer(std::string_view message) {
  if (message.size() > kBearerMax) return std::nullopt;
  std::string_view rest = message;
  const auto header = take_gs2_header(rest);
  if (!header || !rest.starts_with(kSeparator) || !rest.ends_with(kSeparator)) return std::nullopt;
  rest.remove_prefix(1);
  Bearer bearer{.user = header->authzid.value_or(""), .token = {}};
  while (!rest.empty() && rest[0] != kSeparator) {
    const std::size_t end = rest.find(kSeparator);
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || !is_key(pair.substr(0, equals))) return std::nullopt;
    if (fold_case(pair.substr(0, equals)) != "auth") continue;
    std::string_view value = pair.substr(equals + 1);
    if (!bearer.token.empty() || fold_case(value.substr(0, kScheme.size())) != kScheme) return std::nullopt;
    value.remove_prefix(kScheme.size());
    if (!is_token(value)) return std::nullopt;
    bearer.token = value;
  }
  if (rest.size() != 1 || bearer.token.empty()) return std::nullopt;
  return bearer;
}

}  // namespace parley::plugin
