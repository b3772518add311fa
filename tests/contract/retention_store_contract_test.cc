#include <gmock/gmock.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/contract/store_contract.h"
#include "wire/entry.h"

// What expires, and what is held.
namespace parley::backend {
namespace {

using Said = Records::Said;
using testing::ElementsAre;
using testing::IsEmpty;
using Json = nlohmann::json;

constexpr std::int64_t kSaidAt =
    1'795'314'673'123;  // as Records has it: and a millisecond more for each number

Said text(std::uint64_t seq, const std::string& words = "hi", const std::string& from = "alice") {
  return {.seq = seq, .from = from, .content = Json{{"text", words}}.dump()};
}
Said reply(std::uint64_t seq, std::uint64_t root) {
  return {.seq = seq, .from = "bob", .content = Json{{"text", "re"}, {"thread", root}}.dump()};
}
Said about(std::uint64_t seq, const std::string& type, std::uint64_t target,
           const std::string& from = "alice") {
  const Json content{{"type", type}, {"target", target}, {"text", "better"}, {"key", "+1"}};
  return {.seq = seq, .from = from, .type = type, .content = content.dump()};
}

class RetentionStoreContract : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    if (IsSkipped()) return;
    add_user("alice");
    add_user("bob");
    lab_ = add_room("lab", "alice").id;
    ASSERT_TRUE(messages().begin(1, "journal-a", std::nullopt));
  }
  RetentionStore& retention() { return *stores_.retention; }

  StoreOutcome store(const std::vector<Said>& said) {
    Records records;
    for (const auto& one : said) records.say(lab_, one);
    return store(records);
  }
  StoreOutcome store(const Records& records) {
    auto outcome = messages().store(1, 0, ++offset_, records.span());
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome.value_or(StoreOutcome{});
  }
  void say(std::uint64_t first, std::uint64_t last) {
    std::vector<Said> said;
    for (auto seq = first; seq <= last; ++seq) said.push_back(text(seq));
    store(said);
  }
  void keep(const Retention& retain) { ASSERT_TRUE(rooms().update(lab_, {.retain = retain})); }
  // Ten seconds after number `seq` was taken.
  static WallTime ten_s_after(std::uint64_t seq) {
    return from_ms(kSaidAt + static_cast<std::int64_t>(seq)) + std::chrono::seconds(10);
  }
  Expiry expire(WallTime now = ten_s_after(0), std::uint32_t rows_max = 1000,
                const RetentionRules& rules = {}) {
    auto done = retention().expire({.room_id = lab_, .rules = rules, .now = now, .rows_max = rows_max});
    EXPECT_TRUE(done) << done.error().message;
    return done.value_or(Expiry{});
  }
  // Expires all up to `seq`.
  void cut(std::uint64_t seq) {
    const auto last = rooms().get(lab_)->last_seq;
    keep(last > seq ? Retention{.messages = last - seq} : Retention{.seconds = 10});
    ASSERT_EQ(expire(ten_s_after(last + 1)).expired, seq);
    keep({});
  }
  Page all() { return *messages().page({.room_id = lab_, .after = 0, .limit = 1000}); }
  std::vector<std::uint64_t> seqs() {
    std::vector<std::uint64_t> seqs;
    const auto page = all();
    for (const auto& envelope : page.envelopes) seqs.push_back(wire::seq_of_envelope(envelope));
    return seqs;
  }
  Unread unread(const std::string& user, std::uint64_t read) {
    const auto last = rooms().get(lab_)->last_message;
    return stores_.unread
        ->unread({.user = user,
                  .user_key = user,
                  .rooms = {{.room_id = lab_, .read = read, .last_message = last}}})
        ->at(0);
  }
  std::vector<std::uint64_t> found(const std::string& words) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (stores_.search->behind() != 0u) {
      if (std::chrono::steady_clock::now() > end) ADD_FAILURE() << "the index is still behind";
      std::this_thread::yield();
    }
    std::vector<std::uint64_t> seqs;
    const auto page = stores_.search->search({.rooms = {lab_}, .words = wire::parse_search(words)});
    for (const auto& hit : page->hits) seqs.push_back(hit.message.second);
    return seqs;
  }
  std::vector<std::string> kept_aside() {
    std::vector<std::string> texts;
    const auto page = retention().kept_aside(lab_, 0, 100);
    for (const auto& envelope : page->envelopes)
      texts.push_back(std::to_string(wire::seq_of_envelope(envelope)) + ":" +
                      std::string(wire::content_of(envelope)));
    return texts;
  }

  std::uint64_t lab_ = 0, offset_ = 0;
};

