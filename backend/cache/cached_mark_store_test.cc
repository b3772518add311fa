#include "backend/cache/cached_mark_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/cache/mark_copying_room_store.h"
#include "backend/cache/memory_cache.h"
#include "tests/fakes/faulty_stores.h"
#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using What = MarkOutcome::What;
using wire::Role;

// Room lab of alice, with bob; whether the store was asked shows in the plan's calls.
class CachedMarkTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"alice", "bob"})
      ASSERT_TRUE(stores_.users->create({.name = name, .title = "", .scram = ""}));
    lab_ = make("lab");
    copies_.begin();
  }
  std::uint64_t make(const std::string& name) {
    return rooms_
        .create({.name = name, .title = "", .members = {{"alice", Role::owner}, {"bob", Role::member}}})
        ->value.id;
  }
  void put(const std::string& user, Role role, bool banned = false) {
    (void)rooms_.change_member({.room_id = lab_, .user = user, .role = role, .banned = banned});
  }
  MarkOutcome receipt(const std::string& user, Marks to) {
    const MarkRaise one{.room = "lab", .user = user, .to = to};
    return cached_.raise(std::span(&one, 1))->front();
  }
  // Whether the store was asked about it.
  bool reaches_store(const std::string& user, Marks to) {
    const auto before = plan_.calls();
    receipt(user, to);
    return plan_.calls() > before;
  }
  double count(const char* result) {
    return metrics_.counter("parley_cache_marks_total", "", {{"result", result}}).value();
  }

  FakeClock clock_;
  Stores stores_ = open_memory_stores(std::make_shared<MemoryDatabase>(), 10, clock_);
  FaultPlan plan_;
  FaultyMarkStore marks_{*stores_.marks, plan_};
  MemoryCache cache_{1 << 20, {}, clock_};
  Metrics metrics_;
  MarkCopies copies_{3};
  MarkCopyingRoomStore rooms_{*stores_.rooms, copies_};
  CachedMarkStore cached_{marks_, copies_, cache_, metrics_};
  std::uint64_t lab_ = 0;
};

TEST_F(CachedMarkTest, a_receipt_that_tells_nothing_new_ends_at_the_copy) {
  EXPECT_TRUE(reaches_store("bob", {5, 3}));
  for (const Marks old : {Marks{5, 3}, Marks{4, 0}, Marks{0, 3}}) EXPECT_FALSE(reaches_store("bob", old));
  EXPECT_EQ(receipt("bob", {4, 2}), (MarkOutcome{What::unchanged, {5, 3}}));
  for (const Marks more : {Marks{6, 3}, Marks{6, 4}, Marks{0, 7}}) EXPECT_TRUE(reaches_store("bob", more));
  EXPECT_TRUE(reaches_store("alice", {1, 1}));
  EXPECT_EQ(count("hit"), 4);
  EXPECT_EQ(count("miss"), 5);
}

TEST_F(CachedMarkTest, a_batch_asks_the_store_for_the_others_alone_and_keeps_their_order) {
  receipt("bob", {5, 3});
  const std::vector<MarkRaise> raises{{.room = "lab", .user = "bob", .to = {5, 3}},
                                      {.room = "lab", .user = "alice", .to = {2, 2}},
                                      {.room = "lab", .user = "bob", .to = {5, 1}},
                                      {.room = "lab", .user = "zoe", .to = {1, 1}},
                                      {.room_id = lab_, .room = "lab", .user = "bob", .to = {4, 4}}};
  EXPECT_THAT(*cached_.raise(raises),
              ElementsAre(MarkOutcome{What::unchanged, {5, 3}}, MarkOutcome{What::raised, {2, 2}},
                          MarkOutcome{What::unchanged, {5, 3}}, MarkOutcome{What::no_member, {}},
                          MarkOutcome{What::raised, {5, 4}}));
  EXPECT_EQ(plan_.calls(), 2u);
  EXPECT_FALSE(reaches_store("bob", {5, 4}));  // a request leaves a copy, too
}

TEST_F(CachedMarkTest, copies_count_only_while_this_backend_is_the_consumer) {
  receipt("bob", {5, 3});
  copies_.end();
  EXPECT_TRUE(reaches_store("bob", {5, 3}));
  copies_.begin();
  EXPECT_TRUE(reaches_store("bob", {5, 3}));
  EXPECT_FALSE(reaches_store("bob", {5, 3}));
}

TEST_F(CachedMarkTest, copies_expire) {
  receipt("bob", {5, 3});
  clock_.advance(CachedMarkStore::kExpiry);
  EXPECT_TRUE(reaches_store("bob", {5, 3}));
}

TEST_F(CachedMarkTest, copies_end_with_the_membership_and_nobody_elses) {
  receipt("alice", {5, 3});
  receipt("bob", {5, 3});
  put("bob", Role::none, true);
  EXPECT_EQ(receipt("bob", {5, 3}).what, What::no_member);
  put("bob", Role::none);
  put("bob", Role::member);
  EXPECT_EQ(receipt("bob", {4, 3}), (MarkOutcome{What::raised, {4, 3}}));
  EXPECT_FALSE(reaches_store("alice", {5, 3}));
}

TEST_F(CachedMarkTest, copies_of_a_deleted_room_are_not_its_successors) {
  receipt("bob", {5, 3});
  ASSERT_TRUE(rooms_.erase(lab_));
  EXPECT_EQ(receipt("bob", {5, 3}).what, What::no_member);
  make("lab");
  EXPECT_EQ(receipt("bob", {4, 3}), (MarkOutcome{What::raised, {4, 3}}));
}

// The store was asked before somebody left, and its answer is put into the cache after they came back.
TEST_F(CachedMarkTest, an_answer_from_before_a_change_is_no_copy_after_it) {
  plan_.plan([&](std::uint64_t) {
    put("bob", Role::none);
    put("bob", Role::member);
    return std::nullopt;
  });
  receipt("bob", {5, 3});
  plan_.plan([](std::uint64_t) { return std::nullopt; });
  EXPECT_TRUE(reaches_store("bob", {5, 3}));
}

TEST_F(CachedMarkTest, more_changes_than_are_remembered_give_up_all_copies) {
  receipt("bob", {5, 3});
  for (const char* user : {"u1", "u2", "u3"}) copies_.member_changed(user);
  EXPECT_FALSE(reaches_store("bob", {5, 3}));
  copies_.member_changed("u4");
  EXPECT_TRUE(reaches_store("bob", {5, 3}));
}

TEST_F(CachedMarkTest, what_the_store_did_not_do_leaves_no_copy) {
  plan_.plan(1, {.code = Errc::unavailable});
  const MarkRaise one{.room = "lab", .user = "bob", .to = {5, 3}};
  EXPECT_EQ(cached_.raise(std::span(&one, 1)).error().code, Errc::unavailable);
  EXPECT_EQ(receipt("bob", {5, 3}), (MarkOutcome{What::raised, {5, 3}}));
}

TEST_F(CachedMarkTest, a_copy_of_nonsense_is_no_copy) {
  const MarkRaise one{.room = "lab", .user = "bob", .to = {5, 3}};
  const auto name = copies_.names_of(std::span(&one, 1)).front();
  for (const char* text : {"", "9", "9 ", " 9", "9 x", "9 9 9", "8 9", "-9 -9", "99999999999999999999 9"}) {
    ASSERT_TRUE(cache_.put_values(std::vector<NamedValue>{{name, text}}, std::chrono::hours(1)));
    EXPECT_TRUE(reaches_store("bob", {5, 3})) << text;
  }
}

}  // namespace
}  // namespace parley::backend
