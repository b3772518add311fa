#include "backend/store/postgres_pool.h"

#include <gmock/gmock.h>

#include <barrier>

#include "tests/contract/postgres_testing.h"

namespace parley::backend {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class PostgresPoolTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    database->run("CREATE TABLE t(n bigint PRIMARY KEY)");
  }
  static PostgresPoolOptions eager() {
    return {.connections = 4, .breaker = {.failures = 3, .pause = {.least = 1ms, .first = 1ms, .max = 1ms}}};
  }
  static Result<> insert(PostgresPool& pool, std::int64_t n) {
    return pool.write([&](PostgresConnection& connection) -> Result<> {
      connection.query("INSERT INTO t VALUES ($1)", n);
      return {};
    });
  }
  static Result<std::int64_t> count(PostgresPool& pool) {
    return pool.read([](PostgresConnection& connection) -> Result<std::int64_t> {
      return connection.query("SELECT count(*) FROM t")[0].integer(0);
    });
  }
};

TEST_F(PostgresPoolTest, every_type_of_parameter_arrives_as_it_was_given) {
  PostgresPool pool(address, {}, clock);
  auto seen = pool.read([](PostgresConnection& connection) -> Result<> {
    auto texts = PostgresArray::of_text();
    texts.add(std::string_view("a,\"b\"\\"));
    texts.add(std::string_view(""));
    auto none = PostgresArray::of_bigint();
    const std::string bytes("\0\x01\xff'", 4);
    auto row = connection.query(
        "SELECT $1::bigint, $2::boolean, $3::text, $4::bytea, $5::text[], cardinality($6::bigint[])", -7,
        true, std::string("it's"), bytes, texts, none)[0];
    EXPECT_EQ(row.integer(0), -7);
    EXPECT_TRUE(row.flag(1));
    EXPECT_EQ(row.text(2), "it's");
    EXPECT_EQ(row.bytes(3), bytes);
    EXPECT_EQ(row.text(4), R"({"a,\"b\"\\",""})");
    EXPECT_EQ(row.integer(5), 0);
    return {};
  });
  EXPECT_TRUE(seen) << seen.error().message;
}

TEST_F(PostgresPoolTest, an_error_or_a_refusal_undoes_the_whole_transaction) {
  PostgresPool pool(address, {}, clock);
  ASSERT_TRUE(insert(pool, 1));
  auto refused = pool.write([&](PostgresConnection& connection) -> Result<> {
    connection.query("INSERT INTO t VALUES ($1)", 2);
    return fail(Errc::not_found, "no");
  });
  EXPECT_EQ(error_code(refused), Errc::not_found);
  auto broken = pool.write([&](PostgresConnection& connection) -> Result<> {
    connection.query("INSERT INTO t VALUES ($1)", 3);
    connection.query("INSERT INTO t VALUES ($1)", 1);
    return {};
  });
  EXPECT_EQ(error_code(broken), Errc::already_exists);
  auto thrown = pool.write([&](PostgresConnection& connection) -> Result<> {
    connection.query("INSERT INTO t VALUES ($1)", 4);
    throw std::runtime_error("ours");
  });
  EXPECT_EQ(error_code(thrown), Errc::internal);
  EXPECT_EQ(count(pool), 1);
}

TEST_F(PostgresPoolTest, connections_are_bounded_and_reused) {
  PostgresPool pool(address, {.connections = 2}, clock);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) EXPECT_TRUE(insert(pool, t * 100 + i));
    });
  }
  threads.clear();
  EXPECT_EQ(count(pool), 120);
  EXPECT_LE(proxy->accepted(), 2u);
}

TEST_F(PostgresPoolTest, a_connection_is_waited_for_only_so_long) {
  PostgresPool pool(address, {.connections = 1, .wait = 20ms}, clock);
  auto outer = pool.read([&](PostgresConnection&) -> Result<> {
    std::optional<Errc> code;
    std::jthread([&] { code = error_code(count(pool)); }).join();
    EXPECT_EQ(code, Errc::unavailable);
    return {};
  });
  EXPECT_TRUE(outer);
}

TEST_F(PostgresPoolTest, a_server_that_ended_every_session_is_not_noticed_by_callers) {
  PostgresPool pool(address, {}, clock);
  ASSERT_TRUE(insert(pool, 1));
  ASSERT_GE(database->end_sessions(), 1);
  EXPECT_EQ(count(pool), 1);
  ASSERT_GE(database->end_sessions(), 1);
  EXPECT_TRUE(insert(pool, 2));
  EXPECT_EQ(count(pool), 2);
}

