#include "base/encoding.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace parley {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kHex = "0123456789abcdef";
constexpr unsigned char kNotInAlphabet = 0xff;

using Reverse = std::array<unsigned char, 256>;

constexpr Reverse reverse_of(std::string_view alphabet) {
  Reverse reverse{};
  reverse.fill(kNotInAlphabet);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    reverse[static_cast<unsigned char>(alphabet[i])] = static_cast<unsigned char>(i);
  }
  return reverse;
}

constexpr Reverse kFromBase64 = reverse_of(kBase64);
constexpr Reverse kFromBase64Url = reverse_of(kBase64Url);
constexpr Reverse kFromHex = [] {
  Reverse reverse = reverse_of(kHex);
  for (unsigned char c = 'A'; c <= 'F'; ++c) reverse[c] = static_cast<unsigned char>(c - 'A' + 10);
  return reverse;
}();

unsigned char at(std::string_view s, std::size_t i) {
  return static_cast<unsigned char>(s[i]);
}

// RFC 4648 §4 without padding.
std::string encode64(std::string_view bytes, std::string_view alphabet) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group = (at(bytes, i) << 16) | (at(bytes, i + 1) << 8) | at(bytes, i + 2);
    out += alphabet[group >> 18];
    out += alphabet[(group >> 12) & 63];
    out += alphabet[(group >> 6) & 63];
    out += alphabet[group & 63];
  }
  const std::size_t left = bytes.size() - i;
  if (left == 0) return out;
  const std::uint32_t group = (at(bytes, i) << 16) | (left == 2 ? at(bytes, i + 1) << 8 : 0);
  out += alphabet[group >> 18];
  out += alphabet[(group >> 12) & 63];
  if (left == 2) out += alphabet[(group >> 6) & 63];
  return out;
}

// `text` without padding. Bits that encode nothing must be zero, so that a value has one text.
std::optional<std::string> decode64(std::string_view text, const Reverse& reverse) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const unsigned char value = reverse[static_cast<unsigned char>(c)];
    if (value == kNotInAlphabet) return std::nullopt;
    bits = (bits << 6) | value;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>((bits >> held) & 0xff);
  }
  if ((bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return out;
}

// The sequence at the front of `bytes` (which is not empty): how long it is, and whether it is a character
// other than U+0000. Of an ill-formed one, the length of its "maximal subpart" (Unicode §3.9), which one
// U+FFFD stands for.
struct Sequence {
  std::size_t size;
  bool ok;
};

Sequence first_sequence(std::string_view bytes) {
  const unsigned char lead = at(bytes, 0);
  if (lead < 0x80) return {1, lead != 0};
  std::size_t size = 0;
  unsigned char second_min = 0x80, second_max = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    size = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    size = 3;
    if (lead == 0xe0) second_min = 0xa0;  // else overlong
    if (lead == 0xed) second_max = 0x9f;  // else a surrogate
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    size = 4;
    if (lead == 0xf0) second_min = 0x90;  // else overlong
    if (lead == 0xf4) second_max = 0x8f;  // else above U+10FFFF
  } else {
    return {1, false};
  }
  if (bytes.size() < 2 || at(bytes, 1) < second_min || at(bytes, 1) > second_max) return {1, false};
  for (std::size_t i = 2; i < size; ++i) {
    if (i >= bytes.size() || (at(bytes, i) & 0xc0) != 0x80) return {i, false};
  }
  return {size, true};
}

// How many bytes at the front of `bytes` are ASCII other than NUL, counted in steps of eight.
std::size_t ascii_run(std::string_view bytes) {
  constexpr std::uint64_t kHigh = 0x8080808080808080, kOnes = 0x0101010101010101;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    // Where no high bit is set, taking 1 off each byte sets one exactly when some byte is 0.
    if (((word | (word - kOnes)) & kHigh) != 0) break;
  }
  return i;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out = encode64(bytes, kBase64);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode64(text, kFromBase64);
}

std::string base64url_encode(std::string_view bytes) {
  return encode64(bytes, kBase64Url);
}

std::optional<std::string> base64url_decode(std::string_view text) {
  return decode64(text, kFromBase64Url);
}

std::string hex_encode(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::optional<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const unsigned char high = kFromHex[at(text, i)], low = kFromHex[at(text, i + 1)];
    if (high == kNotInAlphabet || low == kNotInAlphabet) return std::nullopt;
    out += static_cast<char>((high << 4) | low);
  }
  return out;
}

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    text.remove_prefix(ascii_run(text));
    // What stopped the run is within these eight bytes, or they are the last ones.
    for (std::size_t done = 0; done < 8 && !text.empty();) {
      const Sequence sequence = first_sequence(text);
      if (!sequence.ok) return false;
      text.remove_prefix(sequence.size);
      done += sequence.size;
    }
  }
  return true;
}

std::string repair_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const Sequence sequence = first_sequence(bytes);
    out += sequence.ok ? bytes.substr(0, sequence.size) : std::string_view("\xef\xbf\xbd");
    bytes.remove_prefix(sequence.size);
  }
  return out;
}

void append_json_escaped(std::string& out, std::string_view text) {
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = at(text, i);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out += text.substr(copied, i - copied);
    copied = i + 1;
    out += '\\';
    constexpr std::string_view kNamed = "\"\\\b\f\n\r\t", kLetters = "\"\\bfnrt";
    if (const std::size_t named = kNamed.find(text[i]); named != std::string_view::npos) {
      out += kLetters[named];
    } else {
      out += "u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    }
  }
  out += text.substr(copied);
}

std::string fold_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace parley
