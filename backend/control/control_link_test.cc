#include "backend/control/control_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "backend/control/scripted_plugin.h"

namespace parley::backend {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using State = ControlLink::State;

class LeaseRecorder final : public LeaseListener {
 public:
  explicit LeaseRecorder(Watch& watch) : watch_(watch) {}
  void feed_begins(std::uint64_t generation, std::uint64_t position) override {
    note("begins " + std::to_string(generation) + "@" + std::to_string(position));
  }
  void ready() override { note("ready"); }
  void retired() override { note("retired"); }
  std::vector<std::string> notes;

 private:
  void note(const std::string& what) {
    watch_.with([&] { notes.push_back(what); });
  }
  Watch& watch_;
};

class ControlLinkTest : public testing::Test {
 protected:
  ControlLinkTest() {
    plugin.on_answer = [this](std::string payload) { control.on_answer(std::move(payload)); };
    plugin.on_connected = [this] { control.on_connected(); };
    plugin.on_lost = [this](const std::string& reason) { control.on_lost(reason); };
  }
  ~ControlLinkTest() override { control.stop(); }

  void start() {
    control.start();
    plugin.connect();
  }
  // Waits for what must come. With time_flows, pauses end meanwhile, but no answer is late.
  template <class Condition>
  bool eventually(Condition condition) {
    for (int i = 0; time_flows && i < 4000; ++i) {
      pass(1ms);
      if (watch.until(condition, 2ms)) return true;
    }
    return watch.until(condition);
  }
  void pass(std::chrono::milliseconds time) {
    clock.advance(time);
    control.on_answer("");  // nobody's answer: the thread looks at the clock again
  }
  bool reaches(State state) {
    return eventually([&] { return control.state() == state; });
  }
  bool is_said(const std::string& command) {
    return eventually([&] {
      return std::ranges::find(plugin.commands, command, ScriptedPlugin::describe) != plugin.commands.end();
    });
  }
  // A call whose answer comes later.
  template <class T>
  struct Answer {
    std::promise<Result<T>> promise;
    std::future<Result<T>> future = promise.get_future();
    void operator()(Result<T> result) { promise.set_value(std::move(result)); }
  };
  template <class T>
  static std::pair<std::function<void(Result<T>)>, std::shared_ptr<Answer<T>>> expect() {
    auto answer = std::make_shared<Answer<T>>();
    return {[answer](Result<T> result) { (*answer)(std::move(result)); }, answer};
  }
  template <class T>
  Result<T> result_of(const std::shared_ptr<Answer<T>>& answer) {
    if (!eventually([&] { return answer->future.wait_for(0s) == std::future_status::ready; }))
      return fail(Errc::internal, "never called");
    return answer->future.get();
  }
  std::shared_ptr<Answer<void>> begin_change(std::uint64_t version) {
    auto [done, answer] = expect<void>();
    control.directory_changed(version, done);
    return answer;
  }
  Result<> change(std::uint64_t version) { return result_of(begin_change(version)); }
  std::shared_ptr<Answer<std::uint32_t>> begin_kick() {
    auto [done, answer] = expect<std::uint32_t>();
    control.kick("bob", "", done);
    return answer;
  }
  std::size_t count(const std::string& command) {
    return static_cast<std::size_t>(std::ranges::count(plugin.said(), command));
  }

