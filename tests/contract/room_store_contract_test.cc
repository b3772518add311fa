#include <gmock/gmock.h>

#include "tests/contract/store_contract.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;
using wire::Role;

class RoomStoreContract : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    if (IsSkipped()) return;
    for (const char* name : {"alice", "bob", "carol"}) add_user(name);
  }

  // Puts someone into a standing that must be possible.
  Member put(std::uint64_t room, const std::string& user, Role role, bool banned = false) {
    auto done = rooms().change_member({.room_id = room, .user = user, .role = role, .banned = banned});
    EXPECT_TRUE(done) << done.error().message;
    return done ? done->value : Member{};
  }
  std::vector<std::string> names(RoomQuery query) {
    std::vector<std::string> names;
    auto found = rooms().list(query);
    for (const auto& item : *found) names.push_back(item.room.name);
    return names;
  }
  std::vector<std::string> members(MemberQuery query) {
    std::vector<std::string> names;
    auto found = rooms().members(query);
    for (const auto& member : *found) names.push_back(member.user);
    return names;
  }
};

TEST_P(RoomStoreContract, a_room_is_found_as_it_was_made) {
  auto made = rooms().create({.name = "Lab",
                              .kind = wire::RoomKind::channel,
                              .title = "The lab",
                              .is_public = true,
                              .members = {{"alice", Role::owner}, {"bob", Role::reader}}});
  ASSERT_TRUE(made);
  reopen();
  auto room = rooms().find("Lab");
  ASSERT_TRUE(room);
  EXPECT_EQ(room->id, made->value.id);
  EXPECT_EQ(room->kind, wire::RoomKind::channel);
  EXPECT_EQ(room->title, "The lab");
  EXPECT_TRUE(room->is_public);
  EXPECT_EQ(room->members, 2u);
  EXPECT_EQ(room->epoch, made->value.epoch);
  EXPECT_EQ(room->epoch.size(), 8u);
  EXPECT_EQ(room->last_seq, 0u);
  EXPECT_EQ(rooms().get(room->id)->name, "Lab");
  EXPECT_EQ(rooms().member(room->id, "bob")->role, Role::reader);
  EXPECT_EQ(rooms().member(room->id, "carol")->role, Role::none);
}

TEST_P(RoomStoreContract, numbers_are_small_enough_for_json) {
  for (int i = 0; i < 50; ++i) {
    auto id = add_room("r" + std::to_string(i), "alice").id;
    EXPECT_GT(id, 0u);
    EXPECT_LT(id, std::uint64_t{1} << 53);
  }
}

TEST_P(RoomStoreContract, names_are_taken_whatever_their_case_and_used_as_written) {
  add_room("Lab", "alice");
  EXPECT_EQ(code_of(rooms().create({.name = "lAB", .title = "", .members = {{"bob", Role::owner}}})),
            Errc::already_exists);
  EXPECT_EQ(code_of(rooms().find("lab")), Errc::not_found);
}

TEST_P(RoomStoreContract, a_room_with_an_unknown_member_is_not_made_at_all) {
  auto version = *directory().version();
  EXPECT_EQ(code_of(rooms().create(
                {.name = "lab", .title = "", .members = {{"alice", Role::owner}, {"zoe", Role::member}}})),
            Errc::not_found);
  EXPECT_EQ(code_of(rooms().find("lab")), Errc::not_found);
  EXPECT_EQ(directory().version(), version);
}

