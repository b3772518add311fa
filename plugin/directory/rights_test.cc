#include "plugin/directory/rights.h"

#include <gmock/gmock.h>

#include "plugin/directory/test_world.h"

namespace parley::plugin {
namespace {

using testing::digest;
using ::testing::IsEmpty;
using testing::kick_token;
using testing::kick_user;
using ::testing::UnorderedElementsAre;
using testing::verifier;
using Reason = Effect::Reason;
using wire::MemberPut;
using wire::Role;
using wire::RoomPut;
using wire::TokenPut;
using wire::UserPut;

const testing::Changes kBefore{UserPut{"alice", true, false, verifier("a")},
                               UserPut{"bob"},
                               UserPut{"carol"},
                               UserPut{"dave", false, true},
                               RoomPut{1, "lab", wire::RoomKind::group, "e", 0},
                               RoomPut{2, "den", wire::RoomKind::group, "e", 0},
                               MemberPut{1, "alice", Role::owner},
                               MemberPut{1, "bob", Role::member},
                               MemberPut{2, "bob", Role::member},
                               MemberPut{2, "carol", Role::none, true},
                               TokenPut{"t", "bob", digest("x")}};

Effects lost(const testing::Changes& after) {
  Directory a, b;
  for (const auto& change : kBefore) testing::apply(a, change);
  for (const auto& change : after) testing::apply(b, change);
  return rights_lost(a, b);
}

testing::Changes with(const wire::DirectoryChange& change) {
  testing::Changes all = kBefore;
  all.push_back(change);
  return all;
}

TEST(RightsLost, nothing_when_nothing_changed_or_only_grew) {
  EXPECT_THAT(lost(kBefore), IsEmpty());
  EXPECT_THAT(lost(with(MemberPut{2, "alice", Role::owner})), IsEmpty());
  EXPECT_THAT(lost(with(MemberPut{2, "carol"})), IsEmpty());
  EXPECT_THAT(lost(with(UserPut{"dave"})), IsEmpty());
  EXPECT_THAT(lost(with(RoomPut{1, "workshop", wire::RoomKind::group, "e", 0})), IsEmpty());
}

TEST(RightsLost, everyone_when_all_is_gone) {
  EXPECT_THAT(lost({}), UnorderedElementsAre(kick_user(Reason::gone, "alice"), kick_user(Reason::gone, "bob"),
                                             kick_user(Reason::gone, "carol"),
                                             kick_user(Reason::gone, "dave"), kick_token(Reason::gone, "t")));
}

TEST(RightsLost, by_account) {
  EXPECT_THAT(lost(with(UserPut{"bob", false, true})),
              UnorderedElementsAre(kick_user(Reason::disabled, "bob")));
  EXPECT_THAT(lost(with(UserPut{"alice", false, false, verifier("a")})),
              UnorderedElementsAre(kick_user(Reason::admin_lost, "alice")));
  EXPECT_THAT(lost(with(UserPut{"alice", true, false, verifier("b")})),
              UnorderedElementsAre(kick_user(Reason::password_changed, "alice")));
  EXPECT_THAT(lost(with(TokenPut{"t", "carol", digest("x")})),
              UnorderedElementsAre(kick_token(Reason::token_changed, "t")));
}

TEST(RightsLost, by_room_once_a_user) {
  EXPECT_THAT(lost(with(MemberPut{1, "bob"})), UnorderedElementsAre(kick_user(Reason::removed, "bob")));
  EXPECT_THAT(lost(with(MemberPut{1, "bob", Role::none, true})),
              UnorderedElementsAre(kick_user(Reason::banned, "bob")));
  EXPECT_THAT(lost(with(wire::RoomDrop{2})), UnorderedElementsAre(kick_user(Reason::removed, "bob")));
  auto both = with(MemberPut{1, "bob"});
  both.push_back(MemberPut{2, "bob"});
  EXPECT_THAT(lost(both), UnorderedElementsAre(kick_user(Reason::removed, "bob")));
}

}  // namespace
}  // namespace parley::plugin