  Watch watch;
  FakeDirectoryLog log{watch};
  FakeMessageStore store{watch};
  ScriptedPlugin plugin{watch};
  LeaseRecorder lease{watch};
  Metrics metrics;
  ManualClock clock;
  bool time_flows = false;
  ControlLink control{plugin,
                      store,
                      log,
                      lease,
                      metrics,
                      clock,
                      [](LogLevel, std::string_view) {},
                      {.answer_timeout = 5s, .standby_retry = 5ms, .retry = {.first = 1ms, .max = 5ms}}};
};

TEST_F(ControlLinkTest, brings_a_plugin_that_is_behind_up_to_date_then_opens_the_feed) {
  log.commit("alice");
  log.commit("bob", 2);
  store.at = {"j1", 40, 0};
  start();
  ASSERT_TRUE(reaches(State::ready));
  EXPECT_THAT(plugin.said(), ElementsAre("attach", "apply 0-2", "append 2", "start 40"));
  EXPECT_THAT(plugin.subscriptions, ElementsAre("users/+/requests/#"));
  ASSERT_TRUE(eventually([&] { return lease.notes.size() == 2; }));
  EXPECT_THAT(lease.notes, ElementsAre("begins 1@40", "ready"));
  EXPECT_TRUE(log.pending.empty());
  EXPECT_EQ(store.at.generation, 1u);
}

TEST_F(ControlLinkTest, without_a_broker_nothing_can_be_done) {
  control.start();
  EXPECT_EQ(change(1).error().code, Errc::in_doubt);
  EXPECT_EQ(result_of(begin_kick()).error().code, Errc::unavailable);
  EXPECT_FALSE(control.attached());
}

TEST_F(ControlLinkTest, a_change_is_done_when_the_plugin_has_it) {
  start();
  ASSERT_TRUE(reaches(State::ready));
  const auto version = log.commit("alice", 1);
  EXPECT_TRUE(change(version));
  EXPECT_EQ(plugin.attach_ok.directory_version, version);
  EXPECT_THAT(plugin.said(), Contains("apply 0-1 +1"));
  EXPECT_TRUE(log.pending.empty());
  EXPECT_TRUE(change(version));  // known already: nothing is sent
  EXPECT_EQ(count("apply 0-1 +1"), 1u);
}

TEST_F(ControlLinkTest, a_change_nobody_announced_is_found) {
  start();
  ASSERT_TRUE(reaches(State::ready));
  log.commit("alice", 1);
  pass(5s);
  EXPECT_TRUE(is_said("apply 0-1 +1"));
}

TEST_F(ControlLinkTest, a_plugin_of_another_version_is_told_of_and_asked_again) {
  std::atomic<bool> upgraded = false;
  plugin.script = [&](const wire::Command& c) -> std::optional<std::string> {
    if (upgraded || !std::holds_alternative<wire::Attach>(c.body)) return std::nullopt;
    return wire::format_version_mismatch(c.id, wire::mismatch_sentence({1, 1, "0.0.9"}, {2, 3, "0.3.0"}));
  };
  time_flows = true;
  start();
  ASSERT_TRUE(eventually([&] { return plugin.commands.size() >= 2; }));
  EXPECT_THAT(control.trouble(), testing::HasSubstr("Upgrade the plugin"));
  EXPECT_EQ(control.state(), State::attaching);
  EXPECT_FALSE(control.attached());
  EXPECT_EQ(store.at.generation, 0u);  // nothing was changed
  upgraded = true;
  ASSERT_TRUE(reaches(State::ready));
  EXPECT_EQ(control.trouble(), "");
}

TEST_F(ControlLinkTest, a_standby_waits_subscribes_to_nothing_and_takes_over) {
  time_flows = true;
  bool busy = true;
  plugin.script = [&](const wire::Command& c) -> std::optional<std::string> {
    if (!busy || !std::holds_alternative<wire::Attach>(c.body)) return std::nullopt;
    return ScriptedPlugin::refuse(c, wire::Code::unavailable);
  };
  start();
  ASSERT_TRUE(reaches(State::standby));
  ASSERT_TRUE(eventually([&] { return plugin.commands.size() >= 3; }));
  EXPECT_TRUE(plugin.subscriptions.empty());
  EXPECT_TRUE(lease.notes.empty());
  EXPECT_EQ(store.at.generation, 0u);
  watch.with([&] { busy = false; });
  ASSERT_TRUE(reaches(State::ready));
}

TEST_F(ControlLinkTest, a_renewed_journal_gives_rooms_new_epochs_and_the_whole_directory) {
  log.commit("alice");
  store.at = {"j0", 70, 0};
  plugin.attach_ok.renewed = true;
  plugin.attach_ok.start = plugin.attach_ok.lost_to = 30;
  plugin.attach_ok.directory_version = 1;
  start();
  ASSERT_TRUE(reaches(State::ready));
  EXPECT_EQ(log.renewals, 1);
  EXPECT_THAT(plugin.said(), ElementsAre("attach", "replace 0 last", "start 30"));
  EXPECT_EQ(store.at.journal, "j1");
  EXPECT_EQ(store.at.offset, 30u);
  EXPECT_EQ(plugin.attach_ok.directory_version, 2u);
  EXPECT_EQ(metrics.counter("parley_journal_lost_bytes_total", "").value(), 30);
}

TEST_F(ControlLinkTest, another_directory_is_replaced) {
  log.commit("alice");
  plugin.attach_ok.directory = "dir-of-another";
  plugin.attach_ok.directory_version = 1;
  start();
  ASSERT_TRUE(reaches(State::ready));
  EXPECT_THAT(plugin.said(), ElementsAre("attach", "replace 0 last", "start 0"));
  EXPECT_EQ(plugin.attach_ok.directory, "dir-a");
}

TEST_F(ControlLinkTest, an_answer_that_does_not_come_leaves_the_change_in_doubt_and_attaches_again) {
  bool mute = true;
  plugin.script = [&](const wire::Command& c) -> std::optional<std::string> {
    if (mute && std::holds_alternative<wire::DirectoryApply>(c.body)) return "";
    return std::nullopt;
  };
  start();
  ASSERT_TRUE(reaches(State::ready));
  const auto changed = begin_change(log.commit("alice"));
  ASSERT_TRUE(is_said("apply 0-1"));
  watch.with([&] { mute = false; });
  pass(5s);
  EXPECT_EQ(result_of(changed).error().code, Errc::in_doubt);
  ASSERT_TRUE(eventually([&] { return plugin.attach_ok.directory_version == 1; }));
  ASSERT_TRUE(reaches(State::ready));
  EXPECT_THAT(lease.notes, Contains("retired"));
  EXPECT_EQ(plugin.subscriptions.size(), 1u);  // the connection stayed
}

TEST_F(ControlLinkTest, a_kick_without_an_answer_is_in_doubt_and_a_question_timed_out) {
  plugin.script = [&](const wire::Command& c) -> std::optional<std::string> {
    const bool mute =
        std::holds_alternative<wire::Kick>(c.body) || std::holds_alternative<wire::Stats>(c.body);
    return mute ? std::optional<std::string>("") : std::nullopt;
  };
  start();
  ASSERT_TRUE(reaches(State::ready));
  auto [stats_done, stats] = expect<nlohmann::json>();
  control.stats(stats_done);
  ASSERT_TRUE(is_said("stats"));
  pass(5s);
  EXPECT_EQ(result_of(stats).error().code, Errc::timeout);
  EXPECT_EQ(count("attach"), 1u);
  const auto kick = begin_kick();
  ASSERT_TRUE(is_said("kick"));
  pass(5s);
  EXPECT_EQ(result_of(kick).error().code, Errc::in_doubt);
  ASSERT_TRUE(eventually([&] { return lease.notes.size() == 5; }));
  EXPECT_THAT(lease.notes, ElementsAre("begins 1@0", "ready", "retired", "begins 2@0", "ready"));
}

TEST_F(ControlLinkTest, a_lost_connection_answers_what_waits_and_starts_anew) {
  plugin.script = [&](const wire::Command& c) -> std::optional<std::string> {
    return std::holds_alternative<wire::DirectoryApply>(c.body) ? std::optional<std::string>("")
                                                                : std::nullopt;
  };
  start();
  ASSERT_TRUE(reaches(State::ready));
  const auto changed = begin_change(log.commit("alice"));
  ASSERT_TRUE(is_said("apply 0-1"));
  plugin.lose();
  EXPECT_EQ(result_of(changed).error().code, Errc::in_doubt);
  ASSERT_TRUE(reaches(State::disconnected));
  watch.with([&] { plugin.script = nullptr; });
  plugin.connect();
  ASSERT_TRUE(reaches(State::ready));
  EXPECT_EQ(plugin.attach_ok.directory_version, 1u);
  EXPECT_EQ(plugin.subscriptions.size(), 2u);
}

TEST_F(ControlLinkTest, entries_the_journal_has_no_room_for_are_sent_again_until_it_has) {
  time_flows = true;
  int full = 3;
  plugin.script = [&](const wire::Command& c) -> std::optional<std::string> {
    const auto* apply = std::get_if<wire::DirectoryApply>(&c.body);
    const bool entries = std::holds_alternative<wire::Append>(c.body) || (apply && !apply->entries.empty());
    if (!entries || full-- <= 0) return std::nullopt;
    if (apply) plugin.attach_ok.directory_version = apply->to;
    return wire::format_reply(c.id, {{"seqs", {0}}, {"refused", {0}}, {"refused_code", "backlog_full"}});
  };
  start();
  ASSERT_TRUE(reaches(State::ready));
  EXPECT_TRUE(change(log.commit("alice", 1)));  // the rights are in force, the entry follows
  ASSERT_TRUE(eventually([&] { return log.pending.empty(); }));
  ASSERT_EQ(plugin.journal.size(), 1u);
  EXPECT_EQ(plugin.journal[0].ref, "d1.0");
  EXPECT_EQ(count("attach"), 1u);
}

TEST_F(ControlLinkTest, a_plugin_that_is_busy_with_its_disk_is_asked_again) {
  time_flows = true;
  int busy = 3;
  plugin.script = [&](const wire::Command& c) -> std::optional<std::string> {
    if (!std::holds_alternative<wire::DirectoryApply>(c.body) || busy-- <= 0) return std::nullopt;
    return ScriptedPlugin::refuse(c, wire::Code::unavailable);
  };
  start();
  ASSERT_TRUE(reaches(State::ready));
  EXPECT_TRUE(change(log.commit("alice")));
  EXPECT_EQ(count("attach"), 1u);
}

TEST_F(ControlLinkTest, whom_the_plugin_calls_superseded_drops_the_connection) {
  bool superseded = true;
  plugin.script = [&](const wire::Command& c) -> std::optional<std::string> {
    if (!std::holds_alternative<wire::DirectoryApply>(c.body) || !std::exchange(superseded, false))
      return std::nullopt;
    return ScriptedPlugin::refuse(c, wire::Code::not_allowed);
  };
  start();
  ASSERT_TRUE(reaches(State::ready));
  (void)change(log.commit("alice"));
  ASSERT_TRUE(eventually([&] { return plugin.drops == 1 && plugin.attach_ok.directory_version == 1; }));
  ASSERT_TRUE(reaches(State::ready));
}

TEST_F(ControlLinkTest, a_store_that_has_seen_a_newer_consumer_makes_it_stand_back) {
  store.fence = true;
  plugin.reconnects = false;
  start();
  ASSERT_TRUE(eventually([&] { return plugin.drops == 1; }));
  ASSERT_TRUE(reaches(State::disconnected));
  EXPECT_TRUE(plugin.subscriptions.empty());
  EXPECT_TRUE(lease.notes.empty());
}

TEST_F(ControlLinkTest, a_feed_consumer_that_gives_up_ends_the_lease) {
  start();
  ASSERT_TRUE(reaches(State::ready));
  control.give_up(99, "of another generation");
  control.give_up(1, "a newer one stores");
  ASSERT_TRUE(eventually([&] { return lease.notes.size() == 5; }));
  EXPECT_EQ(plugin.drops, 1);
}

TEST_F(ControlLinkTest, a_leader_that_finds_another_attached_stops_hearing_requests) {
  plugin.script = [&](const wire::Command& c) -> std::optional<std::string> {
    if (!std::holds_alternative<wire::Attach>(c.body) || plugin.commands.size() == 1) return std::nullopt;
    return ScriptedPlugin::refuse(c, wire::Code::unavailable);
  };
  start();
  ASSERT_TRUE(reaches(State::ready));
  control.attach_again("for a test");
  ASSERT_TRUE(eventually([&] { return plugin.drops == 1; }));
  ASSERT_TRUE(reaches(State::standby));
  EXPECT_EQ(plugin.subscriptions.size(), 1u);
}

TEST_F(ControlLinkTest, a_database_that_is_away_is_waited_for) {
  time_flows = true;
  store.fail_times = 2;
  log.fail_times = 3;
  start();
  ASSERT_TRUE(reaches(State::ready));
  watch.with([&] { log.fail_times = 2; });
  EXPECT_TRUE(change(log.commit("alice")));
}

TEST_F(ControlLinkTest, a_refused_subscription_does_not_make_it_ready) {
  time_flows = true;
  plugin.subscribe_answer = fail(Errc::unavailable, "no");
  start();
  ASSERT_TRUE(eventually([&] { return plugin.subscriptions.size() >= 2; }));
  EXPECT_NE(control.state(), State::ready);
  watch.with([&] { plugin.subscribe_answer = Result<>{}; });
  ASSERT_TRUE(reaches(State::ready));
}

TEST_F(ControlLinkTest, answers_come_back_as_they_are) {
  start();
  ASSERT_TRUE(reaches(State::ready));
  EXPECT_EQ(result_of(begin_kick()).value(), 1u);
  std::vector<wire::AppendEntry> entries(2);
  for (auto& entry : entries)
    entry = {.room = 1, .from = "bob", .role = "", .type = "text", .ref = "r", .content = "{}"};
  auto [append_done, append] = expect<std::vector<std::uint64_t>>();
  control.append(entries, append_done);
  EXPECT_THAT(result_of(append).value(), ElementsAre(1, 2));
  control.acknowledge_feed(1, 55);
  EXPECT_THAT(plugin.said(), Contains("ack 55"));
}

TEST_F(ControlLinkTest, stopping_answers_everything) {
  plugin.script = [&](const wire::Command& c) -> std::optional<std::string> {
    return std::holds_alternative<wire::Kick>(c.body) ? std::optional<std::string>("") : std::nullopt;
  };
  start();
  ASSERT_TRUE(reaches(State::ready));
  std::atomic<int> answered{0};
  for (int i = 0; i < 50; ++i) {
    control.kick("bob", "", [&](Result<std::uint32_t> result) { answered += !result; });
    control.directory_changed(100, [&](Result<> result) { answered += !result; });
  }
  control.stop();
  EXPECT_EQ(answered, 100);
  control.kick("bob", "", [&](Result<std::uint32_t> result) { answered += !result; });
  EXPECT_EQ(answered, 101);
}

}  // namespace
}  // namespace parley::backend
