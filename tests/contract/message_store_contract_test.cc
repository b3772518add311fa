#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "tests/contract/store_contract.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class MessageStoreContract : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    if (IsSkipped()) return;
    lab_ = add_room("lab", "alice").id;
    ASSERT_TRUE(messages().begin(1, "journal-a", std::nullopt));
  }

  StoreOutcome store(std::uint64_t from, std::uint64_t to, const Records& records,
                     std::uint64_t generation = 1) {
    auto outcome = messages().store(generation, from, to, records.span());
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome.value_or(StoreOutcome{});
  }
  std::uint64_t offset() { return messages().position()->offset; }
  Page page(PageQuery query) {
    query.room_id = query.room_id ? query.room_id : lab_;
    return *messages().page(query);
  }
  std::vector<std::string> all(std::uint64_t room) {
    return page({.room_id = room, .after = 0, .limit = 1000}).envelopes;
  }

  std::uint64_t lab_ = 0;
};

TEST_P(MessageStoreContract, a_new_store_met_no_journal) {
  auto fresh = GetParam().make();
  auto stores = fresh->open(clock_);
  auto position = stores.messages->position();
  ASSERT_TRUE(position);
  EXPECT_EQ(position->journal, "");
  EXPECT_EQ(position->offset, 0u);
  EXPECT_EQ(position->generation, 0u);
  EXPECT_EQ(stores.messages->message_count(), 0u);
}

TEST_P(MessageStoreContract, a_batch_and_the_position_are_stored_together) {
  auto outcome = store(0, 500, Records().add_range(lab_, 1, 3));
  EXPECT_EQ(outcome.stored, 3u);
  EXPECT_EQ(outcome.repeated + outcome.dropped + outcome.quarantined + outcome.orphaned, 0u);
  reopen();
  EXPECT_EQ(offset(), 500u);
  EXPECT_EQ(messages().position()->journal, "journal-a");
  EXPECT_EQ(all(lab_), envelopes_of(lab_, 1, 3));
  EXPECT_EQ(messages().last_seq(lab_), 3u);
  EXPECT_EQ(messages().message_count(), 3u);
  EXPECT_EQ(rooms().get(lab_)->last_seq, 3u);
}

TEST_P(MessageStoreContract, a_repeated_batch_changes_nothing) {
  auto records = Records().add_range(lab_, 1, 3);
  store(0, 500, records);
  store(500, 600, Records().add(lab_, 4));
  auto again = store(0, 500, records);
  EXPECT_EQ(again.stored, 0u);
  EXPECT_EQ(again.repeated, 3u);
  EXPECT_EQ(offset(), 600u);
  EXPECT_EQ(messages().message_count(), 4u);
}

TEST_P(MessageStoreContract, an_overlapping_batch_adds_what_is_new) {
  store(0, 500, Records().add_range(lab_, 1, 3));
  auto outcome = store(300, 800, Records().add_range(lab_, 2, 5));
  EXPECT_EQ(outcome.stored, 2u);
  EXPECT_EQ(outcome.repeated, 2u);
  EXPECT_EQ(offset(), 800u);
  EXPECT_EQ(all(lab_), envelopes_of(lab_, 1, 5));
}

TEST_P(MessageStoreContract, an_empty_batch_moves_the_position) {
  store(0, 4096, Records());
  EXPECT_EQ(offset(), 4096u);
}

TEST_P(MessageStoreContract, a_hole_is_refused_and_changes_nothing) {
  store(0, 500, Records().add(lab_, 1));
  EXPECT_EQ(code_of(messages().store(1, 501, 600, Records().add(lab_, 3).span())), Errc::invalid_argument);
  EXPECT_EQ(code_of(messages().store(1, 500, 400, Records().add(lab_, 2).span())), Errc::invalid_argument);
  EXPECT_EQ(offset(), 500u);
  EXPECT_EQ(messages().last_seq(lab_), 1u);
}

TEST_P(MessageStoreContract, an_older_generation_is_refused) {
  store(0, 500, Records().add(lab_, 1));
  ASSERT_TRUE(messages().begin(3, "journal-a", std::nullopt));
  EXPECT_EQ(code_of(messages().store(2, 500, 600, Records().add(lab_, 2).span())), Errc::permission_denied);
  EXPECT_EQ(code_of(messages().begin(2, "journal-a", std::nullopt)), Errc::permission_denied);
  EXPECT_EQ(messages().last_seq(lab_), 1u);
  EXPECT_EQ(offset(), 500u);
  EXPECT_EQ(store(500, 600, Records().add(lab_, 2), 3).stored, 1u);
}

TEST_P(MessageStoreContract, a_higher_generation_that_stores_shuts_out_the_one_before) {
  store(0, 500, Records().add(lab_, 1), 4);
  EXPECT_EQ(code_of(messages().store(1, 500, 600, Records().add(lab_, 2).span())), Errc::permission_denied);
  EXPECT_EQ(messages().position()->generation, 4u);
}