TEST_P(RetentionStoreContract, a_room_keeps_for_ever_unless_told) {
  say(1, 5);
  EXPECT_EQ(rooms().get(lab_)->retain, Retention{});
  EXPECT_EQ(expire(from_ms(kSaidAt) + std::chrono::hours(100'000)).rows, 0u);
  EXPECT_EQ(all().expired, 0u);
  EXPECT_THAT(seqs(), ElementsAre(1, 2, 3, 4, 5));
}

TEST_P(RetentionStoreContract, settings_of_a_room_stay) {
  auto made = rooms().create({.name = "den",
                              .title = "",
                              .retain = {.seconds = 60, .messages = 7},
                              .members = {{"alice", wire::Role::owner}}});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->value.retain, (Retention{.seconds = 60, .messages = 7}));
  EXPECT_EQ(rooms().get(made->value.id)->retain, (Retention{.seconds = 60, .messages = 7}));
  auto changed = rooms().update(lab_, {.retain = Retention{.seconds = 5}});
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->value.retain, Retention{.seconds = 5});
  EXPECT_EQ(changed->version, 0u) << "the broker has nothing to do with it";
  ASSERT_TRUE(rooms().update(lab_, {.title = "The lab"}));
  reopen();
  EXPECT_EQ(rooms().find("lab")->retain, Retention{.seconds = 5});
  auto listed = rooms().list({.user = "alice"});
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_EQ((*listed)[0].room.retain, (Retention{.seconds = 60, .messages = 7}));
}

TEST_P(RetentionStoreContract, only_the_newest_so_many_stay) {
  say(1, 10);
  keep({.messages = 4});
  auto done = expire();
  EXPECT_EQ(done.expired, 6u);
  EXPECT_EQ(done.rows, 6u);
  EXPECT_FALSE(done.more);
  EXPECT_THAT(seqs(), ElementsAre(7, 8, 9, 10));
  EXPECT_EQ(all().expired, 6u);
  EXPECT_EQ(all().through, 10u);
  reopen();
  EXPECT_EQ(rooms().get(lab_)->expired, 6u);
  EXPECT_EQ(rooms().get(lab_)->last_seq, 10u);
  EXPECT_EQ(messages().message_count(), 4u);
  EXPECT_EQ(expire().rows, 0u);
}

TEST_P(RetentionStoreContract, what_is_older_goes) {
  say(1, 10);
  keep({.seconds = 10});
  EXPECT_EQ(expire(ten_s_after(1)).rows, 0u);
  EXPECT_EQ(expire(ten_s_after(4)).expired, 3u);
  EXPECT_THAT(seqs(), ElementsAre(4, 5, 6, 7, 8, 9, 10));
  EXPECT_EQ(expire(ten_s_after(100)).expired, 10u);
  EXPECT_THAT(seqs(), IsEmpty());
  EXPECT_EQ(all().through, 10u);
  EXPECT_EQ(all().expired, 10u);
  say(11, 12);
  EXPECT_THAT(seqs(), ElementsAre(11, 12));
}

TEST_P(RetentionStoreContract, nothing_goes_from_behind_what_stays) {
  Records records;
  const auto span = records.say(lab_, text(1)).say(lab_, text(2)).say(lab_, text(3)).span();
  std::vector<wire::Record> turned(span.begin(), span.end());
  turned[1].at_ms += 1'000'000;  // the broker's clock was set back after it
  ASSERT_TRUE(messages().store(1, 0, ++offset_, turned));
  keep({.seconds = 10});
  EXPECT_EQ(expire(ten_s_after(100)).expired, 1u);
  EXPECT_THAT(seqs(), ElementsAre(2, 3));
  keep({.seconds = 10, .messages = 1});
  EXPECT_EQ(expire(ten_s_after(100)).expired, 3u) << "either limit";
}

TEST_P(RetentionStoreContract, a_batch_takes_no_more_than_it_is_told) {
  say(1, 10);
  keep({.messages = 1});
  auto done = expire(ten_s_after(0), 4);
  EXPECT_EQ(done.rows, 4u);
  EXPECT_TRUE(done.more);
  EXPECT_THAT(seqs(), ElementsAre(5, 6, 7, 8, 9, 10));
  EXPECT_TRUE(expire(ten_s_after(0), 4).more);
  done = expire(ten_s_after(0), 4);
  EXPECT_EQ(done.rows, 1u);
  EXPECT_FALSE(done.more);
  EXPECT_THAT(seqs(), ElementsAre(10));
}

TEST_P(RetentionStoreContract, the_servers_rules_hold_too) {
  say(1, 10);
  EXPECT_EQ(expire(ten_s_after(0), 100, {.fallback = {.messages = 8}}).expired, 2u);
  keep({.messages = 7});
  EXPECT_EQ(expire(ten_s_after(0), 100, {.fallback = {.messages = 2}}).expired, 3u);
  EXPECT_EQ(expire(ten_s_after(0), 100, {.ceiling = {.messages = 5}}).expired, 5u);
}

TEST_P(RetentionStoreContract, a_repeated_batch_brings_nothing_back) {
  say(1, 6);
  cut(4);
  auto outcome = store(Records().say(lab_, text(2)).say(lab_, text(4)).say(lab_, text(5)).say(lab_, text(7)));
  EXPECT_EQ(outcome.repeated, 3u);
  EXPECT_EQ(outcome.stored, 1u);
  EXPECT_EQ(outcome.quarantined, 0u);
  EXPECT_THAT(seqs(), ElementsAre(5, 6, 7));
  // Nor does another message under such a number.
  EXPECT_EQ(store(Records().add(lab_, 3, 1)).repeated, 1u);
  EXPECT_FALSE(rooms().get(lab_)->quarantined);
}

TEST_P(RetentionStoreContract, what_is_quarantined_goes_with_its_number) {
  say(1, 6);
  EXPECT_EQ(store(Records().add(lab_, 3, 1)).quarantined, 1u);
  cut(4);
  EXPECT_THAT(seqs(), ElementsAre(5, 6));
  EXPECT_TRUE(rooms().get(lab_)->quarantined);
  EXPECT_EQ(store(Records().add(lab_, 3, 1)).repeated, 1u);
  EXPECT_EQ(store(Records().add(lab_, 7)).quarantined, 1u);
}

TEST_P(RetentionStoreContract, all_that_was_said_of_it_goes_with_a_message) {
  store({text(1, "one @bob"), text(2, "two @bob"), about(3, "edit", 1), about(4, "reaction", 1, "bob"),
         reply(5, 1), about(6, "edit", 2), about(7, "reaction", 2, "bob"), reply(8, 2)});
  cut(1);
  const std::vector<Place> places{{lab_, 1}, {lab_, 2}};
  auto notes = messages().notes(places);
  ASSERT_TRUE(notes);
  EXPECT_FALSE(notes->contains({lab_, 1}));
  const auto& rest = notes->at({lab_, 2});
  EXPECT_EQ(rest.edit_seq, 6u);
  EXPECT_EQ(rest.reactions.size(), 1u);
  EXPECT_EQ(rest.replies, 1u);
  EXPECT_EQ(unread("bob", 0).mentions, 1u);
  EXPECT_THAT(found("one"), IsEmpty());
  EXPECT_THAT(found("better"), ElementsAre(2));
  EXPECT_THAT(seqs(), ElementsAre(2, 3, 4, 5, 6, 7, 8)) << "entries about it stay, and mean nothing";
  cut(2);
  EXPECT_TRUE(messages().notes(places)->empty());
  EXPECT_EQ(unread("bob", 0).mentions, 0u);
  EXPECT_THAT(found("better"), IsEmpty());
}

TEST_P(RetentionStoreContract, what_is_not_indexed_yet_is_not_found_later) {
  say(1, 400);
  keep({.messages = 1});
  EXPECT_EQ(expire().expired, 399u);
  EXPECT_THAT(found("hi"), ElementsAre(400));
  keep({.seconds = 1});
  EXPECT_EQ(expire(ten_s_after(1000)).expired, 400u);
  EXPECT_THAT(found("hi"), IsEmpty());
}

TEST_P(RetentionStoreContract, a_thread_whose_root_has_expired_still_has_its_replies) {
  store({text(1), reply(2, 1), text(3), reply(4, 1)});
  cut(1);
  auto page = messages().thread({.room_id = lab_, .root = 1});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->expired, 1u);
  EXPECT_THAT(page->envelopes, ElementsAre(envelope_of(lab_, reply(2, 1)), envelope_of(lab_, reply(4, 1))));
  cut(2);
  store({reply(5, 1), reply(6, 5)});
  EXPECT_EQ(messages().thread({.room_id = lab_, .root = 1})->envelopes.size(), 2u) << "new replies, too";
  EXPECT_TRUE(messages().notes(std::vector<Place>{{lab_, 5}})->empty()) << "a reply is no root";
  EXPECT_THAT(messages().thread({.room_id = lab_, .root = 3, .after = 3})->envelopes, IsEmpty());
}

