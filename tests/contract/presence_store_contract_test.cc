#include <gmock/gmock.h>

#include "tests/contract/store_contract.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using enum PresenceStatus;

class PresenceStoreContract : public StoreContract {
 protected:
  static PresenceRow row(std::string user, PresenceStatus status, std::int64_t last_seen,
                         bool invisible = false) {
    return {std::move(user), status, from_ms(last_seen), invisible};
  }
  void put(std::initializer_list<PresenceRow> rows) {
    auto done = presence().put(std::vector(rows));
    ASSERT_TRUE(done) << done.error().message;
  }
  std::vector<PresenceRow> get(std::vector<std::string> users) { return *presence().get(users); }
  void add_member(std::uint64_t room, const std::string& user, bool banned = false) {
    add_user(user);
    auto role = banned ? wire::Role::none : wire::Role::member;
    ASSERT_TRUE(rooms().change_member({.room_id = room, .user = user, .role = role, .banned = banned}));
  }
};

TEST_P(PresenceStoreContract, what_was_put_is_there_after_a_restart_until_something_newer_is) {
  put({row("alice", online, 10), row("bob", away, 20)});
  put({row("bob", offline, 30)});
  reopen();
  EXPECT_THAT(get({"alice", "bob", "zoe"}),
              UnorderedElementsAre(row("alice", online, 10), row("bob", offline, 30)));
  EXPECT_THAT(get({}), IsEmpty());
  put({});
}

TEST_P(PresenceStoreContract, invisibility_stays_whatever_status_is_put) {
  ASSERT_TRUE(presence().set_invisible("alice", true));
  EXPECT_THAT(get({"alice"}), ElementsAre(row("alice", offline, 0, true)));
  put({row("alice", offline, 10)});
  EXPECT_THAT(get({"alice"}), ElementsAre(row("alice", offline, 10, true)));
  ASSERT_TRUE(presence().set_invisible("alice", false));
  EXPECT_THAT(get({"alice"}), ElementsAre(row("alice", offline, 10)));
}

TEST_P(PresenceStoreContract, those_to_be_watched_come_in_pages_by_name) {
  put({row("alice", online, 10), row("bob", offline, 20), row("Carol", away, 30), row("dave", offline, 40)});
  ASSERT_TRUE(presence().set_invisible("dave", true));
  EXPECT_THAT(*presence().watched("", 2), ElementsAre(row("Carol", away, 30), row("alice", online, 10)));
  EXPECT_THAT(*presence().watched("alice", 2), ElementsAre(row("dave", offline, 40, true)));
  EXPECT_THAT(*presence().watched("dave", 2), IsEmpty());
}

TEST_P(PresenceStoreContract, a_room_shows_its_members_and_nobody_else) {
  auto lab = add_room("lab", "alice"), hall = add_room("hall", "zoe");
  add_member(lab.id, "bob");
  add_member(lab.id, "carol");
  add_member(lab.id, "dave", true);
  put({row("alice", online, 10), row("bob", away, 20), row("dave", online, 30), row("zoe", online, 40)});
  EXPECT_THAT(*presence().of_room(lab.id, "", 10),
              ElementsAre(row("alice", online, 10), row("bob", away, 20), row("carol", offline, 0)));
  EXPECT_THAT(*presence().of_room(lab.id, "alice", 1), ElementsAre(row("bob", away, 20)));
  EXPECT_EQ(*presence().counts(lab.id), (PresenceCounts{.online = 1, .away = 1}));
  EXPECT_EQ(*presence().counts(hall.id), (PresenceCounts{.online = 1, .away = 0}));
  EXPECT_EQ(*presence().counts(12345), PresenceCounts{});
}

TEST_P(PresenceStoreContract, those_know_each_other_who_are_members_of_one_room) {
  auto lab = add_room("lab", "alice");
  add_room("hall", "zoe");
  add_member(lab.id, "bob");
  add_member(lab.id, "dave", true);
  EXPECT_TRUE(*presence().share_a_room("alice", "bob"));
  EXPECT_TRUE(*presence().share_a_room("bob", "alice"));
  EXPECT_FALSE(*presence().share_a_room("alice", "zoe"));
  EXPECT_FALSE(*presence().share_a_room("alice", "dave"));
  EXPECT_FALSE(*presence().share_a_room("alice", "nobody"));
  ASSERT_TRUE(rooms().erase(lab.id));
  EXPECT_FALSE(*presence().share_a_room("alice", "bob"));
}

TEST_P(PresenceStoreContract, it_remembers_when_somebody_last_watched) {
  EXPECT_EQ(*presence().watched_at(), WallTime{});
  ASSERT_TRUE(presence().set_watched_at(from_ms(17)));
  reopen();
  EXPECT_EQ(*presence().watched_at(), from_ms(17));
}

INSTANTIATE_TEST_SUITE_P(Stores, PresenceStoreContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