TEST_P(MessageStoreContract, another_journal_needs_a_place_to_begin) {
  store(0, 500, Records().add(lab_, 1));
  EXPECT_EQ(code_of(messages().begin(2, "journal-b", std::nullopt)), Errc::invalid_argument);
  EXPECT_EQ(messages().position()->journal, "journal-a");
  ASSERT_TRUE(messages().begin(2, "journal-b", 64));
  EXPECT_EQ(messages().position()->journal, "journal-b");
  EXPECT_EQ(offset(), 64u);
}

TEST_P(MessageStoreContract, generations_of_another_journal_may_begin_anew) {
  ASSERT_TRUE(messages().begin(9, "journal-a", std::nullopt));
  ASSERT_TRUE(messages().begin(1, "journal-b", 0));
  EXPECT_EQ(store(0, 100, Records().add(lab_, 1), 1).stored, 1u);
}

TEST_P(MessageStoreContract, a_conflicting_message_quarantines_its_room_and_nothing_is_lost) {
  auto other = add_room("other", "alice").id;
  store(0, 100, Records().add_range(lab_, 1, 2));
  auto conflict = Records().add(lab_, 2, /*variant=*/1).add(lab_, 3).add(other, 1);
  auto outcome = store(100, 200, conflict);
  EXPECT_EQ(outcome.quarantined, 2u);
  EXPECT_EQ(outcome.stored, 1u);
  EXPECT_EQ(all(lab_), envelopes_of(lab_, 1, 2));
  EXPECT_EQ(all(other), envelopes_of(other, 1, 1));
  EXPECT_TRUE(rooms().get(lab_)->quarantined);
  EXPECT_FALSE(rooms().get(other)->quarantined);
  EXPECT_EQ(messages().last_seq(lab_), 2u);
}

TEST_P(MessageStoreContract, later_messages_of_a_quarantined_room_are_kept_aside_once) {
  store(0, 100, Records().add_range(lab_, 1, 2));
  store(100, 200, Records().add(lab_, 2, 1));
  reopen();
  EXPECT_EQ(store(200, 300, Records().add_range(lab_, 3, 4)).quarantined, 2u);
  auto again = store(100, 300, Records().add(lab_, 2).add(lab_, 2, 1).add_range(lab_, 3, 4));
  EXPECT_EQ(again.quarantined, 0u);
  EXPECT_EQ(again.repeated, 4u);
  EXPECT_EQ(messages().message_count(), 2u);
}

TEST_P(MessageStoreContract, numbers_in_quarantine_are_not_given_again) {
  store(0, 100, Records().add_range(lab_, 1, 2));
  store(100, 200, Records().add(lab_, 2, 1).add_range(lab_, 3, 7));
  std::uint64_t last_seq = 0;
  for (const auto& change : snapshot()) {
    if (const auto* room = std::get_if<wire::RoomPut>(&change)) last_seq = room->last_seq;
  }
  EXPECT_EQ(last_seq, 7u);
}

TEST_P(MessageStoreContract, messages_of_an_unknown_room_are_kept_where_nobody_sees_them) {
  auto outcome = store(0, 100, Records().add_range(4711, 5, 6).add(lab_, 1));
  EXPECT_EQ(outcome.stored, 3u);
  EXPECT_EQ(outcome.orphaned, 2u);
  EXPECT_EQ(store(100, 200, Records().add(4711, 7)).orphaned, 1u);
  EXPECT_EQ(all(4711), envelopes_of(4711, 5, 7));
  EXPECT_EQ(messages().message_count(), 4u);
  EXPECT_EQ(code_of(rooms().get(4711)), Errc::not_found);
  EXPECT_EQ(code_of(rooms().find("room4711")), Errc::not_found);
  EXPECT_EQ(rooms().count(), 1u);
  for (const auto& change : snapshot()) {
    if (const auto* room = std::get_if<wire::RoomPut>(&change)) {
      EXPECT_EQ(room->id, lab_);
    }
  }
}

TEST_P(MessageStoreContract, an_unknown_room_takes_no_name_away) {
  store(0, 100, Records().add(4711, 1).add(4712, 1));
  EXPECT_NE(add_room("room4711", "alice").id, 4711u);
}

TEST_P(MessageStoreContract, messages_of_a_deleted_room_are_dropped_and_counted) {
  store(0, 100, Records().add_range(lab_, 1, 3));
  ASSERT_TRUE(rooms().erase(lab_));
  EXPECT_THAT(all(lab_), IsEmpty());
  EXPECT_EQ(messages().last_seq(lab_), 0u);
  EXPECT_EQ(messages().message_count(), 0u);
  auto outcome = store(100, 200, Records().add_range(lab_, 4, 5));
  EXPECT_EQ(outcome.dropped, 2u);
  EXPECT_EQ(outcome.stored, 0u);
  EXPECT_EQ(offset(), 200u);
}

