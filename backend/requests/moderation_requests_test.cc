#include <deque>

#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

class ModerationRequests : public RequestsTest {
 protected:
  wire::DirectoryChange newest_change() {
    return stores_.directory->steps_after(*stores_.directory->version() - 1, 1)->front().changes.front();
  }
  std::int64_t now_ms() { return to_ms(clock_.wall()); }
};

TEST_F(ModerationRequests, a_muted_member_is_told_and_shown_until_it_ends) {
  auto lab = make_lab();
  auto muted = ok("bob", "member.mute", {{"room", "lab"}, {"user", "carol"}, {"for_s", 600}});
  auto until = now_ms() + 600'000;
  EXPECT_EQ(muted["muted_until"], until);
  EXPECT_EQ(muted["role"], "member");
  EXPECT_EQ(newest_change(),
            wire::DirectoryChange(wire::MutePut{.room = lab.id, .user = "carol", .until_ms = until}));
  auto entry = newest_entries().at(0);
  EXPECT_EQ(entry.type, "member");
  EXPECT_EQ(Json::parse(entry.content), (Json{{"action", "muted"}, {"user", "carol"}, {"until", until}}));
  auto published = publisher_.take();
  ASSERT_EQ(published.size(), 1u);
  EXPECT_EQ(published[0].topic, "users/carol/inbox");
  auto notice = Json::parse(published[0].payload);
  EXPECT_EQ(notice["type"], "muted");
  EXPECT_EQ(notice["until"], until);
  EXPECT_EQ(ok("carol", "member.list", {{"room", "lab"}})["members"][2]["muted_until"], until);
  clock_.advance(std::chrono::seconds(600));
  EXPECT_FALSE(ok("carol", "member.list", {{"room", "lab"}})["members"][2].contains("muted_until"));
  EXPECT_EQ(refused("bob", "member.unmute", {{"room", "lab"}, {"user", "carol"}}), "not_found");
}

TEST_F(ModerationRequests, a_mute_without_an_end_is_lifted_by_hand) {
  auto lab = make_lab();
  ok("bob", "member.mute", {{"room", "lab"}, {"user", "carol"}});
  EXPECT_EQ(newest_change(), wire::DirectoryChange(wire::MutePut{
                                 .room = lab.id, .user = "carol", .until_ms = to_ms(kForever)}));
  EXPECT_FALSE(ok("bob", "member.unmute", {{"room", "lab"}, {"user", "carol"}}).contains("muted_until"));
  EXPECT_EQ(newest_change(), wire::DirectoryChange(wire::MutePut{.room = lab.id, .user = "carol"}));
  EXPECT_EQ(Json::parse(newest_entries().at(0).content)["action"], "unmuted");
}

TEST_F(ModerationRequests, leaving_and_coming_back_does_not_end_a_mute) {
  make_lab({{"public", true}});
  ok("bob", "member.mute", {{"room", "lab"}, {"user", "carol"}});
  ok("carol", "room.leave", {{"room", "lab"}});
  ok("carol", "room.join", {{"room", "lab"}});
  EXPECT_TRUE(ok("bob", "member.list", {{"room", "lab"}})["members"][2].contains("muted_until"));
  ok("carol", "room.leave", {{"room", "lab"}});
  EXPECT_EQ(ok("bob", "member.unmute", {{"room", "lab"}, {"user", "carol"}}), Json::object());
}

TEST_F(ModerationRequests, moderators_mute_lower_roles_alone) {
  make_lab();
  auto why_not = [&](const std::string& by, const std::string& user, Json extra = Json::object()) {
    Json params = {{"room", "lab"}, {"user", user}};
    params.update(extra);
    return refused(by, "member.mute", params);
  };
  EXPECT_EQ(why_not("carol", "bob"), "not_allowed");
  EXPECT_EQ(why_not("bob", "alice"), "not_allowed");
  EXPECT_EQ(why_not("alice", "alice"), "invalid_argument");
  EXPECT_EQ(why_not("alice", "dave"), "not_found");
  EXPECT_EQ(why_not("dave", "carol"), "not_a_member");
  EXPECT_EQ(why_not("bob", "carol", {{"for_s", 5}, {"until", now_ms() + 5}}), "invalid_argument");
  EXPECT_EQ(why_not("bob", "carol", {{"until", now_ms()}}), "invalid_argument");
  ok("alice", "member.mute", {{"room", "lab"}, {"user", "bob"}, {"until", now_ms() + 5}});
  EXPECT_EQ(refused("bob", "member.unmute", {{"room", "lab"}, {"user", "bob"}}), "not_allowed");
}