TEST_P(RoomStoreContract, making_a_room_writes_one_step_with_all_of_it) {
  auto version = *directory().version();
  auto made = rooms().create({.name = "lab",
                              .title = "T",
                              .members = {{"alice", Role::owner}, {"bob", Role::member}},
                              .entries = {{"alice", "owner", "room", R"({"action":"created"})"},
                                          {"alice", "owner", "member", R"({"action":"added"})"}}});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->version, version + 1);
  auto steps = steps_after(version);
  ASSERT_EQ(steps.size(), 1u);
  auto id = made->value.id;
  EXPECT_THAT(steps[0].changes,
              ElementsAre(wire::RoomPut{.id = id, .name = "lab", .epoch = made->value.epoch},
                          wire::MemberPut{.room = id, .user = "alice", .role = Role::owner},
                          wire::MemberPut{.room = id, .user = "bob", .role = Role::member}));
  ASSERT_EQ(steps[0].entries.size(), 2u);
  auto ref = steps[0].entries[0].ref;
  EXPECT_THAT(ref, StartsWith("d" + std::to_string(made->version) + "."));
  EXPECT_EQ(steps[0].entries[0], (wire::AppendEntry{.room = id,
                                                    .from = "alice",
                                                    .role = "owner",
                                                    .type = "room",
                                                    .ref = ref,
                                                    .content = R"({"action":"created"})"}));
  EXPECT_NE(steps[0].entries[1].ref, ref);
}

TEST_P(RoomStoreContract, an_update_sets_what_is_given) {
  auto id = add_room("lab", "alice").id;
  auto done = rooms().update(id, {.title = "New", .entries = {{"alice", "owner", "room", "{}"}}});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->value.title, "New");
  EXPECT_FALSE(done->value.is_public);
  EXPECT_EQ(done->version, directory().version());
  ASSERT_TRUE(rooms().update(id, {.is_public = true}));
  EXPECT_EQ(rooms().get(id)->title, "New");
  EXPECT_TRUE(rooms().get(id)->is_public);
  EXPECT_EQ(code_of(rooms().update(id + 1, {.title = "x"})), Errc::not_found);
}

TEST_P(RoomStoreContract, the_list_of_rooms_tells_whom_a_direct_chat_is_with) {
  ASSERT_TRUE(rooms().create({.name = "dm",
                              .kind = wire::RoomKind::direct,
                              .title = "",
                              .members = {{"alice", Role::member}, {"bob", Role::member}}}));
  ASSERT_TRUE(rooms().create(
      {.name = "lab", .title = "", .members = {{"alice", Role::owner}, {"bob", Role::member}}}));
  auto peers = [&](const std::string& user, RoomQuery::Which which) {
    std::vector<std::string> peers;
    auto listed = rooms().list({.which = which, .user = user, .after = ""});
    for (const auto& item : *listed) peers.push_back(item.peer);
    return peers;
  };
  EXPECT_THAT(peers("alice", RoomQuery::Which::of_user), ElementsAre("bob", ""));
  EXPECT_THAT(peers("bob", RoomQuery::Which::all), ElementsAre("alice", ""));
  EXPECT_THAT(peers("carol", RoomQuery::Which::all), ElementsAre("", ""));
}

TEST_P(RoomStoreContract, a_deleted_room_is_gone_and_its_name_free) {
  auto id = add_room("lab", "alice").id;
  put(id, "bob", Role::member);
  put(id, "carol", Role::none, /*banned=*/true);
  auto done = rooms().erase(id);
  ASSERT_TRUE(done);
  EXPECT_EQ(code_of(rooms().find("lab")), Errc::not_found);
  EXPECT_EQ(code_of(rooms().get(id)), Errc::not_found);
  EXPECT_EQ(code_of(rooms().erase(id)), Errc::not_found);
  EXPECT_EQ(rooms().member(id, "bob")->role, Role::none);
  EXPECT_FALSE(rooms().member(id, "carol")->banned);
  EXPECT_THAT(names({.user = "bob", .after = ""}), IsEmpty());
  EXPECT_THAT(steps_after(done->version - 1)[0].changes, ElementsAre(wire::RoomDrop{id}));
  EXPECT_NE(add_room("LAB", "alice").id, id);
}

