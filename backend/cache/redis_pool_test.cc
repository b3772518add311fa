#include "backend/cache/redis_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "backend/cache/scripted_redis.h"

namespace parley::backend {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Script = ScriptedRedis::Script;
using Type = RedisReply::Type;

constexpr RedisTimes kTimes{.connect = 5s, .command = 5s};
constexpr RedisTimes kShort{.connect = 60ms, .command = 60ms};

class RedisPoolTest : public testing::Test {
 protected:
  RedisTarget target(std::uint16_t port) {
    return {.addresses = {{.host = "127.0.0.1", .port = port}}, .password = "hush", .database = 2};
  }
  RedisTarget sentinels(std::vector<std::uint16_t> ports) {
    RedisTarget target{.addresses = {}, .master = "main", .password = "hush"};
    for (const auto port : ports) target.addresses.push_back({.host = "127.0.0.1", .port = port});
    return target;
  }
  RedisPool& open(RedisTarget target, const RedisTimes& times = kTimes) {
    const RedisPoolOptions options{.connections = 2,
                                   .times = times,
                                   .breaker = {.failures = 3,
                                               .window = 64,
                                               .share_percent = 101,
                                               .pause = {.least = 1s, .first = 1s, .max = 1s}}};
    pool_ = std::make_unique<RedisPool>(
        std::move(target), RedisTls{}, options, clock_,
        [this](LogLevel, std::string_view line) { log_.append(line).append("\n"); });
    return *pool_;
  }
  RedisPool& open(const ScriptedRedis& server, const RedisTimes& times = kTimes) {
    return open(target(server.port()), times);
  }
  Result<std::vector<RedisReply>> get() { return pool_->run({{"GET", "k"}}); }
  BreakerState state() const { return pool_->reading().state; }

  static bool login(const ScriptedRedis::Command& command) {
    return command[0] == "AUTH" || command[0] == "SELECT";
  }

  FakeClock clock_;
  std::string log_;
  std::unique_ptr<RedisPool> pool_;
};

// Lets logins in, and answers all else as told.
Script after_login(Script script) {
  return [script = std::move(script)](const ScriptedRedis::Command& command) {
    return command[0] == "AUTH" || command[0] == "SELECT" ? std::string("+OK\r\n") : script(command);
  };
}

TEST_F(RedisPoolTest, logs_in_once_and_keeps_the_connection) {
  ScriptedRedis server(after_login([](auto&) { return redis_bulk(std::string("a\0b", 3)); }));
  open(server);
  for (int i = 0; i < 3; ++i) {
    const auto replies = get();
    ASSERT_TRUE(replies) << replies.error().message;
    EXPECT_EQ(replies->front().text, std::string("a\0b", 3));
  }
  EXPECT_EQ(server.connections(), 1);
  const auto commands = server.commands();
  ASSERT_EQ(commands.size(), 5u);
  EXPECT_EQ(commands[0], (RedisCommand{"AUTH", "hush"}));
  EXPECT_EQ(commands[1], (RedisCommand{"SELECT", "2"}));
}

TEST_F(RedisPoolTest, several_commands_are_one_round_trip_with_a_reply_each) {
  ScriptedRedis server(after_login([](const auto& command) {
    if (command[0] == "A") return std::string(":7\r\n");
    if (command[0] == "B") return std::string("$-1\r\n");
    return std::string("-WRONGTYPE it is something else\r\n");
  }));
  open(server);
  const auto replies = pool_->run({{"A"}, {"B"}, {"C"}});
  ASSERT_TRUE(replies);
  EXPECT_EQ((*replies)[0].integer, 7);
  EXPECT_EQ((*replies)[1].type, Type::nothing);
  EXPECT_EQ((*replies)[2].error_word(), "WRONGTYPE");
  EXPECT_EQ(state(), BreakerState::closed);
}

TEST_F(RedisPoolTest, a_silent_server_is_given_up_in_time) {
  ScriptedRedis server(after_login([](auto&) { return ScriptedRedis::kSilent; }));
  open(server, kShort);
  const auto replies = get();
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().code, Errc::timeout);
  EXPECT_EQ(server.commands().size(), 3u) << "a command that was late is not sent twice";
}

