#include <gmock/gmock.h>

#include <random>

#include "tests/contract/store_contract.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using What = MarkOutcome::What;
using wire::Role;

// Room lab with alice, its owner, and bob; five messages are stored, all of them before bob joined.
class MarkStoreContract : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    if (IsSkipped()) return;
    lab_ = add_room("lab", "alice").id;
    ASSERT_TRUE(messages().begin(1, "journal-a", std::nullopt));
    store(1, 5);
    add_user("bob");
    put("bob", Role::member);
  }

  void store(std::uint64_t first, std::uint64_t last) {
    auto at = messages().position()->offset;
    ASSERT_TRUE(messages().store(1, at, at + 100, Records().add_range(lab_, first, last).span()));
  }
  Member put(const std::string& user, Role role, bool banned = false) {
    auto done = rooms().change_member({.room_id = lab_, .user = user, .role = role, .banned = banned});
    if (!done) throw std::runtime_error(done.error().message);
    return done->value;
  }
  MarkOutcome raise(const std::string& user, Marks to, bool checked = true) {
    const MarkRaise one{
        .room_id = checked ? 0 : lab_, .room = "lab", .user = user, .to = to, .checked = checked};
    auto outcomes = marks().raise(std::span(&one, 1));
    if (!outcomes) throw std::runtime_error(outcomes.error().message);
    return outcomes->front();
  }
  Marks of(const std::string& user) { return rooms().member(lab_, user)->marks; }
  std::vector<std::string> mentioned(const std::vector<std::string>& keys, std::uint32_t max = 100) {
    return *marks().mentioned(lab_, keys, max);
  }

  std::uint64_t lab_ = 0;
};

TEST_P(MarkStoreContract, whoever_makes_a_room_has_read_nothing_and_whoever_joins_has_read_all_before) {
  EXPECT_EQ(of("alice"), (Marks{0, 0}));
  EXPECT_EQ(of("bob"), (Marks{5, 5}));
  add_user("carol");
  EXPECT_EQ(put("carol", Role::reader).marks, (Marks{5, 5}));
}

TEST_P(MarkStoreContract, marks_rise_and_never_fall) {
  EXPECT_EQ(raise("alice", {.received = 3, .read = 1}), (MarkOutcome{What::raised, {3, 1}}));
  EXPECT_EQ(raise("alice", {.received = 2, .read = 1}), (MarkOutcome{What::unchanged, {3, 1}}));
  EXPECT_EQ(raise("alice", {.received = 0, .read = 2}), (MarkOutcome{What::raised, {3, 2}}));
  EXPECT_EQ(raise("alice", {.received = 0, .read = 4}), (MarkOutcome{What::raised, {4, 4}}));
  reopen();
  EXPECT_EQ(of("alice"), (Marks{4, 4}));
  EXPECT_EQ(of("bob"), (Marks{5, 5}));
}

TEST_P(MarkStoreContract, a_mark_above_the_last_stored_seq_is_kept_when_the_broker_has_checked_it) {
  EXPECT_EQ(raise("alice", {.received = 9, .read = 7}), (MarkOutcome{What::raised, {9, 7}}));
  EXPECT_EQ(of("alice"), (Marks{9, 7}));
}

TEST_P(MarkStoreContract, a_mark_nobody_has_checked_waits_for_its_message) {
  EXPECT_EQ(raise("alice", {.received = 6, .read = 2}, false), (MarkOutcome{What::above_last_seq, {0, 0}}));
  EXPECT_EQ(of("alice"), (Marks{0, 0}));
  store(6, 6);
  EXPECT_EQ(raise("alice", {.received = 6, .read = 2}, false), (MarkOutcome{What::raised, {6, 2}}));
}

TEST_P(MarkStoreContract, several_raises_at_once_are_told_of_in_their_order) {
  const std::vector<MarkRaise> raises{{.room = "lab", .user = "bob", .to = {8, 6}},
                                      {.room = "lab", .user = "zoe", .to = {1, 1}},
                                      {.room_id = lab_, .user = "alice", .to = {2, 2}},
                                      {.room = "hall", .user = "alice", .to = {2, 2}},
                                      {.room = "lab", .user = "bob", .to = {7, 7}}};
  auto outcomes = marks().raise(raises);
  ASSERT_TRUE(outcomes);
  EXPECT_THAT(*outcomes, ElementsAre(MarkOutcome{What::raised, {8, 6}}, MarkOutcome{What::no_member, {}},
                                     MarkOutcome{What::raised, {2, 2}}, MarkOutcome{What::no_member, {}},
                                     MarkOutcome{What::raised, {8, 7}}));
  EXPECT_EQ(of("bob"), (Marks{8, 7}));
  EXPECT_THAT(*marks().raise({}), IsEmpty());
}