TEST_P(RoomStoreContract, deleting_a_room_takes_back_its_unconfirmed_entries_only) {
  auto lab = add_room("lab", "alice").id;
  auto hall = add_room("hall", "alice").id;
  MemberChange change{
      .room_id = lab, .user = "bob", .role = Role::member, .entries = {{"alice", "owner", "member", "{}"}}};
  ASSERT_TRUE(rooms().change_member(change));
  change.room_id = hall;
  ASSERT_TRUE(rooms().change_member(change));
  ASSERT_TRUE(rooms().erase(lab));
  auto left = directory().unconfirmed_entries(10);
  ASSERT_EQ(left->size(), 1u);
  EXPECT_EQ(left->front().entries[0].room, hall);
}

TEST_P(RoomStoreContract, members_come_change_and_go) {
  auto id = add_room("lab", "alice").id;
  auto joined = clock_.wall();
  EXPECT_EQ(put(id, "bob", Role::member).since, joined);
  EXPECT_EQ(rooms().get(id)->members, 2u);
  clock_.advance(std::chrono::seconds(5));
  auto moderator = put(id, "bob", Role::moderator);
  EXPECT_EQ(moderator.role, Role::moderator);
  EXPECT_EQ(moderator.since, joined);
  EXPECT_EQ(rooms().get(id)->members, 2u);
  put(id, "bob", Role::none);
  EXPECT_EQ(rooms().member(id, "bob")->role, Role::none);
  EXPECT_EQ(rooms().get(id)->members, 1u);
}

TEST_P(RoomStoreContract, a_ban_removes_and_stays_until_taken_back) {
  auto id = add_room("lab", "alice").id;
  put(id, "bob", Role::member);
  clock_.advance(std::chrono::seconds(5));
  auto banned = put(id, "bob", Role::none, true);
  EXPECT_TRUE(banned.banned);
  EXPECT_EQ(banned.since, clock_.wall());
  reopen();
  EXPECT_EQ(rooms().member(id, "bob")->role, Role::none);
  EXPECT_TRUE(rooms().member(id, "bob")->banned);
  EXPECT_EQ(rooms().get(id)->members, 1u);
  EXPECT_THAT(members({.room_id = id, .banned = true, .after = ""}), ElementsAre("bob"));
  EXPECT_THAT(members({.room_id = id, .after = ""}), ElementsAre("alice"));
  put(id, "bob", Role::none);
  EXPECT_FALSE(rooms().member(id, "bob")->banned);
}

TEST_P(RoomStoreContract, each_change_of_a_member_is_one_step) {
  auto id = add_room("lab", "alice").id;
  auto version = *directory().version();
  put(id, "bob", Role::member);
  put(id, "bob", Role::none, true);
  auto steps = steps_after(version);
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_THAT(steps[0].changes,
              ElementsAre(wire::MemberPut{.room = id, .user = "bob", .role = Role::member}));
  EXPECT_THAT(steps[1].changes, ElementsAre(wire::MemberPut{.room = id, .user = "bob", .banned = true}));
}

TEST_P(RoomStoreContract, a_standing_that_is_so_already_is_no_change) {
  auto id = add_room("lab", "alice").id;
  auto version = *directory().version();
  auto done = rooms().change_member({.room_id = id, .user = "alice", .role = Role::owner});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->version, 0u);
  EXPECT_EQ(done->value.role, Role::owner);
  EXPECT_EQ(directory().version(), version);
}

TEST_P(RoomStoreContract, the_last_owner_can_not_leave_others_behind) {
  auto id = add_room("lab", "alice").id;
  put(id, "bob", Role::moderator);
  auto change = [&](Role role, bool banned) {
    return code_of(rooms().change_member({.room_id = id, .user = "alice", .role = role, .banned = banned}));
  };
  EXPECT_EQ(change(Role::none, false), Errc::permission_denied);
  EXPECT_EQ(change(Role::none, true), Errc::permission_denied);
  EXPECT_EQ(change(Role::member, false), Errc::permission_denied);
  EXPECT_EQ(rooms().member(id, "alice")->role, Role::owner);
  put(id, "bob", Role::owner);
  EXPECT_EQ(change(Role::member, false), std::nullopt);
}

