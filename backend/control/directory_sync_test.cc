#include "backend/control/directory_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/control/scripted_plugin.h"
#include "wire/limits.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;

// Commands go to a scripted plugin and are answered at once.
class Calls final : public CommandCaller {
 public:
  explicit Calls(ScriptedPlugin& plugin) : plugin_(plugin) {
    plugin.on_answer = [this](const std::string& payload) { answer_ = payload; };
  }
  Result<nlohmann::json> call(CommandBody body, std::chrono::milliseconds) override {
    answer_.clear();
    auto payload = wire::format_command({"c", 1, std::move(body)});
    largest = std::max(largest, payload.size());
    if (auto sent = plugin_.publish({.topic = std::string(wire::kControlTopic), .payload = payload}); !sent)
      return std::unexpected(sent.error());
    const auto reply = wire::parse_reply(answer_);
    if (!reply) return fail(Errc::in_doubt, "no answer");
    if (reply->ok) return reply->result;
    return fail(reply->code == "invalid_argument" ? Errc::invalid_argument : Errc::unavailable,
                reply->message);
  }
  std::size_t largest = 0;

 private:
  ScriptedPlugin& plugin_;
  std::string answer_;
};

class DirectorySyncTest : public testing::Test {
 protected:
  void SetUp() override { plugin.up = true; }
  Watch watch;
  FakeDirectoryLog log{watch};
  ScriptedPlugin plugin{watch};
  Calls calls{plugin};
  Metrics metrics;
  DirectorySync sync{log, calls, metrics, [](LogLevel, std::string_view) {}, {.snapshot_part = 2}};
};

TEST_F(DirectorySyncTest, sends_only_what_is_missing) {
  for (const char* user : {"a", "b", "c"}) log.commit(user);
  plugin.attach_ok.directory_version = 2;
  sync.plugin_has("dir-a", 2);
  ASSERT_TRUE(sync.bring_up());
  EXPECT_THAT(plugin.said(), ElementsAre("apply 2-3"));
  ASSERT_TRUE(sync.bring_up());
  EXPECT_EQ(plugin.said().size(), 1u);
}

TEST_F(DirectorySyncTest, many_steps_go_in_commands_below_the_limit) {
  for (int i = 0; i < 3000; ++i) log.commit("user-with-a-rather-long-name-" + std::to_string(i), 1);
  sync.plugin_has("dir-a", 0);
  ASSERT_TRUE(sync.settle_entries());
  plugin.commands.clear();
  for (int i = 0; i < 3000; ++i) log.commit("user-with-a-rather-long-name-" + std::to_string(i), 1);
  ASSERT_TRUE(sync.bring_up());
  EXPECT_EQ(sync.version(), 6000u);
  EXPECT_LE(calls.largest, wire::kControlMax);
  EXPECT_TRUE(log.pending.empty());
  std::uint64_t at = 0;
  for (const auto& command : plugin.commands) {
    const auto& apply = std::get<wire::DirectoryApply>(command.body);
    EXPECT_EQ(apply.from, at);
    EXPECT_LE(apply.entries.size(), wire::kAppendMax);
    at = apply.to;
  }
}

TEST_F(DirectorySyncTest, the_whole_directory_goes_in_parts_the_last_marked) {
  for (const char* user : {"a", "b", "c", "d", "e"}) log.commit(user);
  sync.plugin_has("", 0);
  ASSERT_TRUE(sync.bring_up());
  EXPECT_THAT(plugin.said(), ElementsAre("replace 0", "replace 1", "replace 2 last"));
  for (const auto& command : plugin.commands)
    EXPECT_EQ(std::get<wire::DirectoryReplace>(command.body).to, 5u);
}

TEST_F(DirectorySyncTest, an_empty_directory_is_one_empty_part) {
  sync.plugin_has("", 0);
  ASSERT_TRUE(sync.bring_up());
  EXPECT_THAT(plugin.said(), ElementsAre("replace 0 last"));
}

TEST_F(DirectorySyncTest, a_plugin_ahead_of_the_database_gets_everything) {
  log.commit("a");
  sync.plugin_has("dir-a", 9);
  ASSERT_TRUE(sync.bring_up());
  EXPECT_THAT(plugin.said(), ElementsAre("replace 0 last"));
  EXPECT_EQ(sync.version(), 1u);
}

TEST_F(DirectorySyncTest, a_change_committed_as_the_snapshot_begins_makes_it_begin_anew) {
  log.commit("a");
  bool first = true;
  log.before_snapshot = [&] {
    if (std::exchange(first, false)) log.commit("b");
  };
  sync.plugin_has("", 0);
  ASSERT_TRUE(sync.bring_up());
  EXPECT_THAT(plugin.said(), ElementsAre("replace 0 last"));
  EXPECT_EQ(sync.version(), 2u);
}

TEST_F(DirectorySyncTest, a_step_the_plugin_does_not_take_is_replaced_by_everything) {
  plugin.script = [&](const wire::Command& c) -> std::optional<std::string> {
    if (!std::holds_alternative<wire::DirectoryApply>(c.body)) return std::nullopt;
    return ScriptedPlugin::refuse(c, wire::Code::invalid_argument);
  };
  log.commit("a");
  sync.plugin_has("dir-a", 0);
  ASSERT_TRUE(sync.bring_up());
  EXPECT_THAT(plugin.said(), ElementsAre("apply 0-1", "replace 0 last"));
}

TEST_F(DirectorySyncTest, a_step_with_more_entries_than_one_command_holds_sends_them_apart) {
  sync.plugin_has("dir-a", 0);
  ASSERT_TRUE(sync.settle_entries());
  log.commit("a", 1200);
  ASSERT_TRUE(sync.bring_up());
  EXPECT_TRUE(sync.entries_wait());
  ASSERT_TRUE(sync.settle_entries());
  EXPECT_THAT(plugin.said(), ElementsAre("apply 0-1", "append 500", "append 500", "append 200"));
  EXPECT_TRUE(log.pending.empty());
}

TEST_F(DirectorySyncTest, entries_keep_their_order_when_some_were_refused) {
  sync.plugin_has("dir-a", 0);
  ASSERT_TRUE(sync.settle_entries());
  bool full = true;
  plugin.script = [&](const wire::Command& c) -> std::optional<std::string> {
    if (!std::exchange(full, false)) return std::nullopt;
    plugin.attach_ok.directory_version = std::get<wire::DirectoryApply>(c.body).to;
    return wire::format_reply(c.id, {{"seqs", {0, 7}}, {"refused", {0}}, {"refused_code", "backlog_full"}});
  };
  log.commit("a", 1);
  log.commit("b", 1);
  ASSERT_TRUE(sync.bring_up());
  log.commit("c", 1);
  ASSERT_TRUE(sync.bring_up());
  EXPECT_TRUE(plugin.journal.empty());
  EXPECT_THAT(log.pending, testing::SizeIs(2));  // of the first and the third step; the second's was taken
  ASSERT_TRUE(sync.settle_entries());
  ASSERT_EQ(plugin.journal.size(), 2u);
  EXPECT_EQ(plugin.journal[0].ref, "d1.0");
  EXPECT_EQ(plugin.journal[1].ref, "d3.0");
  EXPECT_FALSE(sync.entries_wait());
}

}  // namespace
}  // namespace parley::backend