TEST_F(ModerationRequests, slow_mode_is_set_and_told) {
  auto lab = make_lab();
  EXPECT_EQ(ok("bob", "room.update", {{"room", "lab"}, {"slow_s", 30}})["slow_s"], 30);
  EXPECT_EQ(newest_change(), wire::DirectoryChange(wire::RoomPut{
                                 .id = lab.id, .name = "lab", .epoch = lab.epoch, .slow_s = 30}));
  EXPECT_EQ(ok("carol", "room.get", {{"room", "lab"}})["slow_s"], 30);
  EXPECT_FALSE(ok("bob", "room.update", {{"room", "lab"}, {"slow_s", 0}}).contains("slow_s"));
  EXPECT_EQ(refused("carol", "room.update", {{"room", "lab"}, {"slow_s", 0}}), "not_allowed");
  EXPECT_EQ(refused("bob", "room.update", {{"room", "lab"}, {"slow_s", 21601}}), "invalid_argument");
}

class MessageDelete : public ModerationRequests {
 protected:
  void SetUp() override {
    ModerationRequests::SetUp();
    auto lab = make_lab();
    std::deque<std::string> texts;
    std::vector<wire::Record> records;
    for (const char* type : {"room", "text"}) {
      wire::Record record{.room_id = lab.id, .seq = records.size() + 1};
      record.id[0] = static_cast<unsigned char>(record.seq);
      record.room = "lab", record.from = "carol", record.type = type;
      record.envelope = texts.emplace_back(
          R"({"seq":)" + std::to_string(record.seq) +
          R"(,"epoch":"e","id":"01JD8Z6V5T3Y0N7QF4R2W9XKCB","room":"lab","from":"carol","at":1,"type":")" +
          type + R"(","content":{"text":"x"}})");
      records.push_back(record);
    }
    ASSERT_TRUE(stores_.messages->store(1, 0, 100, records));
  }
};

TEST_F(MessageDelete, an_administrator_from_outside_deletes_as_an_owner) {
  EXPECT_EQ(ok("root", "message.delete", {{"room", "lab"}, {"seq", 2}})["seq"], 1);
  ASSERT_EQ(broker_.appended().size(), 1u);
  const auto& entry = broker_.appended()[0];
  EXPECT_EQ(entry.from, "root");
  EXPECT_EQ(entry.role, "owner");
  EXPECT_EQ(entry.type, "delete");
  EXPECT_EQ(entry.ref, "message.delete:2");
  EXPECT_FALSE(entry.imported);
  EXPECT_EQ(Json::parse(entry.content), (Json{{"type", "delete"}, {"target", 2}}));
}

TEST_F(MessageDelete, a_moderator_deletes_by_their_own_role) {
  ok("bob", "message.delete", {{"room", "lab"}, {"seq", 2}});
  EXPECT_EQ(broker_.appended().at(0).role, "moderator");
  EXPECT_EQ(refused("carol", "message.delete", {{"room", "lab"}, {"seq", 2}}), "not_allowed");
  EXPECT_EQ(refused("dave", "message.delete", {{"room", "lab"}, {"seq", 2}}), "not_a_member");
}

TEST_F(MessageDelete, what_is_not_there_or_no_message_is_not_deleted) {
  EXPECT_EQ(refused("root", "message.delete", {{"room", "lab"}, {"seq", 3}}), "above_last_seq");
  EXPECT_EQ(refused("root", "message.delete", {{"room", "lab"}, {"seq", 1}}), "invalid_argument");
  EXPECT_EQ(refused("root", "message.delete", {{"room", "lab"}}), "invalid_argument");
  EXPECT_EQ(refused("root", "message.delete", {{"room", "nowhere"}, {"seq", 1}}), "not_found");
  broker_.be_full();
  EXPECT_EQ(refused("root", "message.delete", {{"room", "lab"}, {"seq", 2}}), "backlog_full");
}

}  // namespace
}  // namespace parley::backend
