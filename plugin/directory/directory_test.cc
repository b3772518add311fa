#include "plugin/directory/directory.h"

#include <gmock/gmock.h>

#include "plugin/directory/test_world.h"

namespace parley::plugin {
namespace {

using testing::apply;
using testing::digest;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kick_token;
using testing::kick_user;
using testing::refusal;
using testing::verifier;
using Reason = Effect::Reason;
using wire::MemberPut;
using wire::Role;
using wire::RoomDrop;
using wire::RoomPut;
using wire::TokenDrop;
using wire::TokenPut;
using wire::UserPut;

const std::string kLongName = "someone.with-a-name-of-sixty-four-characters@example.com-and-mor";

RoomPut lab(std::uint64_t id = 1) {
  return {id, "lab", wire::RoomKind::group, "k3x97q2m", 5};
}

class DirectoryOfTwo : public ::testing::Test {
 protected:
  DirectoryOfTwo() {
    apply(d, UserPut{"alice"});
    apply(d, UserPut{"bob"});
    apply(d, lab());
  }
  Standing standing(std::string_view user, std::string_view room) {
    return d.standing(d.find_user(user)->ref, d.find_room(room)->ref);
  }
  Directory d;
};

TEST_F(DirectoryOfTwo, a_name_in_other_case_is_taken_but_not_found) {
  EXPECT_EQ(d.find_user("alice")->name, "alice");
  EXPECT_FALSE(d.find_user("ALICE"));
  EXPECT_TRUE(d.name_taken("ALICE"));
  EXPECT_EQ(d.find_user_any_case("ALICE")->name, "alice");
  EXPECT_FALSE(d.name_taken("carol"));
  EXPECT_EQ(d.find_room("lab")->id, 1u);
  EXPECT_FALSE(d.find_room("Lab"));
  EXPECT_TRUE(d.room_name_taken("Lab"));
  EXPECT_EQ(refusal(d, UserPut{"Alice"}), Errc::already_exists);
  EXPECT_EQ(refusal(d, RoomPut{2, "LAB", wire::RoomKind::group, "e", 0}), Errc::already_exists);
}

TEST_F(DirectoryOfTwo, any_bytes_may_be_asked_for) {
  for (const std::string& name :
       {std::string(), std::string(70'000, 'a'), std::string("al\0ice", 6), std::string("\xff")}) {
    EXPECT_FALSE(d.find_user(name));
    EXPECT_FALSE(d.find_room(name));
    EXPECT_FALSE(d.find_token(name));
  }
}

TEST_F(DirectoryOfTwo, long_names_and_epochs_are_kept) {
  apply(d, UserPut{kLongName, true});
  apply(d, RoomPut{9, kLongName, wire::RoomKind::channel, "an-epoch-of-more-than-14-chars", 7});
  EXPECT_EQ(d.find_user(kLongName)->name, kLongName);
  EXPECT_TRUE(d.find_user(kLongName)->admin);
  const auto room = d.find_room(kLongName);
  EXPECT_EQ(room->epoch, "an-epoch-of-more-than-14-chars");
  EXPECT_EQ(room->kind, wire::RoomKind::channel);
  EXPECT_EQ(room->last_seq, 7u);
}

TEST_F(DirectoryOfTwo, roles_and_bans_are_per_room_and_user) {
  apply(d, MemberPut{1, "alice", Role::owner});
  apply(d, MemberPut{1, "bob", Role::none, true});
  EXPECT_EQ(standing("alice", "lab"), (Standing{Role::owner, false}));
  EXPECT_EQ(standing("bob", "lab"), (Standing{Role::none, true}));
  EXPECT_EQ(d.find_room("lab")->members, 1u);
  EXPECT_EQ(d.role(kNoUser, d.find_room("lab")->ref), Role::none);
}

TEST_F(DirectoryOfTwo, whoever_loses_a_room_is_kicked) {
  EXPECT_THAT(apply(d, MemberPut{1, "bob", Role::member}), IsEmpty());
  EXPECT_THAT(apply(d, MemberPut{1, "bob", Role::reader}), IsEmpty());
  EXPECT_THAT(apply(d, MemberPut{1, "bob"}), ElementsAre(kick_user(Reason::removed, "bob")));
  EXPECT_THAT(apply(d, MemberPut{1, "bob"}), IsEmpty());
  EXPECT_EQ(d.find_room("lab")->members, 0u);
  EXPECT_THAT(apply(d, MemberPut{1, "bob", Role::none, true}), ElementsAre(kick_user(Reason::banned, "bob")));
  EXPECT_THAT(apply(d, MemberPut{1, "bob", Role::none, true}), IsEmpty());
  EXPECT_THAT(apply(d, MemberPut{1, "bob"}), IsEmpty());
}

TEST_F(DirectoryOfTwo, whoever_is_disabled_or_has_another_password_or_is_no_administrator_now_is_kicked) {
  EXPECT_THAT(apply(d, UserPut{"bob", true, false, verifier("1")}), IsEmpty());
  EXPECT_THAT(apply(d, UserPut{"bob", true, false, verifier("1")}), IsEmpty());
  EXPECT_THAT(apply(d, UserPut{"bob", true, false, verifier("2")}),
              ElementsAre(kick_user(Reason::password_changed, "bob")));
  EXPECT_THAT(apply(d, UserPut{"bob", false, false, verifier("2")}),
              ElementsAre(kick_user(Reason::admin_lost, "bob")));
  EXPECT_THAT(apply(d, UserPut{"bob", false, true, verifier("2")}),
              ElementsAre(kick_user(Reason::disabled, "bob")));
  EXPECT_TRUE(d.find_user("bob")->disabled);
  EXPECT_THAT(apply(d, UserPut{"bob", false, false, ""}),
              ElementsAre(kick_user(Reason::password_changed, "bob")));
  EXPECT_EQ(d.scram(d.find_user("bob")->ref), "");
  EXPECT_EQ(d.user_count(), 2u);
}

TEST_F(DirectoryOfTwo, tokens_are_found_by_secret_and_their_sessions_end_with_them) {
  apply(d, TokenPut{"t1", "alice", digest("x"), 99});
  const auto token = d.find_token(digest("x"));
  EXPECT_EQ(token->id, "t1");
  EXPECT_EQ(token->user_name, "alice");
  EXPECT_EQ(token->expires_ms, 99);
  EXPECT_EQ(refusal(d, TokenPut{"t2", "bob", digest("x")}), Errc::already_exists);
  EXPECT_THAT(apply(d, TokenPut{"t1", "alice", digest("x"), 99}), IsEmpty());
  EXPECT_THAT(apply(d, TokenPut{"t1", "alice", digest("y"), 99}),
              ElementsAre(kick_token(Reason::token_changed, "t1")));
  EXPECT_FALSE(d.find_token(digest("x")));
  EXPECT_THAT(apply(d, TokenDrop{"t1"}), ElementsAre(kick_token(Reason::gone, "t1")));
  EXPECT_THAT(apply(d, TokenDrop{"t1"}), IsEmpty());
  EXPECT_FALSE(d.find_token(digest("y")));
  EXPECT_EQ(d.token_count(), 0u);
}

TEST_F(DirectoryOfTwo, a_new_room_of_a_dropped_ones_name_has_none_of_its_members) {
  apply(d, MemberPut{1, "alice", Role::owner});
  const RoomRef old = d.find_room("lab")->ref;
  EXPECT_THAT(apply(d, RoomDrop{1}), IsEmpty());
  EXPECT_FALSE(d.find_room("lab"));
  EXPECT_FALSE(d.room_name_taken("lab"));
  apply(d, lab(2));
  EXPECT_NE(d.find_room("lab")->ref, old);
  EXPECT_EQ(standing("alice", "lab"), Standing{});
  EXPECT_EQ(d.find_room("lab")->members, 0u);
  d.for_each_member([](UserRef, RoomRef, Standing) { ADD_FAILURE() << "a membership outlived its room"; });
}

TEST_F(DirectoryOfTwo, a_renamed_room_keeps_its_members_and_frees_its_name) {
  apply(d, MemberPut{1, "alice", Role::owner});
  apply(d, RoomPut{1, "den", wire::RoomKind::group, "e", 9});
  EXPECT_FALSE(d.find_room("lab"));
  EXPECT_EQ(standing("alice", "den").role, Role::owner);
  apply(d, lab(2));
  apply(d, RoomPut{1, "DEN", wire::RoomKind::group, "e", 9});
  EXPECT_EQ(d.find_room("DEN")->id, 1u);
  EXPECT_FALSE(d.find_room("den"));
}

TEST_F(DirectoryOfTwo, memberships_of_dropped_rooms_do_not_pile_up) {
  for (std::uint64_t id = 2; id < 200; ++id) {
    apply(d, RoomPut{id, "room", wire::RoomKind::group, "e", 0});
    for (int i = 0; i < 500; ++i) {
      if (id == 2) apply(d, UserPut{"user" + std::to_string(i)});
      apply(d, MemberPut{id, "user" + std::to_string(i), Role::member});
    }
    apply(d, RoomDrop{id});
  }
  // 99,000 memberships came and went; kept, they would take 8 bytes each and more.
  const Directory empty;
  EXPECT_LT(d.memory_bytes() - empty.memory_bytes(), 600'000u);
}

TEST_F(DirectoryOfTwo, what_names_nothing_or_is_not_legal_is_refused) {
  const auto wrong = Errc::invalid_argument;
  EXPECT_EQ(refusal(d, UserPut{"no name"}), wrong);
  EXPECT_EQ(refusal(d, UserPut{"carol", false, false, "secret"}), wrong);
  EXPECT_EQ(refusal(d, TokenPut{"", "alice", digest("x")}), wrong);
  EXPECT_EQ(refusal(d, TokenPut{"t", "alice", "short"}), wrong);
  EXPECT_EQ(refusal(d, TokenPut{"t", "Alice", digest("x")}), wrong);
  EXPECT_EQ(refusal(d, RoomPut{0, "x", wire::RoomKind::group, "e", 0}), wrong);
  EXPECT_EQ(refusal(d, RoomPut{2, "x/y", wire::RoomKind::group, "e", 0}), wrong);
  EXPECT_EQ(refusal(d, RoomPut{2, "x", wire::RoomKind::group, "", 0}), wrong);
  EXPECT_EQ(refusal(d, MemberPut{2, "alice", Role::member}), wrong);
  EXPECT_EQ(refusal(d, MemberPut{1, "carol", Role::member}), wrong);
  EXPECT_EQ(refusal(d, MemberPut{1, "alice", Role::member, true}), wrong);
  EXPECT_THAT(apply(d, MemberPut{2, "carol"}), IsEmpty()) << "who is not there needs no removing";
}

TEST_F(DirectoryOfTwo, check_sees_each_change_after_those_before_it) {
  const auto code = [&](testing::Changes changes) {
    const auto ok = d.check(changes);
    return ok ? std::optional<Errc>() : ok.error().code;
  };
  EXPECT_EQ(code({UserPut{"carol"}, MemberPut{1, "carol", Role::member}}), std::nullopt);
  EXPECT_EQ(code({MemberPut{1, "carol", Role::member}, UserPut{"carol"}}), Errc::invalid_argument);
  EXPECT_EQ(code({UserPut{"carol"}, UserPut{"Carol"}}), Errc::already_exists);
  EXPECT_EQ(code({RoomDrop{1}, lab(2)}), std::nullopt);
  EXPECT_EQ(code({lab(2), RoomDrop{1}}), Errc::already_exists);
  EXPECT_EQ(code({RoomDrop{1}, MemberPut{1, "bob", Role::member}}), Errc::invalid_argument);
  EXPECT_EQ(code({RoomPut{1, "den", wire::RoomKind::group, "e", 0}, lab(2)}), std::nullopt);
  EXPECT_EQ(code({lab(1), lab(2)}), Errc::already_exists);
  EXPECT_EQ(code({TokenPut{"a", "bob", digest("x")}, TokenPut{"b", "bob", digest("x")}}),
            Errc::already_exists);
  EXPECT_EQ(code({TokenPut{"a", "bob", digest("x")}, TokenDrop{"a"}, TokenPut{"b", "bob", digest("x")}}),
            std::nullopt);
  EXPECT_EQ(code({}), std::nullopt);
  EXPECT_EQ(d.user_count(), 2u) << "nothing was done";
}

TEST_F(DirectoryOfTwo, a_provisional_user_is_in_no_room_and_becomes_an_account) {
  EXPECT_TRUE(d.add_provisional("zoe"));
  EXPECT_TRUE(d.add_provisional("zoe"));
  EXPECT_TRUE(d.find_user("zoe")->provisional);
  EXPECT_FALSE(d.find_user("Zoe"));
  EXPECT_TRUE(d.name_taken("Zoe"));
  EXPECT_EQ(d.add_provisional("Zoe").error().code, Errc::already_exists);
  EXPECT_EQ(d.add_provisional("ALICE").error().code, Errc::already_exists);
  EXPECT_EQ(d.add_provisional("z e").error().code, Errc::invalid_argument);
  EXPECT_EQ(refusal(d, MemberPut{1, "zoe", Role::member}), Errc::invalid_argument);
  EXPECT_THAT(apply(d, MemberPut{1, "zoe"}), IsEmpty());
  EXPECT_THAT(apply(d, UserPut{"zoe"}), IsEmpty());
  EXPECT_FALSE(d.find_user("zoe")->provisional);
  EXPECT_EQ(d.provisional_count(), 0u);
  apply(d, MemberPut{1, "zoe", Role::member});
}

TEST_F(DirectoryOfTwo, a_provisional_user_gives_way_to_an_account_spelled_otherwise) {
  EXPECT_TRUE(d.add_provisional("Zoe"));
  EXPECT_THAT(apply(d, UserPut{"zoe"}), ElementsAre(kick_user(Reason::gone, "Zoe")));
  EXPECT_FALSE(d.find_user("Zoe"));
}

TEST(Directory, provisional_users_are_bounded) {
  Directory d(2);
  EXPECT_TRUE(d.add_provisional("a"));
  EXPECT_TRUE(d.add_provisional("b"));
  EXPECT_EQ(d.add_provisional("c").error().code, Errc::unavailable);
  d.remove_provisional("A");
  EXPECT_TRUE(d.add_provisional("c"));
}

TEST(Directory, provisional_users_go_over_to_a_new_one_unless_the_name_is_taken_there) {
  Directory old, fresh;
  for (const char* name : {"zoe", "yan", "Xi"}) EXPECT_TRUE(old.add_provisional(name));
  apply(fresh, UserPut{"yan"});
  apply(fresh, UserPut{"xi"});
  Effects effects;
  fresh.take_provisional(old, effects);
  EXPECT_THAT(effects, ElementsAre(kick_user(Reason::gone, "Xi")));
  EXPECT_TRUE(fresh.find_user("zoe")->provisional);
  EXPECT_EQ(fresh.provisional_count(), 1u);
}

}  // namespace
}  // namespace parley::plugin
