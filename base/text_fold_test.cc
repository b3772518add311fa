#include "base/text_fold.h"

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(TextFold, letters_of_every_script_lose_their_case) {
  EXPECT_EQ(fold_text("The LAB"), "the lab");
  EXPECT_EQ(fold_text("Übungen ÄÖÜß"), "übungen äöüß");
  EXPECT_EQ(fold_text("ΑΘΗΝΑ Москва ԵՐԵՎԱՆ"), "αθηνα москва երեվան");
  EXPECT_EQ(fold_text("東京 👍 1-2_3"), "東京 👍 1-2_3");
  EXPECT_EQ(fold_text("𐐀"), "𐐨");  // four bytes each
  EXPECT_EQ(fold_text(""), "");
}

TEST(TextFold, what_is_not_utf_8_stays) {
  for (const char* bytes : {"\xff", "A\xc3", "\xe6\x9d", "\xf0\x9f\x91", "\x80\x80"}) {
    std::string expected = bytes;
    if (expected[0] == 'A') expected[0] = 'a';
    EXPECT_EQ(fold_text(bytes), expected);
  }
}

}  // namespace
}  // namespace parley
