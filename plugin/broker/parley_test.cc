#include "plugin/broker/parley_testing.h"

namespace parley::plugin {
namespace {

TEST_F(PluginWithoutABroker, the_muted_send_nothing_until_their_time_is_over) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  ASSERT_TRUE(send("alice", "phone", R"({"text":"before","ref":"b"})"));
  change(wire::MutePut{.room = 7, .user = "alice", .until_ms = to_ms(clock_.wall()) + 60'000});
  EXPECT_FALSE(send("alice", "phone", "x"));
  auto notice = newest_notice();
  EXPECT_EQ(notice["code"], "muted");
  EXPECT_EQ(notice["wait_s"], 60);
  EXPECT_TRUE(send("alice", "phone", R"({"text":"before","ref":"b"})"));
  EXPECT_EQ(newest_notice()["type"], "duplicate");
  clock_.advance(std::chrono::seconds(60));
  parley_->tick();
  EXPECT_TRUE(send("alice", "phone", "after"));
  change(wire::MutePut{.room = 7, .user = "alice", .until_ms = 253'402'300'799'000});
  EXPECT_FALSE(send("alice", "phone", "x"));
  EXPECT_FALSE(newest_notice().contains("wait_s"));
  open();  // the broker was restarted, and has the Directory on disk
  attach();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  EXPECT_FALSE(send("alice", "phone", "x"));
  EXPECT_EQ(newest_notice()["code"], "muted");
}

TEST_F(PluginWithoutABroker, in_slow_mode_plain_members_send_every_so_often) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  change(wire::RoomPut{.id = 7, .name = "lab", .epoch = "e1", .slow_s = 30});
  EXPECT_TRUE(send("alice", "phone", R"({"text":"one","ref":"1"})"));
  clock_.advance(std::chrono::seconds(18));
  EXPECT_FALSE(send("alice", "phone", R"({"text":"two","ref":"2"})"));
  auto notice = newest_notice();
  EXPECT_EQ(notice["code"], "slow_mode");
  EXPECT_EQ(notice["wait_s"], 12);
  EXPECT_EQ(notice["ref"], "2");
  EXPECT_TRUE(send("alice", "phone", R"({"text":"one","ref":"1"})"));  // a repeat is told its number
  clock_.advance(std::chrono::seconds(12));
  parley_->tick();
  EXPECT_TRUE(send("alice", "phone", R"({"text":"two","ref":"2"})"));
  EXPECT_FALSE(send("alice", "phone", "three"));
  change(wire::MemberPut{.room = 7, .user = "alice", .role = wire::Role::moderator});
  for (const char* text : {"four", "five"}) EXPECT_TRUE(send("alice", "phone", text));
}

TEST_F(PluginWithoutABroker, a_message_is_numbered_delivered_and_fed) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  ASSERT_TRUE(send("alice", "phone", R"({"text":"hi","ref":"a1"})"));
  const auto delivered = broker_.on("rooms/lab/messages");
  ASSERT_EQ(delivered.size(), 1u);
  const auto envelope = json::parse(delivered[0]);
  EXPECT_EQ(envelope["seq"], 1);
  EXPECT_EQ(envelope["from"], "alice");
  EXPECT_EQ(envelope["device"], "phone");
  EXPECT_EQ(envelope["epoch"], "e1");

  parley_->tick();
  const auto batches = broker_.on(wire::kFeedTopic);
  ASSERT_EQ(batches.size(), 1u);
  const auto batch = *wire::parse_feed_batch(batches[0]);
  std::size_t size = 0;
  EXPECT_EQ(wire::read_record(batch.records, size)->envelope, delivered[0]);