TEST_F(RedisPoolTest, a_server_that_trickles_is_given_up_in_time) {
  ScriptedRedis server(after_login([](auto&) { return ScriptedRedis::kTrickle; }));
  open(server, kShort);
  const auto replies = get();
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().code, Errc::timeout);
}

TEST_F(RedisPoolTest, what_is_no_redis_is_a_failure) {
  for (const std::string garbage :
       {"HTTP/1.1 400 Bad Request\r\n\r\n", "\r\n\r\n", "$abc\r\n", "*-7\r\n", "$-9\r\n"}) {
    ScriptedRedis server(after_login([&](auto&) { return garbage; }));
    open(server);
    const auto replies = get();
    if (replies) {
      EXPECT_NE(replies->front().type, Type::text) << garbage;  // lengths below 0 are read as nothing
    }
  }
}

TEST_F(RedisPoolTest, a_reply_beyond_all_bounds_is_not_taken) {
  ScriptedRedis server(after_login(
      [](auto&) { return "$999999999\r\n" + std::string(RedisConnection::kReplyMax + 1'000'000, 'x'); }));
  open(server);
  const auto replies = get();
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().code, Errc::unavailable);
}

TEST_F(RedisPoolTest, a_kept_connection_that_was_closed_is_replaced_unnoticed) {
  int answered = 0;
  ScriptedRedis server(
      after_login([&](auto&) { return ++answered == 2 ? ScriptedRedis::kHangUp : "+OK\r\n"; }));
  open(server);
  ASSERT_TRUE(get());
  ASSERT_TRUE(get());
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(log_, "");
}

TEST_F(RedisPoolTest, after_failures_it_is_left_alone_then_tried_and_used_again) {
  std::atomic<bool> works = false;
  ScriptedRedis server(after_login([&](auto&) { return works ? "+OK\r\n" : ScriptedRedis::kHangUp; }));
  open(server);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(get());
  EXPECT_EQ(state(), BreakerState::open);
  const auto before = server.connections();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(get());
  EXPECT_EQ(server.connections(), before) << "an open breaker costs nothing";
  clock_.advance(1s);
  EXPECT_FALSE(get());
  EXPECT_EQ(state(), BreakerState::open);
  works = true;
  clock_.advance(1s);
  EXPECT_TRUE(get());
  EXPECT_EQ(state(), BreakerState::closed);
  EXPECT_THAT(log_, HasSubstr("Redis works again"));
  EXPECT_EQ(std::ranges::count(log_, '\n'), 2) << "told once each way: " << log_;
}

TEST_F(RedisPoolTest, a_server_that_can_not_work_counts_as_away) {
  for (const std::string word : {"LOADING", "READONLY", "OOM", "MASTERDOWN", "NOAUTH"}) {
    ScriptedRedis server(after_login([&](auto&) { return "-" + word + " k hush and more\r\n"; }));
    open(server);
    const auto replies = get();
    ASSERT_FALSE(replies) << word;
    EXPECT_THAT(replies.error().message, HasSubstr(word));
    EXPECT_THAT(replies.error().message + log_, Not(HasSubstr("hush")));
    EXPECT_FALSE(get());
    EXPECT_EQ(server.connections(), 2) << "it is asked on a new connection";
  }
}

TEST_F(RedisPoolTest, a_refused_login_is_told_without_the_password) {
  ScriptedRedis server([](auto& command) { return "-WRONGPASS " + command.back() + " is wrong\r\n"; });
  open(server);
  const auto replies = get();
  ASSERT_FALSE(replies);
  EXPECT_THAT(replies.error().message, HasSubstr("WRONGPASS"));
  EXPECT_THAT(replies.error().message + log_, Not(HasSubstr("hush")));
}

