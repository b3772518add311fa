#include "tools/parleyctl/irc_nick.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "wire/names.h"

namespace parley::ctl {
namespace {

TEST(IrcNick, legal_nick_stays_as_it_is) {
  for (auto nick : {"kleedrac", "bob2", "C-O-L-T", "ubuntu_1.5", "7of9"}) EXPECT_EQ(nick_to_name(nick), nick);
}

TEST(IrcNick, characters_of_irc_are_escaped) {
  EXPECT_EQ(nick_to_name("zippo^"), "zippo@5e");
  EXPECT_EQ(nick_to_name("_null"), "i@._null");
  EXPECT_EQ(nick_to_name("|QuaD-"), "i@.@7cQuaD-");
  EXPECT_EQ(nick_to_name("k_sze[work]"), "k_sze@5bwork@5d");
  EXPECT_EQ(nick_to_name("a@b"), "a@40b");
  EXPECT_EQ(nick_to_name("\xe9ric"), "i@.@e9ric");
  EXPECT_EQ(nick_to_name(""), "");
}

TEST(IrcNick, names_no_nick_makes_have_no_nick) {
  for (auto name : {"", "a@", "a@4", "a@41", "a@5E", "i@.abc", "i@.", "a@zz", "b@.x", "a^"}) {
    EXPECT_EQ(name_to_nick(name), std::nullopt) << name;
  }
}

TEST(IrcNick, too_long_a_nick_is_cut_and_told_apart_by_its_hash) {
  auto one = nick_to_name(std::string(70, 'a') + "1");
  auto two = nick_to_name(std::string(70, 'a') + "2");
  EXPECT_EQ(one.size(), 64u);
  EXPECT_TRUE(wire::valid_name(one));
  EXPECT_NE(one, two);
  EXPECT_EQ(name_to_nick(one), std::nullopt);
}

TEST(IrcNick, every_short_nick_of_any_bytes_comes_back_and_is_alone_with_its_name) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string alphabet = "aZ09._-@^[]\\`{}| \xc3\xa9\xff" + std::string("i.@");
  std::map<std::string, std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    std::string nick;
    for (auto length = 1 + random() % 9; nick.size() < length;) nick += alphabet[random() % alphabet.size()];
    auto name = nick_to_name(nick);
    ASSERT_TRUE(wire::valid_name(name)) << name;
    ASSERT_EQ(name_to_nick(name), nick) << name;
    ASSERT_EQ(seen.try_emplace(name, nick).first->second, nick);
  }
}

}  // namespace
}  // namespace parley::ctl