TEST_P(MarkStoreContract, marks_end_with_the_membership_and_outlast_a_new_role) {
  raise("bob", {.received = 8, .read = 7});
  EXPECT_EQ(put("bob", Role::moderator).marks, (Marks{8, 7}));
  EXPECT_EQ(of("bob"), (Marks{8, 7}));
  EXPECT_EQ(put("bob", Role::none, true).marks, (Marks{0, 0}));
  EXPECT_EQ(of("bob"), (Marks{0, 0}));
  EXPECT_EQ(raise("bob", {.received = 9, .read = 9}).what, What::no_member);
  put("bob", Role::none);
  EXPECT_EQ(put("bob", Role::member).marks, (Marks{5, 5}));
}

TEST_P(MarkStoreContract, nobody_is_left_in_a_deleted_room) {
  ASSERT_TRUE(rooms().erase(lab_));
  EXPECT_EQ(raise("alice", {.received = 1, .read = 1}).what, What::no_member);
  auto again = add_room("lab", "alice").id;
  const MarkRaise by_name{.room = "lab", .user = "alice", .to = {2, 2}};
  EXPECT_EQ(marks().raise(std::span(&by_name, 1))->front().what, What::raised);
  EXPECT_EQ(rooms().member(again, "alice")->marks, (Marks{2, 2}));
}

TEST_P(MarkStoreContract, a_renewed_epoch_cuts_marks_to_what_is_stored) {
  raise("alice", {.received = 9, .read = 3});
  raise("bob", {.received = 9, .read = 8});
  ASSERT_TRUE(directory().renew_epochs());
  EXPECT_EQ(of("alice"), (Marks{5, 3}));
  EXPECT_EQ(of("bob"), (Marks{5, 5}));
}

TEST_P(MarkStoreContract, lists_tell_marks) {
  raise("alice", {.received = 4, .read = 3});
  auto members = rooms().members({.room_id = lab_, .after = ""});
  ASSERT_EQ(members->size(), 2u);
  EXPECT_EQ((*members)[0].marks, (Marks{4, 3}));
  EXPECT_EQ((*members)[1].marks, (Marks{5, 5}));
  EXPECT_EQ(rooms().list({.user = "alice", .after = ""})->front().marks, (Marks{4, 3}));
  EXPECT_EQ(rooms().list({.which = RoomQuery::Which::all, .user = "zoe", .after = ""})->front().marks,
            Marks{});
}

TEST_P(MarkStoreContract, shuffled_repeated_receipts_end_in_the_same_marks) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  add_user("carol");
  put("carol", Role::member);
  std::vector<MarkRaise> told;
  Marks most{5, 5};
  for (int i = 0; i < 40; ++i) {
    const Marks to{.received = random() % 60, .read = random() % 60};
    most = {std::max({most.received, to.received, to.read}), std::max(most.read, to.read)};
    for (auto times = random() % 3 + 1; times > 0; --times)
      told.push_back({.room_id = times % 2 ? lab_ : 0, .room = "lab", .to = to});
  }
  for (const char* user : {"bob", "carol"}) {
    std::ranges::shuffle(told, random);
    for (auto& raise : told) raise.user = user;
    for (std::span<const MarkRaise> rest = told; !rest.empty();) {
      const auto some = std::min<std::size_t>(rest.size(), random() % 9 + 1);
      ASSERT_TRUE(marks().raise(rest.first(some)));
      rest = rest.subspan(some);
    }
    EXPECT_EQ(of(user), most) << user;
  }
}

TEST_P(MarkStoreContract, mentions_mean_members_whatever_the_case) {
  add_user("Carol");
  put("Carol", Role::reader);
  add_user("dave");
  EXPECT_THAT(mentioned({"carol", "dave", "nobody", "bob"}), UnorderedElementsAre("Carol", "bob"));
  EXPECT_THAT(mentioned({"bob", "@room"}), UnorderedElementsAre("Carol", "alice", "bob"));
  EXPECT_THAT(mentioned({"bob", "@room"}, 2), UnorderedElementsAre("bob"));
  EXPECT_THAT(mentioned({}), IsEmpty());
  put("bob", Role::none, true);
  EXPECT_THAT(mentioned({"bob"}), IsEmpty());
  EXPECT_THAT(mentioned({"@room"}), UnorderedElementsAre("Carol", "alice"));
}

INSTANTIATE_TEST_SUITE_P(Stores, MarkStoreContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Cached, MarkStoreContract, testing::ValuesIn(cached_mark_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