  ASSERT_TRUE(send("alice", "phone", R"({"text":"hi again","ref":"a1"})"));
  EXPECT_EQ(broker_.on("rooms/lab/messages").size(), 1u);
  const auto notice = json::parse(broker_.on("users/alice/inbox").back());
  EXPECT_EQ(notice, (json{{"type", "duplicate"}, {"room", "lab"}, {"ref", "a1"}, {"seq", 1}}));
}

TEST_F(PluginWithoutABroker, nobody_speaks_of_messages_that_are_not_there_yet) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  ASSERT_TRUE(send("alice", "phone", R"({"text":"hi"})"));
  for (const char* content :
       {R"({"type":"edit","target":2,"text":"x","ref":"a2"})", R"({"type":"delete","target":9,"ref":"a2"})",
        R"({"type":"reaction","target":2,"key":"+1","ref":"a2"})", R"({"text":"x","reply_to":2,"ref":"a2"})",
        R"({"text":"x","thread":3,"ref":"a2"})"}) {
    EXPECT_FALSE(send("alice", "phone", content)) << content;
    const auto notice = json::parse(broker_.on("users/alice/inbox").back());
    EXPECT_EQ(notice["code"], "above_last_seq");
    EXPECT_EQ(notice["reason"], "The room's last message has number 1.");
    EXPECT_EQ(notice["ref"], "a2");
  }
  EXPECT_EQ(broker_.on("rooms/lab/messages").size(), 1u);
  EXPECT_TRUE(send("alice", "phone", R"({"type":"edit","target":1,"text":"x","ref":"a2"})"));
}

TEST_F(PluginWithoutABroker, nobody_is_let_in_before_the_Directory_came) {
  attach();
  EXPECT_EQ(login("alice", "phone"), LoginVerdict::deny);
}

TEST_F(PluginWithoutABroker, a_removal_is_answered_after_the_kick_and_kept_on_disk) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  broker_.order.clear();
  wire::DirectoryApply apply{.from = 3, .to = 4};
  apply.changes = {wire::MemberPut{.room = 7, .user = "alice"}};
  apply.entries = {wire::AppendEntry{.room = 7,
                                     .from = "bob",
                                     .type = "member",
                                     .ref = "d4.0",
                                     .content = R"({"action":"removed","user":"alice"})"}};
  const auto reply = command({.generation = generation_, .body = apply});
  ASSERT_TRUE(reply.ok) << reply.message;
  EXPECT_EQ(reply.result["seqs"], json::array({1}));
  const auto at = [&](std::string_view what) {
    return std::find(broker_.order.begin(), broker_.order.end(), what);
  };
  ASSERT_NE(at("kick phone"), broker_.order.end());
  EXPECT_LT(at("kick phone"), at("to parleyd-1 $parley/control"));
  EXPECT_FALSE(send("alice", "phone", "out"));

  open();  // the broker is killed and started again; no backend
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  EXPECT_FALSE(send("alice", "phone", "still out"));
}

TEST_F(PluginWithoutABroker, who_leaves_a_room_stays_connected) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  broker_.order.clear();
  wire::DirectoryApply apply{.from = 3, .to = 4};
  apply.changes = {wire::MemberPut{.room = 7, .user = "alice"}};
  apply.entries = {wire::AppendEntry{.room = 7,
                                     .from = "alice",
                                     .type = "member",
                                     .ref = "d4.0",
                                     .content = R"({"action":"left","user":"alice"})"}};
  ASSERT_TRUE(command({.generation = generation_, .body = apply}).ok);
  parley_->tick();
  EXPECT_EQ(std::ranges::count(broker_.order, "kick phone"), 0);
  EXPECT_FALSE(send("alice", "phone", "out"));
}

TEST_F(PluginWithoutABroker, entries_sent_again_are_the_same_entries) {
  attach();
  fill();
  const std::vector<wire::AppendEntry> entries{
      {.room = 7,
       .from = "alice",
       .type = "text",
       .ref = "x1",
       .content = R"({"text":"old"})",
       .imported = true},
      {.room = 99, .from = "alice", .type = "text", .ref = "x2", .content = "{}"}};
  for (int i = 0; i < 2; ++i) {
    const auto reply = command({.generation = generation_, .body = wire::Append{entries}});
    ASSERT_TRUE(reply.ok) << reply.message;
    EXPECT_EQ(reply.result["seqs"], json::array({1, 0}));
    EXPECT_FALSE(
        reply.result.contains("refused"));  // the second one's room is gone: there is nothing to try again
  }
  EXPECT_TRUE(broker_.on("rooms/lab/messages").empty());  // imported: not live
}

