#include <gmock/gmock.h>

#include "tests/contract/store_contract.h"
#include "wire/fold_rule.h"

// What messages say of each other, in every store.
namespace parley::backend {
namespace {

using Said = Records::Said;
using testing::ElementsAre;
using testing::IsEmpty;

std::string about(const std::string& type, std::uint64_t target, const std::string& more = "") {
  return "{\"type\":\"" + type + "\",\"target\":" + std::to_string(target) + more + "}";
}
Said edit(std::uint64_t seq, std::uint64_t target, const std::string& from = "alice") {
  return {
      .seq = seq, .from = from, .type = "edit", .content = about("edit", target, R"(,"text":"secret edit")")};
}
Said remove(std::uint64_t seq, std::uint64_t target, const std::string& from = "alice",
            const std::string& role = "member") {
  return {.seq = seq, .from = from, .type = "delete", .content = about("delete", target), .role = role};
}
Said react(std::uint64_t seq, std::uint64_t target, const std::string& from = "bob",
           const std::string& more = R"(,"key":"+1")") {
  return {.seq = seq, .from = from, .type = "reaction", .content = about("reaction", target, more)};
}
Said text(std::uint64_t seq, const std::string& from = "alice",
          const std::string& content = R"({"text":"secret"})", const std::string& role = "member") {
  return {.seq = seq, .from = from, .content = content, .role = role};
}

class MessageLinksContract : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    if (IsSkipped()) return;
    lab_ = add_room("lab", "alice").id;
    ASSERT_TRUE(messages().begin(1, "journal-a", std::nullopt));
  }
  StoreOutcome store(const std::vector<Said>& said) {
    Records records;
    for (const auto& one : said) records.say(lab_, one);
    auto outcome = messages().store(1, offset_, offset_ + 10, records.span());
    EXPECT_TRUE(outcome) << outcome.error().message;
    offset_ += 10;
    return outcome.value_or(StoreOutcome{});
  }
  // In a batch of each their own, and all in one: the same must come of both.
  void store_both_ways(const std::vector<Said>& said) {
    for (const auto& one : said) store({one});
    auto singly = all();
    auto whole = add_room("lab2", "alice").id;
    Records records;
    for (const auto& one : said) records.say(whole, one);
    ASSERT_TRUE(messages().store(1, offset_, offset_ + 10, records.span()));
    offset_ += 10;
    auto at_once = messages().page({.room_id = whole, .after = 0, .limit = 1000})->envelopes;
    ASSERT_EQ(at_once.size(), singly.size());
    const auto name = std::to_string(lab_), other = std::to_string(whole);
    for (std::size_t i = 0; i < singly.size(); ++i) {
      auto one = parse(singly[i]), two = parse(at_once[i]);
      EXPECT_EQ(one, two);
    }
  }
  // What a delete leaves, and what it takes.
  static std::string parse(const std::string& envelope) {
    return envelope.substr(wire::content_at(envelope));
  }
  std::vector<std::string> all() {
    return messages().page({.room_id = lab_, .after = 0, .limit = 1000})->envelopes;
  }
  std::string gone(const Said& said, std::uint64_t by_seq, const std::string& by = "alice") {
    return wire::erased(
        envelope_of(lab_, said),
        {.seq = by_seq, .at_ms = 1'795'314'673'123 + static_cast<std::int64_t>(by_seq), .by = by});
  }
  Room room() { return *rooms().get(lab_); }

  std::uint64_t lab_ = 0, offset_ = 0;
};

TEST_P(MessageLinksContract, a_deleted_message_loses_its_content_and_keeps_its_number) {
  const auto first = text(1), second = text(2), third = remove(3, 1);
  auto outcome = store({first, second});
  EXPECT_THAT(outcome.rewritten, IsEmpty());
  EXPECT_THAT(store({third}).rewritten, ElementsAre(lab_));
  EXPECT_THAT(all(), ElementsAre(gone(first, 3), envelope_of(lab_, second), envelope_of(lab_, third)));
  EXPECT_EQ(room().rewritten, 3u);
  EXPECT_EQ(room().last_seq, 3u);
}

TEST_P(MessageLinksContract, a_delete_takes_edits_and_reactions_along) {
  const std::vector<Said> said = {text(1), text(2), edit(3, 1), react(4, 1), edit(5, 2), remove(6, 1)};
  store_both_ways(said);
  EXPECT_THAT(all(), ElementsAre(gone(said[0], 6), envelope_of(lab_, said[1]), gone(said[2], 6),
                                 gone(said[3], 6), envelope_of(lab_, said[4]), envelope_of(lab_, said[5])));
}

