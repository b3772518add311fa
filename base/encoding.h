#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace parley {

// RFC 4648. Encoders give padded base64, unpadded base64url, lower-case hex. Decoders are strict: wrong length,
// characters outside the alphabet, or non-zero trailing bits give nullopt. base64url_decode takes no padding.
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);
std::string base64url_encode(std::string_view bytes);
std::optional<std::string> base64url_decode(std::string_view text);
std::string hex_encode(std::string_view bytes);
std::optional<std::string> hex_decode(std::string_view text);

// True when `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms) without U+0000.
bool valid_utf8(std::string_view text);

// `bytes` with every ill-formed sequence, and every U+0000, replaced by U+FFFD.
std::string repair_utf8(std::string_view bytes);

// Appends `text` as the inside of a JSON string (RFC 8259): quotes, backslashes and controls escaped; no quotes added.
// `text` must be valid UTF-8.
void append_json_escaped(std::string& out, std::string_view text);

// ASCII lower case; other bytes as they are.
std::string fold_case(std::string_view text);

}  // namespace parley