TEST_F(PluginWithoutABroker, commands_are_obeyed_from_the_attached_backend_only) {
  attach();
  fill();
  EXPECT_EQ(command({.generation = generation_ - 1, .body = wire::Kick{"alice", ""}}).code, "not_allowed");
  ASSERT_EQ(login("$parleyd", "parleyd-2", kSecret), LoginVerdict::accept);
  EXPECT_EQ(command({.body = wire::Attach{.directory = "dir1"}}, "parleyd-2").code, "unavailable");
  EXPECT_EQ(command({.generation = generation_, .body = wire::Kick{"alice", ""}}, "parleyd-2").code,
            "not_allowed");
  parley_->disconnected({.key = &keys_["parleyd-1"]});
  EXPECT_TRUE(command({.body = wire::Attach{.directory = "dir1"}}, "parleyd-2").ok);

  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  const auto before = broker_.sent.size();
  parley_->control(client("alice", "phone"), R"({"cmd":"kick","id":"x","gen":1,"user":"bob"})");
  EXPECT_EQ(broker_.sent.size(), before);
}

TEST_F(PluginWithoutABroker, a_backend_without_a_common_version_is_refused_and_administrators_are_told) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  ASSERT_EQ(login("$parleyd", "parleyd-2", kSecret), LoginVerdict::accept);
  // No attach of its own: whoever was attached still is.
  const wire::Speaks later{wire::kControlVersion + 1, wire::kControlVersion + 2, "9.9.9"};
  const auto try_later = [&] {
    return command({.body = wire::Attach{.directory = "dir1", .speaks = later}}, "parleyd-2");
  };
  const auto refused = try_later();
  EXPECT_FALSE(refused.ok);
  EXPECT_EQ(refused.code, "version_mismatch");
  EXPECT_TRUE(refused.message.contains("Upgrade the plugin")) << refused.message;
  change(wire::UserPut{.name = "bob"});

  const auto reason = [&] {
    std::string after;
    bool retain = false;
    EXPECT_FALSE(parley_->message(
        client("alice", "phone"), "users/alice/requests/server.status", R"({"id":"r1"})",
        [] { return Properties{}; }, retain, after));
    return newest_notice()["reason"].get<std::string>();
  };
  parley_->disconnected({.key = &keys_["parleyd-1"]});
  EXPECT_FALSE(reason().contains("9.9.9"));
  ASSERT_EQ(login("$parleyd", "parleyd-3", kSecret), LoginVerdict::accept);
  const wire::Speaks both{wire::kControlVersionOldest, wire::kControlVersion + 2, "0.9.0"};
  const auto attached = command({.body = wire::Attach{.directory = "dir1", .speaks = both}}, "parleyd-3");
  ASSERT_TRUE(attached.ok) << attached.message;
  EXPECT_EQ(attached.result["version"], wire::kControlVersion);
  EXPECT_EQ(attached.result["release"], wire::release());
  const wire::DirectoryApply promote{
      .from = version_, .to = version_ + 1, .changes = {wire::UserPut{.name = "alice", .admin = true}}};
  ASSERT_TRUE(command({.generation = attached.result["generation"], .body = promote}, "parleyd-3").ok);
  parley_->disconnected({.key = &keys_["parleyd-3"]});
  EXPECT_TRUE(reason().contains("not connected"));
  try_later();
  EXPECT_EQ(reason(), refused.message);
}