TEST_P(MessageLinksContract, what_comes_after_the_delete_is_stored_without_content) {
  const std::vector<Said> said = {text(1), remove(2, 1, "bob", "moderator"), edit(3, 1), react(4, 1),
                                  edit(5, 1, "mallory")};
  store_both_ways(said);
  EXPECT_THAT(all(), ElementsAre(gone(said[0], 2, "bob"), envelope_of(lab_, said[1]), gone(said[2], 2, "bob"),
                                 gone(said[3], 2, "bob"), gone(said[4], 2, "bob")));
  EXPECT_EQ(room().rewritten, 5u);
}

TEST_P(MessageLinksContract, nobody_deletes_what_is_not_theirs) {
  const std::vector<Said> said = {text(1),      remove(2, 1, "bob"), remove(3, 1, "bob", "reader"),
                                  remove(4, 9), remove(5, 5),        edit(6, 1),
                                  remove(7, 6), remove(8, 2),        react(9, 1, "bob", "")};
  EXPECT_THAT(store(said).rewritten, IsEmpty());
  std::vector<std::string> as_sent;
  for (const auto& one : said) as_sent.push_back(envelope_of(lab_, one));
  EXPECT_EQ(all(), as_sent);
  EXPECT_EQ(room().rewritten, 0u);
}

TEST_P(MessageLinksContract, a_batch_that_comes_again_changes_nothing_though_rows_were_rewritten) {
  const std::vector<Said> said = {text(1), edit(2, 1), react(3, 1), remove(4, 1), edit(5, 1)};
  store(said);
  const auto before = all();
  Records again;
  for (const auto& one : said) again.say(lab_, one);
  auto outcome = messages().store(1, 0, 10, again.span());
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->repeated, 5u);
  EXPECT_EQ(outcome->quarantined, 0u);
  EXPECT_THAT(outcome->rewritten, IsEmpty());
  EXPECT_EQ(all(), before);
}

TEST_P(MessageLinksContract, a_second_delete_finds_nothing_left) {
  const auto first = text(1);
  store({first, remove(2, 1), remove(3, 1, "bob", "owner")});
  EXPECT_EQ(all().front(), gone(first, 2));
  EXPECT_EQ(room().rewritten, 2u);
}

TEST_P(MessageLinksContract, only_messages_are_counted) {
  store({text(1),
         edit(2, 1),
         react(3, 1),
         {.seq = 4, .from = "alice", .type = "member", .content = "{}"},
         {.seq = 5, .from = "alice", .content = R"({"text":"old"})", .flags = wire::kRecordImported},
         {.seq = 6, .from = "bob", .type = "x.poll", .content = R"({"q":1})"}});
  EXPECT_EQ(room().counted, 2u);
  store({remove(7, 1)});
  store({text(8)});
  EXPECT_EQ(room().counted, 3u);
}

TEST_P(MessageLinksContract, the_highest_message_spoken_of_is_known) {
  store({text(1), text(2), text(3), edit(4, 2, "mallory")});
  EXPECT_EQ(room().annotated, 0u);
  store({edit(5, 2), react(6, 1)});
  EXPECT_EQ(room().annotated, 2u);
  store({text(7, "bob", R"({"text":"re","thread":3})")});
  EXPECT_EQ(room().annotated, 3u);
}

TEST_P(MessageLinksContract, what_names_a_number_beyond_reason_is_stored_as_it_is) {
  const auto far = edit(2, std::numeric_limits<std::uint64_t>::max());
  const auto thread = text(3, "bob", R"({"text":"re","thread":18446744073709551615})");
  store({text(1), far, thread});
  EXPECT_EQ(all()[1], envelope_of(lab_, far));
  EXPECT_EQ(all()[2], envelope_of(lab_, thread));
}

TEST_P(MessageLinksContract, a_quarantined_rooms_entries_say_nothing) {
  store({text(1)});
  Records other;
  other.add(lab_, 1, /*variant=*/1).say(lab_, remove(2, 1));
  auto outcome = messages().store(1, offset_, offset_ + 10, other.span());
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->quarantined, 2u);
  EXPECT_THAT(all(), ElementsAre(envelope_of(lab_, text(1))));
}