TEST_P(RoomStoreContract, the_last_of_all_may_leave_but_not_step_down) {
  auto id = add_room("lab", "alice").id;
  EXPECT_EQ(code_of(rooms().change_member({.room_id = id, .user = "alice", .role = Role::member})),
            Errc::permission_denied);
  put(id, "alice", Role::none);
  EXPECT_EQ(rooms().get(id)->members, 0u);
}

TEST_P(RoomStoreContract, nobody_unknown_becomes_a_member) {
  auto id = add_room("lab", "alice").id;
  EXPECT_EQ(code_of(rooms().change_member({.room_id = id, .user = "zoe", .role = Role::member})),
            Errc::not_found);
  EXPECT_EQ(code_of(rooms().change_member({.room_id = id, .user = "Bob", .role = Role::member})),
            Errc::not_found);
  EXPECT_EQ(code_of(rooms().change_member({.room_id = id + 1, .user = "bob", .role = Role::member})),
            Errc::not_found);
}

TEST_P(RoomStoreContract, lists_are_in_order_of_names_and_go_on_after_one) {
  for (const char* name : {"c", "a", "B", "d"}) add_room(name, "alice");
  auto hidden = add_room("hidden", "bob").id;
  ASSERT_TRUE(rooms().update(hidden, {.is_public = true}));
  put(hidden, "carol", Role::reader);
  EXPECT_THAT(names({.user = "alice", .after = ""}), ElementsAre("B", "a", "c", "d"));
  EXPECT_THAT(names({.user = "alice", .after = "a", .limit = 1}), ElementsAre("c"));
  EXPECT_THAT(names({.user = "alice", .after = "d"}), IsEmpty());
  EXPECT_THAT(names({.which = RoomQuery::Which::all_public, .user = "alice", .after = ""}),
              ElementsAre("hidden"));
  EXPECT_THAT(names({.which = RoomQuery::Which::all, .user = "alice", .after = ""}),
              ElementsAre("B", "a", "c", "d", "hidden"));
  auto of_carol = rooms().list({.user = "carol", .after = ""});
  ASSERT_EQ(of_carol->size(), 1u);
  EXPECT_EQ(of_carol->front().role, Role::reader);
  EXPECT_EQ(rooms().list({.which = RoomQuery::Which::all_public, .user = "alice", .after = ""})->front().role,
            Role::none);
}

TEST_P(RoomStoreContract, members_are_listed_in_order_of_names) {
  auto id = add_room("lab", "bob").id;
  put(id, "carol", Role::reader);
  put(id, "alice", Role::member);
  EXPECT_THAT(members({.room_id = id, .after = ""}), ElementsAre("alice", "bob", "carol"));
  EXPECT_THAT(members({.room_id = id, .after = "alice", .limit = 1}), ElementsAre("bob"));
}

TEST_P(RoomStoreContract, rooms_are_counted) {
  EXPECT_EQ(rooms().count(), 0u);
  auto id = add_room("lab", "bob").id;
  add_room("hall", "bob");
  ASSERT_TRUE(rooms().erase(id));
  EXPECT_EQ(rooms().count(), 1u);
}

TEST_P(RoomStoreContract, public_rooms_are_searched_by_name_and_title_whatever_the_case) {
  auto make = [&](const std::string& name, const std::string& title, bool open = true) {
    ASSERT_TRUE(rooms().create(
        {.name = name, .title = title, .is_public = open, .members = {{"alice", Role::owner}}}));
  };
  make("Astro-Club", "Sterne über München");
  make("cooking", "");
  make("hidden-club", "", false);
  auto found = [&](const std::string& text, const std::string& after = "") {
    return names({.which = RoomQuery::Which::all_public, .user = "bob", .after = after, .text = text});
  };
  EXPECT_THAT(found("CLUB"), ElementsAre("Astro-Club"));
  EXPECT_THAT(found("ÜBER mü"), ElementsAre("Astro-Club"));
  EXPECT_THAT(found(""), ElementsAre("Astro-Club", "cooking"));
  EXPECT_THAT(found("o", "Astro-Club"), ElementsAre("cooking"));
  EXPECT_THAT(found("%"), IsEmpty());
  EXPECT_THAT(found("clubsterne"), IsEmpty());
  ASSERT_TRUE(rooms().update(rooms().find("cooking")->id, {.title = "Kochclub"}));
  EXPECT_THAT(found("club"), ElementsAre("Astro-Club", "cooking"));
}

