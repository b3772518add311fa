#include "base/encoding.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace parley {
namespace {

using namespace std::string_view_literals;

TEST(Base64, gives_the_texts_of_RFC_4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xfb\xff\xfe", "+//+"},
  };
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text), bytes);
  }
}

TEST(Base64, refuses_what_no_encoder_writes) {
  for (const auto text : {"Zg=", "Zg", "Zg===", "=", "==", "====", "Z===", "Zh==", "Zm9=", "Zm9v\n", "Zm 9",
                          "Zm9vYg==Zg==", "-_-_", "Zg=a", "A=AA"}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
  EXPECT_FALSE(base64_decode("AA\0A"sv));
}

TEST(Base64Url, has_its_own_alphabet_and_no_padding) {
  EXPECT_EQ(base64url_encode("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(base64url_encode("f"), "Zg");
  EXPECT_EQ(base64url_decode("-__-"), "\xfb\xff\xfe");
  EXPECT_EQ(base64url_decode("Zg"), "f");
  for (const auto text : {"Zg==", "+//+", "Z", "Zh", "Zm9vY"}) EXPECT_FALSE(base64url_decode(text)) << text;
}

TEST(Base64, every_byte_comes_back_at_every_length) {
  std::string bytes;
  for (int i = 0; i < 600; ++i) {
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
    EXPECT_EQ(base64url_decode(base64url_encode(bytes)), bytes);
    EXPECT_EQ(hex_decode(hex_encode(bytes)), bytes);
    bytes += static_cast<char>(i * 7);
  }
}

TEST(Hex, is_written_small_and_read_in_both_cases) {
  EXPECT_EQ(hex_encode("\x00\xab\x7f"sv), "00ab7f");
  EXPECT_EQ(hex_decode("00aB7F"), "\x00\xab\x7f"sv);
  for (const auto text : {"0", "0g", "0x00", " 0", "00 "}) EXPECT_FALSE(hex_decode(text)) << text;
}

// The slow, obvious way: decode the code point by arithmetic and ask whether it had to be written so.
bool valid_utf8_reference(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80   ? 1
                             : lead < 0xc0 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf8 ? 4
                                           : 0;
    if (size == 0 || i + size > text.size()) return false;
    std::uint32_t point = size == 1 ? lead : lead & (0xffU >> (size + 1));
    for (std::size_t k = 1; k < size; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if (next < 0x80 || next > 0xbf) return false;
      point = point << 6 | (next & 0x3f);
    }
    const std::uint32_t smallest[] = {0, 1, 0x80, 0x800, 0x10000};
    if (point < smallest[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += size;
  }
  return true;
}

// One byte of each class a UTF-8 reader has to tell apart, and its neighbours.
constexpr unsigned char kEdges[] = {0x00, 0x01, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1,
                                    0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff};

void check_all(std::string& text, std::size_t from, std::size_t to) {
  if (from == to) {
    ASSERT_EQ(valid_utf8(text), valid_utf8_reference(text)) << hex_encode(text);
    ASSERT_TRUE(valid_utf8(repair_utf8(text))) << hex_encode(text);
    if (valid_utf8(text)) {
      ASSERT_EQ(repair_utf8(text), text);
    }
    return;
  }
  for (const unsigned char byte : kEdges) {
    text[from] = static_cast<char>(byte);
    check_all(text, from + 1, to);
  }
}

TEST(Utf8, agrees_with_the_obvious_reader_over_all_short_texts) {
  for (std::size_t size = 0; size <= 4; ++size) {
    std::string text(size, '\0');
    check_all(text, 0, size);
  }
}

TEST(Utf8, agrees_with_the_obvious_reader_across_steps_of_eight) {
  for (std::size_t place = 0; place < 20; ++place) {
    std::string text(22, 'x');
    check_all(text, place, place + 2);
  }
}

TEST(Utf8, takes_the_first_and_last_characters_of_each_length) {
  EXPECT_TRUE(valid_utf8(""));
  EXPECT_TRUE(valid_utf8("\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
  EXPECT_FALSE(valid_utf8("\xed\xa0\x80"));      // surrogate
  EXPECT_FALSE(valid_utf8("\xf4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(valid_utf8("\xc0\x80"));          // overlong U+0000
  EXPECT_FALSE(valid_utf8("0123456\0"sv));
  EXPECT_FALSE(valid_utf8("01234567\0"sv));
}

TEST(Utf8, repair_puts_one_mark_for_each_ill_formed_sequence) {
  // The example of Unicode 15, table 3-11.
  EXPECT_EQ(repair_utf8("\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64"),
            "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
            "b\xef\xbf\xbd"
            "c\xef\xbf\xbd\xef\xbf\xbd"
            "d");
  EXPECT_EQ(repair_utf8("caf\xe9"), "caf\xef\xbf\xbd");
  EXPECT_EQ(repair_utf8("a\0b"sv), "a\xef\xbf\xbd\x62");
}

TEST(JsonEscape, escapes_what_JSON_asks_for_and_no_more) {
  std::string out = "<";
  append_json_escaped(out, "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f\xc3\xa4\0"sv);
  EXPECT_EQ(out, "<a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa4\\u0000");
  out.clear();
  append_json_escaped(out, "");
  EXPECT_EQ(out, "");
}

TEST(FoldCase, lowers_ASCII_letters_alone) {
  EXPECT_EQ(fold_case("AbZ@[`{-9\xc3\x84"), "abz@[`{-9\xc3\x84");
}

}  // namespace
}  // namespace parley
