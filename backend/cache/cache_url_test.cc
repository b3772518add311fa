#include "backend/cache/cache_url.h"

#include <gtest/gtest.h>

namespace parley::backend {
namespace {

using Kind = CacheUrl::Kind;

RedisTarget redis(std::string_view url) {
  const auto parsed = parse_cache_url(url);
  EXPECT_TRUE(parsed) << url << ": " << parsed.error().message;
  return parsed ? parsed->redis : RedisTarget{};
}

TEST(CacheUrl, memory_and_none_have_nothing_more) {
  EXPECT_EQ(parse_cache_url("memory://")->kind, Kind::memory);
  EXPECT_EQ(parse_cache_url("none://")->kind, Kind::none);
  EXPECT_FALSE(parse_cache_url("memory://64"));
}

TEST(CacheUrl, a_redis_is_a_host_and_all_else_has_defaults) {
  const auto target = redis("redis://cache.example");
  ASSERT_EQ(target.addresses.size(), 1u);
  EXPECT_EQ(target.addresses[0].host, "cache.example");
  EXPECT_EQ(target.addresses[0].port, 6379);
  EXPECT_EQ(target.password + target.user + target.master, "");
  EXPECT_EQ(target.database, 0u);
  EXPECT_FALSE(target.tls);
}

TEST(CacheUrl, a_redis_may_have_user_password_port_and_database) {
  const auto target = redis("rediss://par%20ley:p%40ss%3aword@10.0.0.1:7000/3");
  EXPECT_EQ(target.user, "par ley");
  EXPECT_EQ(target.password, "p@ss:word");
  EXPECT_EQ(target.addresses[0].host, "10.0.0.1");
  EXPECT_EQ(target.addresses[0].port, 7000);
  EXPECT_EQ(target.database, 3u);
  EXPECT_TRUE(target.tls);
  EXPECT_EQ(redis("redis://:secret@h/").password, "secret");
  EXPECT_EQ(redis("redis://:a@b@h").password, "a@b");
}

TEST(CacheUrl, an_ipv6_address_stands_in_brackets) {
  EXPECT_EQ(redis("redis://[::1]").addresses[0].host, "::1");
  EXPECT_EQ(redis("redis://:x@[2001:db8::5]:7001/1").addresses[0].port, 7001);
}

TEST(CacheUrl, sentinels_name_their_master) {
  const auto target = redis("redis+sentinel://:secret@s1:26380,s2,[::1]:1/parley-master/2");
  ASSERT_EQ(target.addresses.size(), 3u);
  EXPECT_EQ(target.addresses[0].port, 26380);
  EXPECT_EQ(target.addresses[1].host, "s2");
  EXPECT_EQ(target.addresses[1].port, 26379);
  EXPECT_EQ(target.addresses[2].host, "::1");
  EXPECT_EQ(target.master, "parley-master");
  EXPECT_EQ(target.database, 2u);
  EXPECT_EQ(target.password, "secret");
}

TEST(CacheUrl, what_is_wrong_is_told_without_the_url) {
  for (const std::string url : {"",
                                "redis",
                                "redis://",
                                "redis://:hush@",
                                "http://hush",
                                "redis://hush@h",
                                "redis://user:@h",
                                "redis://:hush%zz@h",
                                "redis://:hush%4@h",
                                "redis://:hush@h:0",
                                "redis://:hush@h:65536",
                                "redis://:hush@h:x",
                                "redis://:hush@h/x",
                                "redis://:hush@h/1/2",
                                "redis://:hush@[::1",
                                "redis://:hush@[::1]x",
                                "redis+sentinel://:hush@h",
                                "redis+sentinel://:hush@h/",
                                "redis+sentinel://:hush@h,,i/m",
                                "redis://:hush@h,i",
                                "REDIS://hush"}) {
    const auto parsed = parse_cache_url(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().code, Errc::invalid_argument) << url;
    EXPECT_EQ(parsed.error().message.find("hush"), std::string::npos) << url;
  }
}

}  // namespace
}  // namespace parley::backend
