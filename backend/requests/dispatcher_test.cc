#include <atomic>
#include <latch>
#include <thread>

#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kPatience = std::chrono::seconds(60);

class DispatcherTest : public RequestsTest {
 protected:
  static std::string code(std::future<std::string>& reply) {
    EXPECT_EQ(reply.wait_for(kPatience), std::future_status::ready);
    return wire::parse_reply(reply.get())->code;
  }
  static bool answered(const std::future<std::string>& reply) {
    return reply.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  void wait_until_held(std::size_t count) {
    auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (broker_.held() < count && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    ASSERT_EQ(broker_.held(), count);
  }
};

TEST_F(DispatcherTest, whoever_asks_too_often_is_told_to_slow_down) {
  auto changed = options();
  std::atomic<int> asked = 0;
  changed.admit = [&](const std::string& user) { return ++asked <= 2 || user != "alice"; };
  restart_with(std::move(changed));
  ok("alice", "room.list");
  ok("alice", "user.update", {{"title", "Al"}});
  EXPECT_EQ(refused("alice", "room.list"), "rate_limited");
  EXPECT_EQ(refused("alice", "user.update", {{"title", "Bo"}}), "rate_limited");
  EXPECT_EQ(ok("root", "user.get", {{"user", "alice"}})["title"], "Al");
  ok("bob", "room.list");
  EXPECT_EQ(asked, 5) << "administrators are not counted";
}

TEST_F(DispatcherTest, what_is_no_request_is_told_so) {
  auto malformed = send("alice", "user.get", "[1,2]");
  EXPECT_EQ(code(malformed), "malformed");
  auto large = send("alice", "user.get", std::string(wire::kRequestMax + wire::kOriginMax + 1, ' '));
  EXPECT_EQ(code(large), "too_large");
  auto id = send("alice", "user.get", R"({"id":7})");
  EXPECT_EQ(code(id), "invalid_argument");
  EXPECT_EQ(refused("alice", "user.sing"), "unknown_method");
  auto empty = send("alice", "user.get", "");
  EXPECT_EQ(wire::parse_reply(empty.get())->result["user"], "alice");
}

TEST_F(DispatcherTest, parameters_nobody_knows_are_refused_by_name) {
  auto reply = call("alice", "user.get", {{"usr", "bob"}});
  EXPECT_EQ(reply.code, "invalid_argument");
  EXPECT_NE(reply.message.find("usr"), std::string::npos) << reply.message;
}

TEST_F(DispatcherTest, an_account_that_is_being_made_may_try_again) {
  EXPECT_EQ(refused("zoe", "user.get"), "unavailable");
  dispatcher_->user_seen("zoe");
  dispatcher_->user_seen("zoe");
  ok("zoe", "user.update", {{"title", "Zoe"}});
  EXPECT_EQ(stores_.users->count(), 6u);
  EXPECT_EQ(stores_.users->find("zoe")->scram, "");
  EXPECT_THAT(broker_.versions(), ElementsAre(6));
  EXPECT_EQ(ok("zoe", "room.list")["rooms"], Json::array());
}

TEST_F(DispatcherTest, a_seen_name_that_is_taken_or_illegal_makes_no_account) {
  dispatcher_->user_seen("ALICE");
  dispatcher_->user_seen("a/b");
  ok("alice", "user.update", {{"title", "after"}});
  EXPECT_EQ(stores_.users->count(), 5u);
}

TEST_F(DispatcherTest, a_change_is_answered_when_it_is_in_force) {
  broker_.hold();
  auto reply = send("alice", "room.create", R"({"id":"r1","room":"lab","members":{"bob":"member"}})");
  wait_until_held(1);
  EXPECT_TRUE(stores_.rooms->find("lab"));
  EXPECT_FALSE(answered(reply));
  EXPECT_THAT(publisher_.take(), IsEmpty());
  broker_.let_go();
  EXPECT_EQ(code(reply), "");
  EXPECT_EQ(publisher_.take().size(), 1u);
}

TEST_F(DispatcherTest, the_change_thread_does_not_wait_for_the_broker) {
  broker_.hold();
  std::vector<std::future<std::string>> replies;
  for (const char* name : {"a", "b", "c"}) {
    replies.push_back(send("alice", "room.create", Json{{"room", name}}.dump()));
  }
  wait_until_held(3);
  EXPECT_THAT(broker_.versions(), ElementsAre(6, 7, 8));
  broker_.let_go();
  for (auto& reply : replies) EXPECT_EQ(code(reply), "");
}

TEST_F(DispatcherTest, a_change_without_confirmation_is_in_doubt) {
  for (auto errc : {Errc::unavailable, Errc::timeout, Errc::in_doubt}) {
    broker_.fail_with(Error{errc, "no"});
    EXPECT_EQ(
        refused("alice", "room.create",
                {{"room", "r" + std::to_string(static_cast<int>(errc))}, {"members", {{"bob", "member"}}}}),
        "in_doubt");
  }
  EXPECT_EQ(stores_.rooms->count(), 3u);
  EXPECT_EQ(events_.take().size(), 3u);
  EXPECT_THAT(publisher_.take(), IsEmpty());
}

TEST_F(DispatcherTest, a_full_queue_turns_requests_away_at_once) {
  auto small = options();
  small.read_threads = 1;
  small.read_queue = 1;
  restart_with(small);
  // The one reader is kept busy by its own answer.
  std::latch begun(1), go_on(1);
  dispatcher_->submit({"alice", "user.get", "{}", [&](const std::string&) {
                         begun.count_down();
                         go_on.wait();
                       }});
  begun.wait();
  auto waiting = send("alice", "user.get", R"({"id":"w"})");
  auto turned_away = send("alice", "user.get", R"({"id":"t"})");
  ASSERT_TRUE(answered(turned_away));
  auto reply = wire::parse_reply(turned_away.get());
  EXPECT_EQ(reply->code, "unavailable");
  EXPECT_EQ(reply->id, "t");
  go_on.count_down();
  EXPECT_EQ(code(waiting), "");
}

TEST_F(DispatcherTest, stopping_finishes_what_was_begun) {
  auto reply = send("alice", "room.create", R"({"room":"lab"})");
  dispatcher_->stop(std::chrono::minutes(1));
  ASSERT_TRUE(answered(reply));
  EXPECT_EQ(code(reply), "");
  auto late = send("alice", "user.get", R"({"id":"late"})");
  ASSERT_TRUE(answered(late));
  EXPECT_EQ(code(late), "unavailable");
}

TEST_F(DispatcherTest, stopping_answers_what_the_broker_does_not) {
  broker_.hold();
  auto reply = send("alice", "room.create", R"({"id":"r1","room":"lab","members":{"bob":"member"}})");
  wait_until_held(1);
  dispatcher_->stop(std::chrono::milliseconds(0));
  ASSERT_TRUE(answered(reply));
  EXPECT_EQ(code(reply), "in_doubt");
  dispatcher_.reset();
  broker_.let_go();  // too late: nothing happens any more
  EXPECT_THAT(publisher_.take(), IsEmpty());
}

TEST_F(DispatcherTest, many_threads_may_submit_at_once) {
  make_lab();
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> clients;
  for (int client = 0; client < 4; ++client) {
    clients.emplace_back([&, client] {
      for (int i = 0; i < 20; ++i) {
        auto title = send("alice", "user.update", Json{{"title", std::to_string(client * 100 + i)}}.dump());
        auto page = send("bob", "history", R"({"room":"lab"})");
        if (!wire::parse_reply(title.get())->ok) ++wrong;
        if (!wire::parse_reply(page.get())->ok) ++wrong;
      }
    });
  }
  clients.clear();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace parley::backend
