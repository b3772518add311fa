#include <gmock/gmock.h>

#include "tests/contract/store_contract.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;
using wire::Role;

class DirectoryLogContract : public StoreContract {
 protected:
  // A change with an entry for its room.
  std::uint64_t add_member(std::uint64_t room, const std::string& user) {
    add_user(user);
    auto done =
        rooms().change_member({.room_id = room,
                               .user = user,
                               .role = Role::member,
                               .entries = {{"alice", "owner", "member", R"({"user":")" + user + "\"}"}}});
    EXPECT_TRUE(done) << done.error().message;
    return done->version;
  }
};

TEST_P(DirectoryLogContract, its_id_is_random_and_stays) {
  auto id = *directory().directory_id();
  EXPECT_THAT(id, SizeIs(16));
  reopen();
  EXPECT_EQ(directory().directory_id(), id);
  auto other = GetParam().make();
  EXPECT_NE(other->open(clock_).directory->directory_id(), id);
}

TEST_P(DirectoryLogContract, versions_count_up_from_nothing) {
  EXPECT_EQ(directory().version(), 0u);
  EXPECT_THAT(steps_after(0), IsEmpty());
  add_user("alice");
  add_user("bob");
  EXPECT_EQ(directory().version(), 2u);
  auto steps = steps_after(0);
  ASSERT_THAT(steps, SizeIs(2));
  EXPECT_EQ(steps[0].version, 1u);
  EXPECT_THAT(steps[1].changes, ElementsAre(wire::UserPut{.name = "bob"}));
  EXPECT_THAT(steps_after(1), SizeIs(1));
  EXPECT_THAT(steps_after(2), IsEmpty());
  EXPECT_THAT(steps_after(0, 1), SizeIs(1));
}

TEST_P(DirectoryLogContract, a_version_it_never_had_calls_for_a_snapshot) {
  add_user("alice");
  EXPECT_EQ(code_of(directory().steps_after(2, 10)), Errc::not_found);
}

TEST_P(DirectoryLogContract, the_log_is_bounded) {
  for (std::uint32_t i = 0; i < 2 * kStepsKept; ++i) add_user("u" + std::to_string(i));
  EXPECT_EQ(code_of(directory().steps_after(0, 10)), Errc::not_found);
  EXPECT_EQ(code_of(directory().steps_after(kStepsKept - 10, 10)), Errc::not_found);
  EXPECT_THAT(steps_after(kStepsKept + 5), SizeIs(kStepsKept - 5));
}

TEST_P(DirectoryLogContract, entries_stay_until_confirmed) {
  auto room = add_room("lab", "alice").id;
  auto first = add_member(room, "bob");
  auto second = add_member(room, "carol");
  auto pending = directory().unconfirmed_entries(10);
  ASSERT_THAT(*pending, SizeIs(2));
  EXPECT_EQ((*pending)[0].version, first);
  EXPECT_THAT((*pending)[0].entries[0].ref, StartsWith("d" + std::to_string(first) + "."));
  EXPECT_THAT(*directory().unconfirmed_entries(1), SizeIs(1));
  ASSERT_TRUE(directory().entries_confirmed(first));
  reopen();
  pending = directory().unconfirmed_entries(10);
  ASSERT_THAT(*pending, SizeIs(1));
  EXPECT_EQ(pending->front().version, second);
  EXPECT_THAT(steps_after(first - 1)[0].entries, IsEmpty());
  EXPECT_THAT(steps_after(first - 1)[0].changes, SizeIs(1));
}

TEST_P(DirectoryLogContract, when_a_copy_put_back_makes_a_version_again_its_entries_have_other_refs) {
  auto version_and_ref = [this] {
    auto version = add_member(add_room("lab", "alice").id, "bob");
    return std::pair(version, steps_after(version - 1)[0].entries[0].ref);
  };
  auto [version, ref] = version_and_ref();
  stores_ = {};
  backend_ = GetParam().make();
  stores_ = backend_->open(clock_);
  auto [same_version, other_ref] = version_and_ref();
  EXPECT_EQ(same_version, version);
  EXPECT_NE(other_ref, ref);
}