TEST_F(RedisPoolTest, nobody_listening_is_a_failure) {
  std::uint16_t port = 0;
  {
    port = ScriptedRedis([](auto&) { return ""; }).port();
  }
  open(target(port));
  EXPECT_EQ(get().error().code, Errc::unavailable);
}

TEST_F(RedisPoolTest, no_more_connections_are_made_than_allowed) {
  ScriptedRedis server(after_login([](auto&) { return "+OK\r\n"; }));
  open(server);
  std::atomic<int> failed = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        for (int j = 0; j < 50; ++j) failed += !pool_->run({{"PING"}});
      });
  }
  EXPECT_EQ(failed, 0);
  EXPECT_LE(server.connections(), 2);
}

TEST_F(RedisPoolTest, all_connections_busy_is_unavailable_and_says_nothing_about_redis) {
  ScriptedRedis server(after_login([](auto&) { return ScriptedRedis::kSilent; }));
  open(server, {.connect = 5s, .command = 300ms});
  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back([&] { (void)get(); });
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (server.connections() < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_FALSE(get());
  threads.clear();
  EXPECT_LE(pool_->reading().opened, 1u);
}

std::string role(const char* role) {
  return redis_list({role, "0"});
}

TEST_F(RedisPoolTest, a_sentinel_tells_where_the_master_is) {
  ScriptedRedis master(
      after_login([](auto& command) { return command[0] == "ROLE" ? role("master") : "+OK\r\n"; }));
  std::uint16_t nobody = 0;
  {
    nobody = ScriptedRedis([](auto&) { return ""; }).port();
  }
  ScriptedRedis ignorant([](auto&) { return "*-1\r\n"; });
  ScriptedRedis knowing([&](auto&) { return redis_list({"127.0.0.1", std::to_string(master.port())}); });
  open(sentinels({nobody, ignorant.port(), knowing.port()}));
  EXPECT_TRUE(get());
  EXPECT_EQ(knowing.commands().front(), (RedisCommand{"SENTINEL", "get-master-addr-by-name", "main"}));
  for (const auto& command : knowing.commands())
    EXPECT_NE(command[0], "AUTH") << "the password is the master's";
  EXPECT_TRUE(get());
  EXPECT_EQ(knowing.connections(), 1);
}

TEST_F(RedisPoolTest, a_master_that_says_it_is_none_is_not_used) {
  ScriptedRedis replica(
      after_login([](auto& command) { return command[0] == "ROLE" ? role("slave") : "+OK\r\n"; }));
  ScriptedRedis sentinel([&](auto&) { return redis_list({"127.0.0.1", std::to_string(replica.port())}); });
  open(sentinels({sentinel.port()}));
  EXPECT_FALSE(get());
  for (const auto& command : replica.commands()) EXPECT_NE(command[0], "GET");
}

TEST_F(RedisPoolTest, after_a_failover_the_sentinels_are_asked_again) {
  std::atomic<int> master = 1, told = 1;  // which of the two is it, and what the sentinel says
  const auto server = [&](int me) {
    return after_login([&master, me](auto& command) {
      if (command[0] == "ROLE") return role(master == me ? "master" : "slave");
      return std::string(master == me ? "+OK\r\n" : "-READONLY You can't write\r\n");
    });
  };
  ScriptedRedis first(server(1)), second(server(2));
  ScriptedRedis sentinel([&](auto&) {
    return redis_list({"127.0.0.1", std::to_string((told == 1 ? first : second).port())});
  });
  open(sentinels({sentinel.port()}));
  EXPECT_TRUE(get());
  master = 2;
  EXPECT_FALSE(get());
  told = 2;
  EXPECT_TRUE(get());
  EXPECT_EQ(second.commands().back(), (RedisCommand{"GET", "k"}));
}

TEST_F(RedisPoolTest, tls_without_a_hiredis_that_has_it_is_told) {
  if (RedisConnection::has_tls()) GTEST_SKIP() << "this hiredis has TLS";
  ScriptedRedis server([](auto&) { return "+OK\r\n"; });
  const auto connection = RedisConnection::open({"127.0.0.1", server.port()}, kTimes, {.on = true});
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace parley::backend
