#include "plugin/limits/ban_index.h"

#include <gtest/gtest.h>

namespace parley::plugin {
namespace {

using wire::Ban;
using wire::BanKind;
using Added = BanIndex::Added;

constexpr WallTime kNow{std::chrono::milliseconds{1000}};

WallTime at(std::int64_t ms) {
  return from_ms(ms);
}
wire::IpAddress ip(std::string_view text) {
  return *wire::parse_address(text);
}

TEST(BanIndex, finds_who_is_banned_until_the_ban_ends) {
  BanIndex bans;
  bans.add({.kind = BanKind::user, .target = "Mallory", .by = "root", .until_ms = 2000});
  EXPECT_TRUE(bans.user("mallory", kNow));
  EXPECT_TRUE(bans.user("MALLORY", at(1999)));
  EXPECT_FALSE(bans.user("mallory", at(2000)));
  EXPECT_FALSE(bans.client("mallory", kNow));
  EXPECT_TRUE(bans.remove(BanKind::user, "mallory"));
  EXPECT_FALSE(bans.remove(BanKind::user, "mallory"));
  EXPECT_FALSE(bans.user("mallory", kNow));
}

TEST(BanIndex, an_address_is_banned_by_any_network_it_is_in) {
  BanIndex bans;
  bans.add({.kind = BanKind::network, .target = "192.0.2.7", .by = "root", .until_ms = 1500});
  bans.add({.kind = BanKind::network, .target = "192.0.2.0/24", .by = "root"});
  bans.add({.kind = BanKind::network, .target = "2001:db8::/32", .by = "root"});
  EXPECT_EQ(bans.address(ip("192.0.2.7"), kNow)->target, "192.0.2.7");
  EXPECT_EQ(bans.address(ip("192.0.2.7"), at(1500))->target, "192.0.2.0/24");
  EXPECT_TRUE(bans.address(ip("::ffff:192.0.2.8"), kNow));
  EXPECT_FALSE(bans.address(ip("192.0.3.8"), kNow));
  EXPECT_TRUE(bans.address(ip("2001:db8:1::1"), kNow));
  bans.remove(BanKind::network, "192.0.2.0/24");
  EXPECT_FALSE(bans.address(ip("192.0.2.8"), kNow));
}

TEST(BanIndex, an_administrators_ban_stands_above_the_brokers) {
  BanIndex bans;
  EXPECT_EQ(bans.add({.kind = BanKind::client, .target = "x", .until_ms = 5000}), Added::added);
  EXPECT_EQ(bans.add({.kind = BanKind::client, .target = "X", .by = "root", .until_ms = 3000}),
            Added::changed);
  EXPECT_EQ(bans.add({.kind = BanKind::client, .target = "x", .until_ms = 9000}), Added::kept);
  EXPECT_EQ(bans.client("x", kNow)->until_ms, 3000);
  EXPECT_EQ(bans.by_admins(), 1u);
  EXPECT_EQ(bans.by_broker(), 0u);
  EXPECT_EQ(bans.of_kind(BanKind::client), 1u);
}

TEST(BanIndex, each_list_is_bounded) {
  BanIndex bans(3);
  for (const auto name : {"a", "b", "c"}) EXPECT_EQ(bans.add({.target = name, .by = "root"}), Added::added);
  EXPECT_EQ(bans.add({.target = "d", .by = "root"}), Added::full);
  EXPECT_EQ(bans.add({.target = "a", .by = "root", .until_ms = 9000}), Added::changed);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(bans.add({.kind = BanKind::client, .target = "c" + std::to_string(i), .until_ms = 2000 + i}),
              Added::added);
  EXPECT_EQ(bans.by_broker(), 3u);
  EXPECT_TRUE(bans.client("c9", kNow));
  EXPECT_FALSE(bans.client("c6", kNow));
  EXPECT_EQ(bans.add({.kind = BanKind::client, .target = "c9", .by = "root"}), Added::full);
  EXPECT_EQ(bans.by_admins(), 3u);
}

TEST(BanIndex, what_has_ended_is_taken_out_piece_by_piece) {
  BanIndex bans;
  for (int i = 0; i < 5; ++i)
    bans.add({.target = "u" + std::to_string(i), .by = "root", .until_ms = 1001 + i});
  bans.add({.target = "forever", .by = "root"});
  EXPECT_TRUE(bans.take_ended(kNow, 10).empty());
  EXPECT_EQ(bans.take_ended(at(5000), 3).size(), 3u);
  EXPECT_EQ(bans.take_ended(at(5000), 3).size(), 2u);
  EXPECT_EQ(bans.by_admins(), 1u);
}

TEST(BanIndex, is_listed_in_pages) {
  BanIndex bans;
  bans.add({.kind = BanKind::network, .target = "192.0.2.0/24", .by = "root"});
  bans.add({.kind = BanKind::user, .target = "Bob", .by = "root"});
  bans.add({.kind = BanKind::user, .target = "alice", .by = "root"});
  bans.add({.kind = BanKind::client, .target = "phone"});
  std::vector<std::string> seen;
  std::optional<BanIndex::Place> after;
  for (bool more = true; more;) {
    const auto page = bans.list(after, 1, more);
    ASSERT_EQ(page.size(), 1u);
    seen.push_back(page[0]->target);
    after = {page[0]->kind, page[0]->target};
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"alice", "Bob", "phone", "192.0.2.0/24"}));
}

}  // namespace
}  // namespace parley::plugin