TEST_P(MessageStoreContract, the_newest_page_is_given_without_a_bound) {
  store(0, 100, Records().add_range(lab_, 1, 10));
  auto newest = page({.limit = 3});
  EXPECT_EQ(newest.envelopes, envelopes_of(lab_, 8, 10));
  EXPECT_TRUE(newest.more);
  EXPECT_EQ(newest.through, 10u);
}

struct PageCase {
  std::optional<std::uint64_t> before, after;
  std::uint32_t limit;
  std::uint64_t first, last;  // of what is expected; last < first: nothing
  bool more;
};

TEST_P(MessageStoreContract, pages_are_right_at_every_edge) {
  store(0, 100, Records().add_range(lab_, 1, 10));
  const std::optional<std::uint64_t> none;
  const std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();
  const PageCase cases[] = {
      {none, none, 10, 1, 10, false}, {none, none, 9, 2, 10, true}, {none, none, 11, 1, 10, false},
      {1, none, 5, 1, 0, false},      {2, none, 5, 1, 1, false},    {6, none, 5, 1, 5, false},
      {7, none, 5, 2, 6, true},       {11, none, 1, 10, 10, true},  {huge, none, 2, 9, 10, true},
      {none, 0, 5, 1, 5, true},       {none, 0, 10, 1, 10, false},  {none, 5, 5, 6, 10, false},
      {none, 5, 4, 6, 9, true},       {none, 9, 5, 10, 10, false},  {none, 10, 5, 1, 0, false},
      {none, huge, 5, 1, 0, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE("before " + std::to_string(c.before.value_or(0)) + " after " +
                 std::to_string(c.after.value_or(0)) + " limit " + std::to_string(c.limit));
    auto got = page({.before = c.before, .after = c.after, .limit = c.limit});
    EXPECT_EQ(got.envelopes, envelopes_of(lab_, c.first, c.last));
    EXPECT_EQ(got.more, c.more);
    EXPECT_EQ(got.through, 10u);
  }
}

TEST_P(MessageStoreContract, a_page_ends_before_its_bytes_do_but_holds_one_message) {
  Records records;
  for (std::uint64_t seq = 1; seq <= 5; ++seq) records.add(lab_, seq, 0, 1000);
  store(0, 100, records);
  auto size = envelope_of(lab_, 1, 0, 1000).size();
  auto two = page({.after = 0, .max_bytes = 2 * size});
  EXPECT_THAT(two.envelopes, ElementsAre(envelope_of(lab_, 1, 0, 1000), envelope_of(lab_, 2, 0, 1000)));
  EXPECT_TRUE(two.more);
  EXPECT_EQ(page({.after = 0, .max_bytes = 2 * size - 1}).envelopes.size(), 1u);
  EXPECT_EQ(page({.after = 0, .max_bytes = 0}).envelopes.size(), 1u);
  EXPECT_EQ(page({.before = 3, .max_bytes = 0}).envelopes.front(), envelope_of(lab_, 2, 0, 1000));
  EXPECT_FALSE(page({.after = 0, .max_bytes = 5 * size}).more);
}

TEST_P(MessageStoreContract, a_room_without_messages_gives_an_empty_page) {
  auto empty = page({});
  EXPECT_THAT(empty.envelopes, IsEmpty());
  EXPECT_FALSE(empty.more);
  EXPECT_EQ(empty.through, 0u);
  EXPECT_EQ(page({.room_id = 999}).through, 0u);
}

TEST_P(MessageStoreContract, a_hole_left_by_a_renewed_journal_hides_nothing_after_it) {
  store(0, 100, Records().add_range(lab_, 1, 2));
  ASSERT_TRUE(messages().begin(2, "journal-b", 0));
  store(0, 100, Records().add_range(lab_, 10, 11), 2);
  auto got = page({.after = 1, .limit = 10});
  EXPECT_THAT(got.envelopes, ElementsAre(envelope_of(lab_, 2), envelope_of(lab_, 10), envelope_of(lab_, 11)));
  EXPECT_EQ(got.through, 11u);
}

TEST_P(MessageStoreContract, reading_while_another_thread_stores_sees_whole_batches) {
  std::jthread writer([&] {
    for (std::uint64_t batch = 0; batch < 50; ++batch) {
      store(batch * 10, batch * 10 + 10, Records().add_range(lab_, batch * 10 + 1, batch * 10 + 10));
    }
  });
  std::uint64_t through = 0;
  while (through < 500) {
    auto got = page({.limit = 1});
    through = got.through;
    EXPECT_EQ(through % 10, 0u);
    if (through > 0) {
      EXPECT_EQ(got.envelopes.front(), envelope_of(lab_, through));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, MessageStoreContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