TEST_F(PluginWithoutABroker, requests_need_a_backend_and_a_reply_topic_of_ones_own) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  const auto ask = [&](const std::string& response_topic) {
    std::string after;
    bool retain = false;
    return parley_->message(
        client("alice", "phone"), "users/alice/requests/history", R"({"id":"r1"})",
        [&] { return Properties{.response_topic = response_topic}; }, retain, after);
  };
  EXPECT_TRUE(ask(""));
  EXPECT_TRUE(ask("users/alice/replies/x"));
  EXPECT_FALSE(ask("users/bob/replies"));
  EXPECT_FALSE(ask("rooms/lab/send"));
  parley_->disconnected({.key = &keys_["parleyd-1"]});
  EXPECT_FALSE(ask(""));
  const auto notice = json::parse(broker_.on("users/alice/inbox").back());
  EXPECT_EQ(notice["code"], "unavailable");
  EXPECT_EQ(notice["id"], "r1");
}

TEST_F(PluginWithoutABroker, a_missing_password_means_still_here_only_while_the_broker_reloads) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  EXPECT_EQ(login("alice", "phone", nullptr), LoginVerdict::deny);
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  parley_->reload(options_);
  EXPECT_EQ(login("alice", "phone", nullptr), LoginVerdict::accept);
  EXPECT_EQ(login("alice", "asleep", nullptr), LoginVerdict::accept);  // a sleeping session
  EXPECT_EQ(login("nobody", "x", nullptr), LoginVerdict::deny);
  auto websocket = client("alice", "fresh");
  websocket.websocket = true;
  std::string renamed;
  EXPECT_EQ(parley_->login(websocket, "alice", nullptr, renamed), LoginVerdict::deny);
  parley_->tick();
  EXPECT_EQ(login("alice", "asleep", nullptr), LoginVerdict::deny);
}

TEST_F(PluginWithoutABroker, logins_of_a_moment_are_told_to_the_backend_together) {
  attach();
  fill();
  const auto lines = [this] {
    std::vector<std::size_t> lines;
    for (const auto& payload : broker_.on(wire::kEventsTopic))
      lines.push_back(static_cast<std::size_t>(std::ranges::count(payload, '\n')));
    return lines;
  };
  clock_.advance(BackendLink::kEventsEvery);
  for (const char* device : {"a1", "a2", "a3"}) ASSERT_EQ(login("alice", device), LoginVerdict::accept);
  parley_->tick();
  EXPECT_EQ(lines(), (std::vector<std::size_t>{3}));
  ASSERT_EQ(login("alice", "a4"), LoginVerdict::accept);
  parley_->tick();
  ASSERT_EQ(login("alice", "a5"), LoginVerdict::accept);
  parley_->tick();
  EXPECT_EQ(lines(), (std::vector<std::size_t>{3}));
  clock_.advance(BackendLink::kEventsEvery);
  parley_->tick();
  EXPECT_EQ(lines(), (std::vector<std::size_t>{3, 2}));
}

TEST_F(PluginWithoutABroker, without_ticks_nobody_is_let_in) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  clock_.advance(std::chrono::seconds(31));
  EXPECT_EQ(login("alice", "pad"), LoginVerdict::deny);
  EXPECT_FALSE(send("alice", "phone", "hello?"));
  parley_->tick();
  EXPECT_TRUE(send("alice", "phone", "hello"));
}

TEST_F(PluginWithoutABroker, a_broker_that_slept_because_nothing_happened_goes_on) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  parley_->tick();
  clock_.advance(std::chrono::hours(1));
  EXPECT_TRUE(send("alice", "phone", "good morning"));
  parley_->tick();
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(login("alice", "pad"), LoginVerdict::accept);
}

TEST_F(PluginWithoutABroker, typing_is_for_those_who_are_there_and_not_too_often) {
  options_.typing_rate = 1;
  options_.typing_burst = 3;
  open();
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  const auto type = [&](int qos, std::string_view payload = R"({"typing":true})") {
    const auto c = client("alice", "phone");
    const std::string_view topic = "rooms/lab/typing/alice";
    if (parley_->check(c, {.access = Access::write, .topic = topic, .payload = payload, .qos = qos}) !=
        AclDecision::allow)
      return false;
    bool retain = false;
    std::string after;
    return parley_->message(
        c, topic, payload, [] { return Properties{}; }, retain, after);
  };
  EXPECT_FALSE(type(1));
  EXPECT_EQ(json::parse(broker_.on("users/alice/inbox").back())["code"], "qos_not_allowed");
  EXPECT_FALSE(type(0, "{}"));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(type(0));
  EXPECT_FALSE(type(0));
  EXPECT_TRUE(send("alice", "phone", "a message all the same"));
  clock_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(type(0));
}