TEST_P(RetentionStoreContract, entries_about_what_has_expired_mean_nothing) {
  store({text(1), text(2)});
  cut(1);
  auto outcome = store({about(3, "edit", 1), about(4, "reaction", 1, "bob"), about(5, "delete", 1), text(6)});
  EXPECT_EQ(outcome.stored, 4u);
  EXPECT_THAT(outcome.rewritten, IsEmpty());
  EXPECT_THAT(seqs(), ElementsAre(2, 3, 4, 5, 6));
  EXPECT_EQ(rooms().get(lab_)->rewritten, 0u);
}

TEST_P(RetentionStoreContract, unread_is_what_is_left_above_the_mark) {
  store({text(1), text(2, "x", "bob"), text(3, "@bob"), about(4, "reaction", 3, "bob"), text(5), text(6),
         about(7, "delete", 5), text(8, "y", "bob")});
  EXPECT_EQ(unread("bob", 0).messages, 3u);
  cut(2);
  EXPECT_EQ(unread("bob", 0).messages, 2u);
  EXPECT_EQ(unread("bob", 2).messages, 2u);
  EXPECT_EQ(unread("bob", 3).messages, 1u);
  EXPECT_EQ(unread("bob", 0).mentions, 1u);
  EXPECT_EQ(unread("alice", 0).messages, 1u);
  cut(4);
  EXPECT_EQ(unread("bob", 1).messages, 1u);
  EXPECT_EQ(unread("bob", 1).mentions, 0u);
  cut(8);
  EXPECT_EQ(unread("bob", 0).messages, 0u);
  EXPECT_EQ(unread("bob", 0).last, "");
  EXPECT_EQ(rooms().get(lab_)->last_message, 0u);
  store({text(9)});
  EXPECT_EQ(unread("bob", 0).messages, 1u);
  EXPECT_EQ(wire::seq_of_envelope(unread("bob", 0).last), 9u);
}

