#pragma once
#include <string_view>

namespace parley {

// The longest beginning of `text`, UTF-8, that has at most `most` bytes and ends with a whole character.
inline std::string_view cut_text(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return text.substr(0, most);
}

}  // namespace parley