TEST_F(PluginWithoutABroker, nobody_is_told_who_types_in_a_large_room) {
  options_.typing_room_max = 0;
  open();
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  EXPECT_EQ(parley_->check(client("alice", "phone"), {.access = Access::write,
                                                      .topic = "rooms/lab/typing/alice",
                                                      .payload = R"({"typing":true})"}),
            AclDecision::deny);
  EXPECT_EQ(json::parse(broker_.on("users/alice/inbox").back())["code"], "not_allowed");
}

TEST_F(PluginWithoutABroker, each_connection_has_a_number_that_its_end_repeats) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  parley_->disconnected({.key = &keys_["phone"]});
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  clock_.advance(std::chrono::seconds(1));
  parley_->tick();
  std::vector<wire::Event> events;
  std::string line;
  for (const auto& lines : broker_.on(wire::kEventsTopic))
    for (std::istringstream in(lines); std::getline(in, line);) events.push_back(*wire::parse_event(line));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].session, events[1].session);
  EXPECT_GT(events[2].session, events[0].session);
  EXPECT_EQ(events[0].token, std::string(26, '0'));
  const auto listed = command({.generation = generation_, .body = wire::Sessions{.limit = 10}});
  ASSERT_EQ(listed.result["sessions"].size(), 1u);
  EXPECT_EQ(listed.result["sessions"][0]["session"], events[2].session);
  EXPECT_EQ(listed.result["sessions"][0]["token"], std::string(26, '0'));
}

TEST_F(PluginWithoutABroker, a_forgotten_device_is_put_out_and_its_id_anybodys) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  const auto reply = command(
      {.generation = generation_, .body = wire::Kick{.user = "alice", .device = "phone", .forget = true}});
  EXPECT_EQ(reply.result["kicked"], 1);
  EXPECT_NE(std::ranges::find(broker_.order, "kick phone"), broker_.order.end());
  const auto listed = command({.generation = generation_, .body = wire::Sessions{.limit = 10}});
  EXPECT_EQ(listed.result["sessions"].size(), 0u);
  const auto stats = command({.generation = generation_, .body = wire::Stats{}});
  EXPECT_EQ(stats.result["gauges"]["client_ids"], 0);
}

TEST_F(PluginWithoutABroker, a_ban_is_answered_after_the_kick_and_kept_on_disk) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  broker_.order.clear();
  auto reply = command(
      {.generation = generation_, .body = wire::BanAdd{wire::BanKind::user, "alice", "spam", "root", 60}});
  ASSERT_TRUE(reply.ok) << reply.message;
  EXPECT_EQ(reply.result["kicked"], 1);
  EXPECT_EQ(reply.result["ban"]["until"], to_ms(clock_.wall()) + 60'000);
  EXPECT_EQ(broker_.order.front(), "kick phone");
  EXPECT_EQ(login("alice", "laptop"), LoginVerdict::deny);
  EXPECT_EQ(check_read("alice", "sleeping"), AclDecision::deny);
  open();  // the broker was restarted; no backend is there yet
  EXPECT_EQ(login("alice", "phone"), LoginVerdict::deny);
  EXPECT_EQ(check_read("alice", "sleeping"), AclDecision::deny);
  clock_.advance(std::chrono::seconds(60));
  parley_->tick();
  EXPECT_EQ(login("alice", "phone"), LoginVerdict::accept);
  EXPECT_EQ(check_read("alice", "sleeping"), AclDecision::allow);
}