TEST_P(DirectoryLogContract, unconfirmed_entries_outlive_the_bound) {
  auto room = add_room("lab", "alice").id;
  auto version = add_member(room, "bob");
  for (std::uint32_t i = 0; i < 2 * kStepsKept; ++i) add_user("u" + std::to_string(i));
  EXPECT_EQ(code_of(directory().steps_after(version - 1, 10)), Errc::not_found);
  auto pending = directory().unconfirmed_entries(10);
  ASSERT_THAT(*pending, SizeIs(1));
  EXPECT_EQ(pending->front().version, version);
}

TEST_P(DirectoryLogContract, a_snapshot_is_the_whole_directory) {
  auto room = add_room("lab", "alice");
  add_member(room.id, "bob");
  add_user("carol");
  ASSERT_TRUE(rooms().change_member({.room_id = room.id, .user = "carol", .banned = true}));
  ASSERT_TRUE(users().create_token({.id = "T", .user = "bob", .label = "", .sha256 = std::string(32, 's')}));
  ASSERT_TRUE(rooms().erase(add_room("gone", "alice").id));
  ASSERT_TRUE(messages().store(1, 0, 10, Records().add_range(room.id, 1, 4).span()));
  EXPECT_THAT(snapshot(),
              ElementsAre(wire::UserPut{.name = "alice"}, wire::UserPut{.name = "bob"},
                          wire::UserPut{.name = "carol"},
                          wire::TokenPut{.id = "T", .user = "bob", .sha256 = std::string(32, 's')},
                          wire::RoomPut{.id = room.id, .name = "lab", .epoch = room.epoch, .last_seq = 4},
                          wire::MemberPut{.room = room.id, .user = "alice", .role = Role::owner},
                          wire::MemberPut{.room = room.id, .user = "bob", .role = Role::member},
                          wire::MemberPut{.room = room.id, .user = "carol", .banned = true}));
}

TEST_P(DirectoryLogContract, a_snapshot_stops_with_its_sink) {
  for (int i = 0; i < 5; ++i) add_user("u" + std::to_string(i));
  int parts = 0;
  auto stopped = directory().snapshot(1, [&](auto) -> Result<> {
    return ++parts == 2 ? Result<>(fail(Errc::unavailable, "away")) : Result<>();
  });
  EXPECT_EQ(code_of(stopped), Errc::unavailable);
  EXPECT_EQ(parts, 2);
}

TEST_P(DirectoryLogContract, a_snapshot_does_not_see_what_comes_meanwhile) {
  add_user("alice");
  add_user("bob");
  std::size_t seen = 0;
  auto version = directory().snapshot(1, [&](auto part) -> Result<> {
    seen += part.size();
    add_user("late" + std::to_string(seen));
    return {};
  });
  EXPECT_EQ(version, 2u);
  EXPECT_EQ(seen, 2u);
  EXPECT_EQ(directory().version(), 4u);
}

TEST_P(DirectoryLogContract, renewed_epochs_differ_and_call_for_a_snapshot) {
  auto lab = add_room("lab", "alice");
  auto hall = add_room("hall", "alice");
  add_member(lab.id, "bob");
  auto version = *directory().version();
  EXPECT_EQ(directory().renew_epochs(), 2u);
  EXPECT_EQ(directory().version(), version + 1);
  EXPECT_NE(rooms().get(lab.id)->epoch, lab.epoch);
  EXPECT_NE(rooms().get(hall.id)->epoch, hall.epoch);
  EXPECT_NE(rooms().get(hall.id)->epoch, rooms().get(lab.id)->epoch);
  EXPECT_EQ(code_of(directory().steps_after(version, 10)), Errc::not_found);
  EXPECT_THAT(steps_after(version + 1), IsEmpty());
  EXPECT_THAT(*directory().unconfirmed_entries(10), SizeIs(1));
  add_user("carol");
  EXPECT_THAT(steps_after(version + 1), SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(Stores, DirectoryLogContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