TEST_P(MessageLinksContract, what_stands_of_what_was_said_is_told_for_many_messages_at_once) {
  auto den = add_room("den", "alice").id;
  store({text(1), text(2), text(3), edit(4, 1), edit(5, 1), edit(6, 2, "mallory"), react(7, 1),
         react(8, 1, "carol"), react(9, 3, "bob", R"(,"key":"x","remove":true)"),
         text(10, "bob", R"({"text":"re","thread":2})")});
  Records other;
  other.say(den, text(1)).say(den, react(2, 1, "bob", R"(,"key":"z")"));
  ASSERT_TRUE(messages().store(1, offset_, offset_ + 10, other.span()));
  const std::vector<Place> asked = {{lab_, 1}, {lab_, 2}, {lab_, 3}, {lab_, 4}, {lab_, 77}, {den, 1}};
  auto notes = messages().notes(asked);
  ASSERT_TRUE(notes) << notes.error().message;
  ASSERT_EQ(notes->size(), 3u);
  const auto& first = notes->at({lab_, 1});
  EXPECT_EQ(first.edit_seq, 5u);
  EXPECT_EQ(first.edit_at_ms, 1'795'314'673'123 + 5);
  EXPECT_EQ(first.edit_content, edit(5, 1).content);
  ASSERT_EQ(first.reactions.size(), 1u);
  EXPECT_EQ(first.reactions[0].key, "+1");
  EXPECT_EQ(first.reactions[0].count, 2u);
  EXPECT_THAT(first.reactions[0].users, ElementsAre("bob", "carol"));
  EXPECT_EQ(notes->at({lab_, 2}).replies, 1u);
  EXPECT_EQ(notes->at({lab_, 2}).last_reply, 10u);
  EXPECT_EQ(notes->at({den, 1}).reactions.at(0).key, "z");
  EXPECT_THAT(*messages().notes({}), IsEmpty());
}

TEST_P(MessageLinksContract, a_deleted_message_has_nothing_said_of_it_but_its_thread) {
  store({text(1), edit(2, 1), react(3, 1), text(4, "bob", R"({"text":"re","thread":1})"), remove(5, 1)});
  const std::vector<Place> asked = {{lab_, 1}};
  auto notes = *messages().notes(asked);
  EXPECT_EQ(notes.at({lab_, 1}).replies, 1u);
  EXPECT_EQ(notes.at({lab_, 1}).edit_seq, 0u);
  EXPECT_THAT(notes.at({lab_, 1}).reactions, IsEmpty());
}

TEST_P(MessageLinksContract, popular_messages_tell_how_many_and_who_was_first) {
  Records records;
  records.say(lab_, text(1));
  std::uint64_t seq = 2;
  for (int i = 0; i < 30; ++i) records.say(lab_, react(seq++, 1, "u" + std::to_string(99 - i)));
  for (int i = 0; i < 60; ++i)
    records.say(lab_, react(seq++, 1, "bob", ",\"key\":\"k" + std::to_string(i) + "\""));
  ASSERT_TRUE(messages().store(1, 0, 10, records.span()));
  const std::vector<Place> asked = {{lab_, 1}};
  auto reactions = messages().notes(asked)->at({lab_, 1}).reactions;
  EXPECT_EQ(reactions.size(), wire::kReactionKeysTold);
  EXPECT_EQ(reactions[0].count, 30u);
  ASSERT_EQ(reactions[0].users.size(), wire::kReactionUsersTold);
  EXPECT_EQ(reactions[0].users.front(), "u99");
  EXPECT_EQ(reactions.back().key, "k48");
}

TEST_P(MessageLinksContract, a_thread_is_its_root_and_the_replies_in_order) {
  const std::vector<Said> said = {text(1),
                                  text(2),
                                  text(3, "bob", R"({"text":"re","thread":1})"),
                                  text(4, "bob", R"({"text":"re","thread":2})"),
                                  text(5, "bob", R"({"text":"no root","thread":3})"),
                                  text(6, "bob", R"({"text":"re","thread":1})"),
                                  react(7, 6, "alice")};
  store_both_ways(said);
  const auto at = [&](std::uint64_t seq) { return envelope_of(lab_, said[seq - 1]); };
  auto whole = *messages().thread({.room_id = lab_, .root = 1});
  EXPECT_THAT(whole.envelopes, ElementsAre(at(1), at(3), at(6)));
  EXPECT_FALSE(whole.more);
  EXPECT_EQ(whole.through, 7u);
  auto first = *messages().thread({.room_id = lab_, .root = 1, .limit = 2});
  EXPECT_THAT(first.envelopes, ElementsAre(at(1), at(3)));
  EXPECT_TRUE(first.more);
  EXPECT_THAT(messages().thread({.room_id = lab_, .root = 1, .after = 3})->envelopes, ElementsAre(at(6)));
  EXPECT_THAT(messages().thread({.room_id = lab_, .root = 3})->envelopes, ElementsAre(at(3)));
  EXPECT_THAT(messages().thread({.room_id = lab_, .root = 7})->envelopes, IsEmpty());
  EXPECT_THAT(messages().thread({.room_id = lab_, .root = 99})->envelopes, IsEmpty());
  EXPECT_EQ(messages().thread({.room_id = lab_, .root = 1, .max_bytes = 1})->envelopes.size(), 1u);
}

TEST_P(MessageLinksContract, a_deleted_rooms_threads_are_gone) {
  store({text(1), text(2, "bob", R"({"text":"re","thread":1})")});
  ASSERT_TRUE(rooms().erase(lab_));
  EXPECT_THAT(messages().thread({.room_id = lab_, .root = 1})->envelopes, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Stores, MessageLinksContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