TEST_F(PluginWithoutABroker, a_ban_of_an_address_or_client_id_ends_who_is_there_and_the_backend_stays) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  auto ban = [&](wire::BanKind kind, const std::string& target) {
    return command({.generation = generation_, .body = wire::BanAdd{kind, target, "", "root", 0}})
        .result["kicked"];
  };
  EXPECT_EQ(ban(wire::BanKind::network, "127.0.0.0/8"), 1);
  EXPECT_EQ(login("alice", "phone"), LoginVerdict::deny);
  attach();  // from the same address
  ASSERT_TRUE(
      command({.generation = generation_, .body = wire::BanRemove{wire::BanKind::network, "127.0.0.0/8"}})
          .ok);
  EXPECT_EQ(login("alice", "phone"), LoginVerdict::accept);
  EXPECT_EQ(ban(wire::BanKind::client, "phone"), 1);
  EXPECT_EQ(login("alice", "phone"), LoginVerdict::deny);
  EXPECT_EQ(login("alice", "laptop"), LoginVerdict::accept);
  EXPECT_EQ(command({.generation = generation_, .body = wire::BanRemove{wire::BanKind::user, "bob"}}).code,
            "not_found");
  const auto listed = command({.generation = generation_, .body = wire::BanList{}}).result;
  ASSERT_EQ(listed["bans"].size(), 1u);
  EXPECT_EQ(listed["bans"][0]["id"], "client:phone");
  EXPECT_FALSE(listed["more"]);
}

TEST_F(PluginWithoutABroker, a_client_id_that_flaps_is_kept_out_for_a_while) {
  options_.flap_connects = 10;
  open();
  attach();
  fill();
  for (int i = 0; i < 10; ++i) ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept) << i;
  EXPECT_EQ(login("alice", "phone"), LoginVerdict::deny);
  EXPECT_EQ(login("alice", "laptop"), LoginVerdict::accept);
  const auto listed = command({.generation = generation_, .body = wire::BanList{}}).result;
  EXPECT_EQ(listed["bans"][0]["id"], "client:phone");
  EXPECT_FALSE(listed["bans"][0].contains("by"));
  clock_.advance(options_.flap_ban);
  parley_->tick();
  EXPECT_EQ(login("alice", "phone"), LoginVerdict::accept);
}

TEST_F(PluginWithoutABroker, who_floods_on_regardless_is_put_out_for_a_while) {
  options_.user_rate = 1;
  options_.user_burst = 1;
  options_.flood_refusals = 20;
  open();
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  ASSERT_TRUE(send("alice", "phone", "one"));
  broker_.order.clear();
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(send("alice", "phone", "more"));
  parley_->tick();
  EXPECT_EQ(std::ranges::count(broker_.order, "kick phone"), 0);
  EXPECT_FALSE(send("alice", "phone", "more"));
  parley_->tick();
  EXPECT_EQ(std::ranges::count(broker_.order, "kick phone"), 1);
  EXPECT_EQ(login("alice", "laptop"), LoginVerdict::deny);
  clock_.advance(options_.flood_ban);
  parley_->tick();
  EXPECT_EQ(login("alice", "laptop"), LoginVerdict::accept);
}

TEST_F(PluginWithoutABroker, a_user_has_so_many_sessions_and_a_takeover_is_none_more) {
  options_.sessions_per_user = 2;
  open();
  attach();
  fill();
  ASSERT_EQ(login("alice", "one"), LoginVerdict::accept);
  ASSERT_EQ(login("alice", "two"), LoginVerdict::accept);
  EXPECT_EQ(login("alice", "three"), LoginVerdict::deny);
  EXPECT_EQ(login("alice", "two"), LoginVerdict::accept);
  parley_->disconnected({.key = &keys_["one"]});
  EXPECT_EQ(login("alice", "three"), LoginVerdict::accept);
}

