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

}  // namespace
}  // namespace parley::wire