TEST_P(RetentionStoreContract, rooms_are_listed_that_may_lose_something) {
  const auto den = add_room("den", "alice").id, empty = add_room("empty", "alice").id;
  say(3, 5);
  store(Records().add_range(den, 1, 2));
  auto ids = [&](const RetainedQuery& query) {
    std::vector<std::uint64_t> ids;
    const auto listed = retention().rooms(query);
    for (const auto& room : *listed) ids.push_back(room.room_id);
    return ids;
  };
  EXPECT_THAT(ids({}), IsEmpty());
  EXPECT_THAT(ids({.all = true}), ElementsAre(std::min(lab_, den), std::max(lab_, den)));
  EXPECT_THAT(ids({.limit = 1, .all = true}), ElementsAre(std::min(lab_, den)));
  EXPECT_THAT(ids({.after = std::min(lab_, den), .all = true}), ElementsAre(std::max(lab_, den)));
  keep({.seconds = 9});
  ASSERT_TRUE(rooms().update(empty, {.retain = Retention{.messages = 9}}));
  auto listed = retention().rooms({});
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ((*listed)[0].room_id, lab_);
  EXPECT_EQ((*listed)[0].own, Retention{.seconds = 9});
  EXPECT_EQ((*listed)[0].last_seq, 5u);
  EXPECT_EQ((*listed)[0].oldest, 3u);
  EXPECT_EQ((*listed)[0].oldest_at_ms, kSaidAt + 3);
  ASSERT_TRUE(rooms().erase(lab_));
  EXPECT_THAT(ids({}), IsEmpty());
  EXPECT_EQ(expire(ten_s_after(1000), 10, {.fallback = {.messages = 1}}).rows, 0u);
}