TEST_F(PluginWithoutABroker, a_room_takes_so_many_messages_and_moderators_may_go_on) {
  options_.room_rate = 1;
  options_.room_burst = 2;
  open();
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  ASSERT_TRUE(send("alice", "phone", R"({"text":"1","ref":"1"})"));
  ASSERT_TRUE(send("alice", "phone", "2"));
  EXPECT_FALSE(send("alice", "phone", "3"));
  EXPECT_EQ(newest_notice()["code"], "rate_limited");
  EXPECT_TRUE(send("alice", "phone", R"({"text":"1","ref":"1"})"));  // a repeat is told its number
  clock_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(send("alice", "phone", "3"));
  EXPECT_FALSE(send("alice", "phone", "4"));
  change(wire::MemberPut{.room = 7, .user = "alice", .role = wire::Role::moderator});
  EXPECT_TRUE(login("alice", "phone") == LoginVerdict::accept && send("alice", "phone", "4"));
}

TEST_F(PluginWithoutABroker, stats_tell_how_deep_and_how_old_the_journal_is) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  const auto stats = [&] { return command({.generation = generation_, .body = wire::Stats{}}).result; };
  EXPECT_EQ(stats()["gauges"]["journal_age_seconds"], 0);
  ASSERT_TRUE(send("alice", "phone", "one"));
  clock_.advance(std::chrono::milliseconds(2500));
  ASSERT_TRUE(send("alice", "phone", "two"));
  const auto now = stats();
  EXPECT_EQ(now["gauges"]["journal_age_seconds"], 2.5);
  EXPECT_GT(now["gauges"]["journal_backlog_bytes"], 0);
  EXPECT_EQ(now["gauges"]["journal_max_bytes"], options_.journal_max_bytes);
  EXPECT_GT(now["gauges"]["data_dir_size_bytes"], now["gauges"]["data_dir_free_bytes"]);
  EXPECT_GT(now["gauges"]["process_max_fds"], 0);
  EXPECT_GT(now["gauges"]["process_resident_memory_bytes"], 0);
  EXPECT_EQ(now["queues"]["events"]["capacity"], BackendLink::kEventsMax);
  EXPECT_EQ(now["plugin"]["now_ms"], to_ms(clock_.wall()));
  EXPECT_FALSE(now["plugin"]["version"].get<std::string>().empty());
}

TEST_F(PluginWithoutABroker, deliveries_are_the_reads_of_messages_that_are_allowed) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  const auto read = [&](const char* user, const char* topic) {
    (void)parley_->check(client(user, std::string(user) + "-phone"),
                         {.access = Access::read, .topic = topic});
  };
  read("alice", "rooms/lab/messages");
  read("alice", "rooms/lab/state");
  read("bob", "rooms/lab/messages");
  const auto counters = command({.generation = generation_, .body = wire::Stats{}}).result["counters"];
  EXPECT_EQ(counters["deliveries"], 1);
  EXPECT_EQ(counters["reads_denied"], 1);
}

TEST_F(PluginWithoutABroker, messages_are_followed_by_lines_when_debugging_and_cost_none_otherwise) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  ASSERT_TRUE(send("alice", "phone", R"({"text":"secret words","ref":"quiet"})"));
  EXPECT_TRUE(broker_.debug_lines.empty());
  auto options = options_;
  options.log_level = LogLevel::debug;
  parley_->reload(options);
  broker_.debug_lines.clear();
  ASSERT_TRUE(send("alice", "phone", R"({"text":"secret words","ref":"a 1"})"));
  const auto id = json::parse(broker_.on("rooms/lab/messages").back())["id"].get<std::string>();
  ASSERT_TRUE(send("alice", "phone", R"({"text":"secret words","ref":"a 1"})"));
  EXPECT_FALSE(send("alice", "phone", R"({"type":"edit","target":99,"text":"secret words","ref":"a2"})"));
  EXPECT_EQ(broker_.debug_lines,
            (std::vector<std::string>{
                "message accepted id=" + id + " room=lab seq=2 from=alice device=phone type=text ref=\"a 1\"",
                "message repeated room=lab seq=2 from=alice device=phone ref=\"a 1\"",
                "refused code=above_last_seq from=alice device=phone room=lab ref=a2 "
                "reason=\"The room's last message has number 2.\""}));
}

