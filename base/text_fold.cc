#include "base/text_fold.h"

#include <locale.h>
#include <wctype.h>

#include <cstdint>

namespace parley {
namespace {

// Of glibc itself: there without any locale being installed. Never freed.
locale_t every_script() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

// Takes one character off the front; a byte that begins none comes back as itself with `whole` false.
std::uint32_t take_character(std::string_view& text, bool& whole) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lead < 0x80       ? 1
                           : lead >> 5 == 6  ? 2
                           : lead >> 4 == 14 ? 3
                           : lead >> 3 == 30 ? 4
                                             : 0;
  std::uint32_t code = size < 2 ? lead : lead & (0x7fu >> size);
  whole = size > 0 && size <= text.size();
  for (std::size_t i = 1; whole && i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    whole = byte >> 6 == 2;
    code = code << 6 | (byte & 0x3f);
  }
  text.remove_prefix(whole ? size : 1);
  return whole ? code : lead;
}

void append_character(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    if (code < 0x10000) {
      out += static_cast<char>(0xe0 | code >> 12);
    } else {
      out += static_cast<char>(0xf0 | code >> 18);
      out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    }
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

}  // namespace

std::string fold_text(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  while (!text.empty()) {
    bool whole = false;
    const auto code = take_character(text, whole);
    if (!whole) {
      folded += static_cast<char>(code);
    } else {
      append_character(folded, every_script() ? towlower_l(code, every_script()) : code);
    }
  }
  return folded;
}

}  // namespace parley
