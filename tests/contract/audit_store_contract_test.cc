#include <gmock/gmock.h>

#include "tests/contract/store_contract.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class AuditStoreContract : public StoreContract {
 protected:
  AuditStore& audit() { return *stores_.audit; }
  static Act act(const std::string& action, const std::string& actor = "root") {
    return {.actor = actor, .action = action};
  }
  std::vector<std::string> actions(const AuditQuery& query = {}) {
    std::vector<std::string> actions;
    auto list = audit().list(query);
    EXPECT_TRUE(list) << list.error().message;
    for (const auto& one : *list) actions.push_back(one.act.action);
    return actions;
  }
};

TEST_P(AuditStoreContract, an_act_is_kept_as_it_was_recorded) {
  Act act{.actor = "root",
          .device = "desk",
          .address = "10.0.0.1",
          .action = "member.ban",
          .room = "lab",
          .user = "bob",
          .outcome = "not_allowed",
          .details = R"({"why":"Ä"})"};
  ASSERT_TRUE(audit().record(act));
  reopen();
  auto list = audit().list({});
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1u);
  const auto& kept = list->front();
  EXPECT_GT(kept.id, 0u);
  EXPECT_EQ(kept.at, clock_.wall());
  EXPECT_EQ(kept.act.actor, "root");
  EXPECT_EQ(kept.act.device, "desk");
  EXPECT_EQ(kept.act.address, "10.0.0.1");
  EXPECT_EQ(kept.act.action, "member.ban");
  EXPECT_EQ(kept.act.room, "lab");
  EXPECT_EQ(kept.act.user, "bob");
  EXPECT_EQ(kept.act.outcome, "not_allowed");
  EXPECT_EQ(kept.act.details, R"({"why":"Ä"})");
}

TEST_P(AuditStoreContract, lists_are_newest_first_filtered_and_paged) {
  auto record = [&](const std::string& action, const std::string& actor, const std::string& room,
                    const std::string& user) {
    ASSERT_TRUE(audit().record({.actor = actor, .action = action, .room = room, .user = user}));
    clock_.advance(std::chrono::seconds(1));
  };
  auto begun = clock_.wall();
  record("a", "root", "lab", "bob");
  record("b", "alice", "lab", "");
  record("c", "root", "hall", "bob");
  record("d", "root", "lab", "carol");
  EXPECT_THAT(actions(), ElementsAre("d", "c", "b", "a"));
  EXPECT_THAT(actions({.actor = "root"}), ElementsAre("d", "c", "a"));
  EXPECT_THAT(actions({.room = "lab"}), ElementsAre("d", "b", "a"));
  EXPECT_THAT(actions({.user = "bob"}), ElementsAre("c", "a"));
  EXPECT_THAT(actions({.actor = "root", .room = "lab", .user = "bob"}), ElementsAre("a"));
  EXPECT_THAT(actions({.since = begun + std::chrono::seconds(2)}), ElementsAre("d", "c"));
  EXPECT_THAT(actions({.limit = 2}), ElementsAre("d", "c"));
  auto page = audit().list({.limit = 2});
  EXPECT_THAT(actions({.before = page->back().id}), ElementsAre("b", "a"));
  EXPECT_THAT(actions({.actor = "nobody"}), IsEmpty());
}

TEST_P(AuditStoreContract, the_oldest_are_forgotten_some_at_a_time) {
  for (const char* action : {"a", "b", "c"}) {
    ASSERT_TRUE(audit().record(act(action)));
    clock_.advance(std::chrono::seconds(1));
  }
  auto before = clock_.wall() - std::chrono::seconds(1);
  EXPECT_EQ(audit().forget_before(before, 1), 1u);
  EXPECT_THAT(actions(), ElementsAre("c", "b"));
  EXPECT_EQ(audit().forget_before(before, 10), 1u);
  EXPECT_EQ(audit().forget_before(before, 10), 0u);
  EXPECT_THAT(actions(), ElementsAre("c"));
  ASSERT_TRUE(audit().record(act("d")));
  EXPECT_THAT(actions(), ElementsAre("d", "c"));
}

TEST_P(AuditStoreContract, every_change_takes_its_act_along) {
  auto change = [&](const std::string& action) { return std::optional(act(action)); };
  ASSERT_TRUE(users().create({.name = "alice", .title = "", .scram = "", .act = change("user.create")}));
  ASSERT_TRUE(users().create({.name = "bob", .title = "", .scram = ""}));
  ASSERT_TRUE(users().update("bob", {.title = "B", .act = change("user.update")}));
  ASSERT_TRUE(users().create_token({.id = "T",
                                    .user = "bob",
                                    .label = "",
                                    .sha256 = std::string(32, 's'),
                                    .act = change("token.create")}));
  ASSERT_TRUE(users().revoke_token("T", change("token.revoke")));
  auto made = rooms().create(
      {.name = "lab", .title = "", .members = {{"alice", wire::Role::owner}}, .act = change("room.create")});
  ASSERT_TRUE(made);
  auto lab = made->value.id;
  ASSERT_TRUE(rooms().update(lab, {.title = "T", .act = change("room.update")}));
  ASSERT_TRUE(rooms().change_member(
      {.room_id = lab, .user = "bob", .role = wire::Role::member, .act = change("member.add")}));
  ASSERT_TRUE(stores_.admissions->create_link({.id = "L",
                                               .room_id = lab,
                                               .by = "alice",
                                               .sha256 = std::string(32, 'l'),
                                               .act = change("link.create")}));
  ASSERT_TRUE(stores_.admissions->revoke_link(lab, "L", change("link.revoke")));
  NewInvitation invitation{.room_id = lab,
                           .user = "bob",
                           .by = "alice",
                           .expires_at = clock_.wall() + std::chrono::hours(1),
                           .act = change("member.invite")};
  ASSERT_TRUE(stores_.admissions->invite(invitation));
  ASSERT_TRUE(stores_.admissions->withdraw(lab, "bob", change("invite.revoke")));
  ASSERT_TRUE(rooms().erase(lab, change("room.delete")));
  EXPECT_THAT(actions(), ElementsAre("room.delete", "invite.revoke", "member.invite", "link.revoke",
                                     "link.create", "member.add", "room.update", "room.create",
                                     "token.revoke", "token.create", "user.update", "user.create"));
}

TEST_P(AuditStoreContract, what_is_not_done_is_not_recorded_as_done) {
  add_user("alice");
  auto lab = add_room("lab", "alice").id;
  EXPECT_FALSE(users().create({.name = "ALICE", .title = "", .scram = "", .act = act("user.create")}));
  EXPECT_FALSE(users().revoke_token("T", act("token.revoke")));
  EXPECT_TRUE(rooms().change_member(
      {.room_id = lab, .user = "alice", .role = wire::Role::owner, .act = act("member.role")}));
  EXPECT_FALSE(rooms().change_member(
      {.room_id = lab, .user = "zoe", .role = wire::Role::owner, .act = act("member.add")}));
  EXPECT_FALSE(stores_.admissions->withdraw(lab, "alice", act("invite.revoke")));
  EXPECT_THAT(actions(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Stores, AuditStoreContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