TEST_F(PostgresPoolTest, a_connection_lost_within_a_transaction_leaves_nothing) {
  PostgresPool pool(address, {}, clock);
  auto lost = pool.write([&](PostgresConnection& connection) -> Result<> {
    connection.query("INSERT INTO t VALUES ($1)", 1);
    database->end_sessions();
    connection.query("INSERT INTO t VALUES ($1)", 2);
    return {};
  });
  EXPECT_EQ(error_code(lost), Errc::unavailable);
  EXPECT_EQ(count(pool), 0);
}

TEST_F(PostgresPoolTest, a_commit_without_an_answer_is_in_doubt) {
  PostgresPool pool(address, {}, clock);
  ASSERT_TRUE(insert(pool, 1));
  proxy->cut_after(kCommit);
  EXPECT_EQ(error_code(insert(pool, 2)), Errc::in_doubt);
  EXPECT_EQ(count(pool), 2);
  proxy->cut_before(kCommit);
  EXPECT_EQ(error_code(insert(pool, 3)), Errc::in_doubt);
  EXPECT_EQ(count(pool), 2);
}

// As it may have to wait for a replica; cut off there it would count as done.
TEST_F(PostgresPoolTest, the_time_limit_of_a_statement_is_not_one_of_a_commit) {
  database->run(
      "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
      " 'BEGIN PERFORM pg_sleep(0.6); RETURN NULL; END';"
      "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED"
      " FOR EACH ROW EXECUTE FUNCTION wait()");
  PostgresPool pool(address, {.session = {.statement_timeout = 200ms}}, clock);
  auto slow = insert(pool, 1);
  EXPECT_TRUE(slow) << slow.error().message;
  EXPECT_EQ(count(pool), 1);
}