TEST_P(RetentionStoreContract, in_a_held_room_nothing_expires) {
  say(1, 5);
  keep({.messages = 1});
  ASSERT_TRUE(retention().hold(lab_, true, Act{.actor = "root", .action = "room.hold", .room = "lab"}));
  EXPECT_EQ(expire().rows, 0u);
  reopen();
  EXPECT_TRUE(rooms().get(lab_)->held);
  EXPECT_EQ(expire().rows, 0u);
  EXPECT_THAT(*retention().rooms({}), IsEmpty());
  EXPECT_EQ(code_of(rooms().erase(lab_)), Errc::permission_denied);
  EXPECT_TRUE(rooms().get(lab_));
  auto acts = stores_.audit->list({});
  ASSERT_EQ(acts->size(), 1u);
  EXPECT_EQ((*acts)[0].act.action, "room.hold");
  ASSERT_TRUE(retention().hold(lab_, true, {}));
  ASSERT_TRUE(retention().hold(lab_, false, {}));
  EXPECT_FALSE(rooms().get(lab_)->held);
  EXPECT_EQ(expire().expired, 4u);
  EXPECT_TRUE(rooms().erase(lab_));
  EXPECT_EQ(code_of(retention().hold(lab_, true, {})), Errc::not_found);
  EXPECT_EQ(code_of(retention().hold(12345, true, {})), Errc::not_found);
}

TEST_P(RetentionStoreContract, what_is_deleted_in_a_held_room_is_kept_aside) {
  store({text(1, "a"), text(2, "b"), about(3, "edit", 2), about(4, "delete", 1)});
  ASSERT_TRUE(retention().hold(lab_, true, {}));
  store({about(5, "reaction", 2, "bob"), about(6, "delete", 2), about(7, "edit", 2), text(8, "c"),
         about(9, "delete", 8)});
  auto aside = kept_aside();
  ASSERT_EQ(aside.size(), 5u) << "1 was gone before";
  EXPECT_EQ(aside[0], "2:" + text(2, "b").content);
  EXPECT_EQ(aside[1], "3:" + about(3, "edit", 2).content);
  EXPECT_EQ(aside[2], "5:" + about(5, "reaction", 2).content);
  EXPECT_EQ(aside[3], "7:" + about(7, "edit", 2).content) << "what came too late";
  EXPECT_EQ(aside[4], "8:" + text(8, "c").content) << "with its delete in one batch";
  const auto shown = all();
  for (const auto& envelope : shown.envelopes) {
    const auto seq = wire::seq_of_envelope(envelope);
    if (seq == 4 || seq == 6 || seq == 9) continue;
    EXPECT_THAT(envelope, testing::HasSubstr(R"("content":{},"deleted":)")) << "readers see none of it";
  }
  auto page = retention().kept_aside(lab_, 2, 2);
  EXPECT_EQ(page->envelopes.size(), 2u);
  EXPECT_TRUE(page->more);
  EXPECT_FALSE(retention().kept_aside(lab_, 7, 2)->more);
  reopen();
  EXPECT_EQ(kept_aside(), aside);
  ASSERT_TRUE(retention().hold(lab_, false, {}));
  EXPECT_THAT(kept_aside(), IsEmpty());
  store({text(10), about(11, "delete", 10)});
  EXPECT_THAT(kept_aside(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Stores, RetentionStoreContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
