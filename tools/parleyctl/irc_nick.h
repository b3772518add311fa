#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace parley::ctl {

// The Parley name of an IRC nick, one to one, and the way back. Pure; nothing is looked up.
//
//   kleedrac   → kleedrac          legal as it is
//   zippo^     → zippo@5e          a character that names may not have, or '@': '@' and two hex digits of its
//   byte _null      → i@._null          does not begin with a letter or digit: "i@." in front |QuaD-     →
//   i@.@7cQuaD- (too long) → …@-89abcdef01234567   longer than 64: cut, "@-", 16 hex digits of SHA-256; this
//   alone has no way back
//
// `nick` is any bytes but none: "" gives "". Nicks that differ only in case give names that differ only in
// case, which Parley, like IRC, holds to be one person.
std::string nick_to_name(std::string_view nick);

// The nick that nick_to_name made `name` from; nullopt when there is no such nick, or `name` was cut.
std::optional<std::string> name_to_nick(std::string_view name);

}  // namespace parley::ctl