TEST_P(RoomStoreContract, slow_mode_is_the_brokers_to_know) {
  auto room = add_room("lab", "alice");
  auto done = rooms().update(room.id, {.slow_s = 30});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->value.slow_s, 30u);
  EXPECT_EQ(rooms().get(room.id)->slow_s, 30u);
  wire::RoomPut put{.id = room.id, .name = "lab", .epoch = room.epoch, .slow_s = 30};
  EXPECT_THAT(steps_after(done->version - 1)[0].changes, ElementsAre(put));
  EXPECT_THAT(snapshot(), testing::Contains(wire::DirectoryChange(put)));
  EXPECT_EQ(rooms().update(room.id, {.slow_s = 30})->version, 0u);
  EXPECT_EQ(rooms().update(room.id, {.title = "T"})->value.slow_s, 30u);
}

TEST_P(RoomStoreContract, a_mute_stays_through_roles_leaving_and_coming_back) {
  auto id = add_room("lab", "alice").id;
  put(id, "bob", Role::member);
  auto end = clock_.wall() + std::chrono::minutes(5);
  auto done = rooms().change_member({.room_id = id, .user = "bob", .role = Role::member, .muted_until = end});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->value.muted_until, end);
  wire::MutePut put_mute{.room = id, .user = "bob", .until_ms = to_ms(end)};
  EXPECT_THAT(steps_after(done->version - 1)[0].changes, ElementsAre(put_mute));
  EXPECT_THAT(snapshot(), testing::Contains(wire::DirectoryChange(put_mute)));
  EXPECT_EQ(put(id, "bob", Role::reader).muted_until, end);
  put(id, "bob", Role::none);
  EXPECT_EQ(rooms().member(id, "bob")->muted_until, end);
  put(id, "bob", Role::member);
  auto members = rooms().members({.room_id = id, .after = ""});
  EXPECT_EQ(members->at(1).muted_until, end);
  EXPECT_EQ(members->at(0).muted_until, WallTime{});
  auto lifted =
      rooms().change_member({.room_id = id, .user = "bob", .role = Role::member, .muted_until = WallTime{}});
  ASSERT_TRUE(lifted);
  EXPECT_THAT(steps_after(lifted->version - 1)[0].changes,
              ElementsAre(wire::MutePut{.room = id, .user = "bob"}));
  EXPECT_EQ(rooms().member(id, "bob")->muted_until, WallTime{});
}

TEST_P(RoomStoreContract, mutes_that_have_ended_go_with_the_next) {
  auto id = add_room("lab", "alice").id;
  auto mute = [&](const std::string& user) {
    return rooms().change_member({.room_id = id,
                                  .user = user,
                                  .role = Role::member,
                                  .muted_until = clock_.wall() + std::chrono::minutes(5)});
  };
  ASSERT_TRUE(mute("bob"));
  clock_.advance(std::chrono::minutes(5));
  auto done = mute("carol");
  ASSERT_TRUE(done);
  auto end = to_ms(clock_.wall() + std::chrono::minutes(5));
  EXPECT_THAT(steps_after(done->version - 1)[0].changes,
              ElementsAre(wire::MemberPut{.room = id, .user = "carol", .role = Role::member},
                          wire::MutePut{.room = id, .user = "bob"},
                          wire::MutePut{.room = id, .user = "carol", .until_ms = end}));
  EXPECT_EQ(rooms().member(id, "bob")->muted_until, WallTime{});
  ASSERT_TRUE(rooms().erase(id));
  EXPECT_EQ(rooms().member(id, "carol")->muted_until, WallTime{});
}

INSTANTIATE_TEST_SUITE_P(Stores, RoomStoreContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
