#pragma once
#include <expected>
#include <optional>
#include <string>
#include <string_view>

// What SASL mechanisms of the GS2 family begin with (RFC 5801 §4, RFC 5802 §7): `n,,`, or `n,a=alice,`. Pure.
namespace parley::plugin {

struct Gs2Header {
  std::string text;                    // as it came, with its last comma
  std::optional<std::string> authzid;  // whom the client wants to act for; never ""
};
enum class Gs2Failure { malformed, channel_binding };

// Takes the header off `rest`; `p=…`, which insists on channel binding, is channel_binding.
std::expected<Gs2Header, Gs2Failure> take_gs2_header(std::string_view& rest);

// The text up to the next comma, which is taken as well; everything when there is none.
std::string_view take_gs2_part(std::string_view& rest);
// `=2C` and `=3D` undone (saslname); nullopt when another `=` is there.
std::optional<std::string> unescape_saslname(std::string_view text);
// The value of attribute `name` in "n=value"; nullopt when `part` is not that.
std::optional<std::string_view> gs2_value(std::string_view part, char name);

}  // namespace parley::plugin
