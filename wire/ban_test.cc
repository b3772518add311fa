#include "wire/ban.h"

#include <gtest/gtest.h>

namespace parley::wire {
namespace {

TEST(BanTargets, are_kept_in_one_spelling) {
  EXPECT_EQ(canonical_target(BanKind::network, "192.0.2.9/24"), "192.0.2.0/24");
  EXPECT_EQ(canonical_target(BanKind::network, "::ffff:192.0.2.9"), "192.0.2.9");
  EXPECT_EQ(canonical_target(BanKind::network, "2001:DB8::1/64"), "2001:db8::/64");
  EXPECT_EQ(canonical_target(BanKind::user, "Alice"), "Alice");
  EXPECT_EQ(canonical_target(BanKind::client, "alice-phone"), "alice-phone");
}

TEST(BanTargets, half_the_internet_is_none) {
  for (const auto target :
       {"0.0.0.0/0", "0.0.0.0/7", "::/0", "2000::/3", "2001::/15", "::ffff:0.0.0.0/96", "lab", ""})
    EXPECT_FALSE(canonical_target(BanKind::network, target)) << target;
  EXPECT_TRUE(canonical_target(BanKind::network, "10.0.0.0/8"));
  EXPECT_TRUE(canonical_target(BanKind::network, "2001::/16"));
  for (const auto name : {"", "$parleyd", "a b", "-x"}) {
    EXPECT_FALSE(canonical_target(BanKind::user, name)) << name;
    EXPECT_FALSE(canonical_target(BanKind::client, name)) << name;
  }
}

TEST(BanKinds, have_names_that_are_read_back) {
  for (const auto kind : {BanKind::user, BanKind::client, BanKind::network})
    EXPECT_EQ(parse_ban_kind(ban_kind_name(kind)), kind);
  EXPECT_FALSE(parse_ban_kind("room"));
}

TEST(Bans, are_read_as_they_were_written) {
  const Ban bans[] = {
      {.kind = BanKind::user,
       .target = "mallory",
       .reason = "spam \"and\" worse",
       .by = "root",
       .at_ms = 1,
       .until_ms = 2},
      {.kind = BanKind::client, .target = "x-1", .at_ms = 5},
      {.kind = BanKind::network, .target = "2001:db8::/32", .by = "root", .at_ms = 7},
  };
  for (const auto& ban : bans) {
    EXPECT_EQ(ban_from_json(ban_to_json(ban)), ban);
    EXPECT_EQ(parse_ban_id(ban_id(ban.kind, ban.target)), std::pair(ban.kind, ban.target));
  }
}

TEST(Bans, anything_else_is_refused) {
  for (const auto text : {R"({})", R"([])", R"({"id":"user:a","kind":"user","target":"b","at":1})",
                          R"({"id":"user:$parleyd","kind":"user","target":"$parleyd","at":1})",
                          R"({"id":"room:a","kind":"room","target":"a","at":1})",
                          R"({"id":"network:10.0.0.1/8","kind":"network","target":"10.0.0.1/8","at":1})",
                          R"({"id":"user:a","kind":"user","target":"a","at":-1})",
                          R"({"id":"user:a","kind":"user","target":"a","at":1,"more":1})",
                          R"({"id":"user:a","kind":"user","target":"a","at":1,"by":"a b"})",
                          R"({"id":"user:a","kind":"user","target":"a","at":1,"reason":"a\nb"})"})
    EXPECT_FALSE(ban_from_json(nlohmann::json::parse(text))) << text;
  for (const auto id : {"", "user", "user:", "room:a", "network:0.0.0.0/0", "network:x"})
    EXPECT_FALSE(parse_ban_id(id)) << id;
}

}  // namespace
}  // namespace parley::wire