TEST_F(PluginWithoutABroker, limits_change_while_it_runs_and_a_wrong_reload_changes_nothing) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(send("alice", "phone", R"({"text":"no limit"})"));

  auto options = options_;
  options.user_rate = 0.001, options.user_burst = 2, options.max_content_bytes = 100;
  parley_->reload(options);
  EXPECT_FALSE(send("alice", "phone", std::string(101, 'x')));
  EXPECT_EQ(newest_notice()["code"], "too_large");
  EXPECT_TRUE(send("alice", "phone", R"({"text":"one token is left"})"));
  EXPECT_FALSE(send("alice", "phone", R"({"text":"and now none"})"));
  EXPECT_EQ(newest_notice()["code"], "rate_limited");

  parley_->reload(fail(Errc::invalid_argument, "nonsense"));
  EXPECT_FALSE(send("alice", "phone", R"({"text":"as before"})"));
  parley_->reload(options_);
  EXPECT_TRUE(send("alice", "phone", R"({"text":"no limit again"})"));
}

TEST_F(PluginWithoutABroker, clients_are_moved_off_one_by_one_and_nobody_else_is_let_in) {
  attach();
  fill();
  change(wire::UserPut{.name = "root", .admin = true});
  change(wire::TokenPut{
      .id = std::string(26, '1'), .user = "root", .sha256 = std::string(as_view(sha256(kRootToken)))});
  for (const auto* device : {"phone", "tablet", "desk", "watch"})
    ASSERT_EQ(login("alice", device), LoginVerdict::accept);
  ASSERT_EQ(login("root", "console", kRootToken), LoginVerdict::accept);
  const auto kicked = [&] {
    return std::ranges::count_if(broker_.order, [](const auto& what) { return what.starts_with("kick "); });
  };
  const auto begun =
      command({.generation = generation_,
               .body = wire::Drain{.on = true, .over_s = 40, .server = "mqtts://b", .stop = true}});
  ASSERT_TRUE(begun.ok) << begun.message;
  EXPECT_EQ(begun.result, (json{{"draining", true}, {"left", 4}}));
  EXPECT_EQ(login("alice", "late"), LoginVerdict::busy);
  EXPECT_EQ(kicked(), 0);

  clock_.advance(std::chrono::seconds(20));
  parley_->tick();
  const auto notices = broker_.on("users/alice/inbox");
  ASSERT_EQ(notices.size(), 2u);
  EXPECT_EQ(json::parse(notices[0]), (json{{"type", "moving"}, {"in_s", 3}, {"server", "mqtts://b"}}));
  clock_.advance(Drain::kNoticeAhead);
  parley_->tick();
  EXPECT_EQ(kicked(), 2);
  EXPECT_NE(broker_.order.back(), "stop");

  clock_.advance(std::chrono::seconds(20));
  parley_->tick();
  parley_->tick();
  EXPECT_EQ(kicked(), 4);
  EXPECT_EQ(std::ranges::count(broker_.order, "kick console"), 0);
  EXPECT_EQ(std::ranges::count(broker_.order, "stop"), 1);
  ASSERT_EQ(login("root", "console2", kRootToken), LoginVerdict::accept) << "whoever sees to it may come";
}

TEST_F(PluginWithoutABroker, a_drain_that_is_ended_leaves_the_rest_and_lets_others_in) {
  attach();
  fill();
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  ASSERT_TRUE(command({.generation = generation_, .body = wire::Drain{.on = true, .over_s = 40}}).ok);
  const auto ended = command({.generation = generation_, .body = wire::Drain{.on = false}});
  EXPECT_EQ(ended.result, (json{{"draining", false}, {"left", 0}}));
  EXPECT_EQ(login("alice", "tablet"), LoginVerdict::accept);
  clock_.advance(std::chrono::seconds(100));
  parley_->tick();
  parley_->tick();
  EXPECT_EQ(std::ranges::count(broker_.order, "kick phone"), 0);
}

}  // namespace
}  // namespace parley::plugin