TEST_F(PostgresPoolTest, a_dead_server_is_refused_at_once_and_found_again) {
  FakeClock time;
  auto options = eager();
  options.breaker.pause = {.least = 1'000ms, .first = 1'000ms, .max = 1'000ms};
  PostgresPool pool(address, options, time);
  ASSERT_TRUE(insert(pool, 1));
  proxy->shut(true);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(error_code(count(pool)), Errc::unavailable);
  EXPECT_EQ(pool.breaker().state, BreakerState::open);
  auto accepted = proxy->accepted();
  EXPECT_EQ(error_code(insert(pool, 2)), Errc::unavailable);
  EXPECT_EQ(proxy->accepted(), accepted);
  proxy->shut(false);
  time.advance(1'001ms);
  EXPECT_TRUE(insert(pool, 2));
  EXPECT_EQ(pool.breaker().state, BreakerState::closed);
}

TEST_F(PostgresPoolTest, a_server_that_hangs_is_given_up) {
  auto options = eager();
  options.session.statement_timeout = 50ms;
  options.grace = 50ms;
  PostgresPool pool(address, options, clock);
  ASSERT_TRUE(insert(pool, 1));
  proxy->stall(true);
  EXPECT_EQ(error_code(insert(pool, 2)), Errc::unavailable);
  proxy->stall(false);
  EXPECT_TRUE(eventually([&] { return insert(pool, 3).has_value(); }));
  EXPECT_EQ(count(pool), 2);
}

TEST_F(PostgresPoolTest, a_statement_that_takes_too_long_is_ended) {
  PostgresPool pool(address, {.session = {.statement_timeout = 30ms}}, clock);
  auto slow = pool.read([](PostgresConnection& connection) -> Result<> {
    connection.query("SELECT pg_sleep(30)");
    return {};
  });
  EXPECT_EQ(error_code(slow), Errc::unavailable);
  EXPECT_EQ(count(pool), 0);
  EXPECT_EQ(proxy->accepted(), 1u);
}

TEST_F(PostgresPoolTest, a_lock_held_too_long_is_unavailable) {
  PostgresPool pool(address, {.session = {.lock_timeout = 30ms}}, clock);
  ASSERT_TRUE(insert(pool, 1));
  auto holder = pool.write([&](PostgresConnection& connection) -> Result<> {
    connection.query("UPDATE t SET n = n");
    std::optional<Errc> code;
    std::jthread([&] {
      code = error_code(pool.write([](PostgresConnection& other) -> Result<> {
        other.query("UPDATE t SET n = n");
        return {};
      }));
    }).join();
    EXPECT_EQ(code, Errc::unavailable);
    return {};
  });
  EXPECT_TRUE(holder);
}

TEST_F(PostgresPoolTest, an_idle_connection_that_died_unseen_is_tried_before_use) {
  FakeClock time;
  PostgresPool pool(address, {.check_after = 1s}, time);
  ASSERT_TRUE(insert(pool, 1));
  proxy->shut(true);
  ASSERT_TRUE(eventually([&] {
    return database->number(
               "SELECT count(*) FROM pg_stat_activity WHERE "
               "datname = current_database()") == 1;
  }));
  proxy->shut(false);
  time.advance(2s);
  EXPECT_TRUE(insert(pool, 2));
}

TEST_F(PostgresPoolTest, the_next_of_several_hosts_is_taken_when_one_is_dead) {
  address.hosts = "127.0.0.1,127.0.0.1";
  address.ports = std::to_string(TcpProxy(1).port()) + "," + std::to_string(proxy->port());
  address.options.emplace_back("target_session_attrs", "read-write");
  PostgresPool pool(address, {}, clock);
  EXPECT_TRUE(insert(pool, 1));
}

TEST_F(PostgresPoolTest, a_server_that_became_a_standby_is_left_for_another) {
  PostgresPool pool(address, {}, clock);
  ASSERT_TRUE(insert(pool, 1));
  database->set("SET default_transaction_read_only = on");
  ASSERT_GE(database->end_sessions(), 1);
  auto refused = pool.read([](PostgresConnection& connection) -> Result<> {
    connection.query("INSERT INTO t VALUES ($1)", 2);
    return {};
  });
  EXPECT_EQ(error_code(refused), Errc::unavailable);
  database->set("RESET default_transaction_read_only");
  EXPECT_TRUE(insert(pool, 2));
}

TEST_F(PostgresPoolTest, commits_wait_for_the_disk_whatever_the_database_says) {
  database->set("SET synchronous_commit = off");
  PostgresPool pool(address, {}, clock);
  auto setting = [&] {
    return *pool.read([](PostgresConnection& connection) -> Result<std::string> {
      return connection.query("SHOW synchronous_commit")[0].string(0);
    });
  };
  EXPECT_EQ(setting(), "on");
  database->set("SET synchronous_commit = remote_apply");
  database->end_sessions();
  EXPECT_EQ(setting(), "remote_apply");
}

TEST_F(PostgresPoolTest, errors_tell_no_password_and_no_values) {
  auto wrong = address;
  wrong.password = "hush-hush";
  PostgresPool locked_out(wrong, {}, clock);
  auto refused = count(locked_out);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, Not(HasSubstr("hush")));
  PostgresPool pool(address, {}, clock);
  database->run("CREATE TABLE s(secret text PRIMARY KEY, n bigint NOT NULL)");
  auto failed = pool.write([](PostgresConnection& connection) -> Result<> {
    connection.query("INSERT INTO s VALUES ($1, 1)", std::string("hush"));
    connection.query("INSERT INTO s VALUES ($1, 1)", std::string("hush"));
    return {};
  });
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, Not(HasSubstr("hush")));
  auto missing = pool.write([](PostgresConnection& connection) -> Result<> {
    connection.query("INSERT INTO s VALUES ($1, NULL)", std::string("hush"));
    return {};
  });
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, Not(HasSubstr("hush")));
}

TEST_F(PostgresPoolTest, metrics_count_connections_and_errors) {
  Metrics metrics;
  PostgresPool pool(address, {}, clock, PostgresMeters(metrics, "store"));
  ASSERT_TRUE(insert(pool, 1));
  EXPECT_FALSE(insert(pool, 1));
  EXPECT_THAT(metrics.text(), HasSubstr("parley_postgres_connects_total{database=\"store\"} 1"));
  EXPECT_THAT(metrics.text(), HasSubstr("parley_postgres_errors_total{database=\"store\"} 1"));
  EXPECT_THAT(metrics.text(), HasSubstr("parley_postgres_in_use{database=\"store\"} 0"));
  EXPECT_THAT(metrics.text(), HasSubstr("parley_postgres_connections{database=\"store\"} 1"));
}

}  // namespace
}  // namespace parley::backend
