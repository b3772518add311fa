#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "base/encoding.h"
#include "tests/contract/store_contract.h"
#include "wire/erasure.h"
#include "wire/fold.h"

// Erasing users, in every store.
namespace parley::backend {
namespace {

using Said = Records::Said;
using testing::HasSubstr;
using testing::Not;

Said text(std::uint64_t seq, const std::string& from, const std::string& words,
          const std::string& more = "") {
  return {.seq = seq, .from = from, .content = "{\"text\":\"" + words + "\"" + more + "}"};
}
Said about(std::uint64_t seq, const std::string& from, const std::string& type, std::uint64_t target,
           const std::string& more, const std::string& role = "member") {
  return {.seq = seq,
          .from = from,
          .type = type,
          .content = "{\"type\":\"" + type + "\",\"target\":" + std::to_string(target) + more + "}",
          .role = role};
}

class EraseContract : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    if (IsSkipped()) return;
    add_user("bob");
    lab_ = add_room("lab", "bob").id;
    add_user("alice");
    ASSERT_TRUE(messages().begin(1, "journal-a", std::nullopt));
    ASSERT_TRUE(rooms().change_member({.room_id = lab_, .user = "alice", .role = wire::Role::moderator}));
  }
  EraseStore& erasures() { return *stores_.erasures; }

  StoreOutcome store(const std::vector<Said>& said) {
    Records records;
    for (const auto& one : said) records.say(lab_, one);
    auto outcome = messages().store(1, offset_, offset_ + 10, records.span());
    EXPECT_TRUE(outcome) << outcome.error().message;
    offset_ += 10;
    return outcome.value_or(StoreOutcome{});
  }
  Erasure begin(const std::string& user = "alice") {
    auto begun = erasures().begin(user, Act{.actor = "root", .action = "user.erase", .user = user});
    EXPECT_TRUE(begun) << begun.error().message;
    const auto& e = begun->value;
    EXPECT_TRUE(messages().block({.salt = e.salt, .digest = e.digest, .pseudonym = e.pseudonym}));
    return e;
  }
  // Step after step; what they changed, and whether one of them left something in a held room.
  struct Erased {
    std::uint64_t changed = 0;
    bool held = false;
  };
  Erased erase_messages(const Erasure& erasure) {
    Erased all;
    ErasePlace place;
    for (;;) {
      auto step = messages().erase_some({erasure.user, erasure.pseudonym}, place, [&](const auto& rooms) {
        return erasures().note_rooms(erasure, rooms);
      });
      if (!step) {
        ADD_FAILURE() << step.error().message;
        return all;
      }
      all.changed += step->changed;
      all.held = all.held || step->held;
      if (step->finished) return all;
      place = step->next;
    }
  }
  // All stages; the pseudonym.
  std::string erase(const std::string& user = "alice") {
    const auto erasure = begin(user);
    while (erasures().leave_some(erasure)->more) {
    }
    erase_messages(erasure);
    for (std::optional<std::uint64_t> act = 0; act;) act = *erasures().rename_acts(erasure, *act);
    while (erasures().tell_some(erasure)->value) {
    }
    EXPECT_TRUE(erasures().forget(erasure)->value);
    EXPECT_TRUE(erasures().finish(erasure));
    return erasure.pseudonym;
  }
  std::vector<std::string> all() {
    return messages().page({.room_id = lab_, .after = 0, .limit = 1000, .max_bytes = 1 << 20})->envelopes;
  }
  // What history gives is what a reader of the raw entries folds.
  void expect_folds_agree() {
    wire::RoomFold fold;
    std::vector<Place> places;
    const auto raw = all();
    for (const auto& envelope : raw) {
      ASSERT_TRUE(fold.add(envelope)) << envelope;
      places.push_back({lab_, wire::seq_of_envelope(envelope)});
    }
    const auto notes = *messages().notes(places);
    const auto folded = fold.folded();
    for (std::size_t i = 0; i < raw.size(); ++i) {
      const auto at = notes.find(places[i]);
      EXPECT_EQ(at == notes.end() ? raw[i] : wire::folded(raw[i], at->second), folded.at(places[i].second));
    }
  }
  std::vector<wire::AppendEntry> entries_after(std::uint64_t version) {
    std::vector<wire::AppendEntry> all;
    for (const auto& step : steps_after(version))
      all.insert(all.end(), step.entries.begin(), step.entries.end());
    return all;
  }

  std::uint64_t lab_ = 0, offset_ = 0;
};

TEST_P(EraseContract, an_erased_users_messages_keep_their_numbers_and_nothing_else) {
  store({text(1, "alice", "secret"), text(2, "bob", "hi @Alice"),
         text(3, "alice", "secret", R"(,"thread":2)"), about(4, "bob", "reaction", 1, R"(,"key":"wow")"),
         about(5, "alice", "reaction", 2, R"(,"key":"yes")"),
         about(6, "alice", "edit", 1, R"(,"text":"secret")"),
         about(7, "bob", "edit", 2, R"(,"text":"ho @alice")")});
  const auto pseudonym = erase();
  const auto envelopes = all();
  ASSERT_EQ(envelopes.size(), 7u);
  std::string whole;
  for (const auto& envelope : envelopes) whole += fold_case(envelope);
  EXPECT_THAT(whole, Not(HasSubstr("alice")));
  EXPECT_THAT(whole, Not(HasSubstr("secret")));
  EXPECT_THAT(whole, Not(HasSubstr("wow")));
  EXPECT_THAT(envelopes[1], HasSubstr("hi @" + pseudonym));
  EXPECT_THAT(envelopes[6], HasSubstr("ho @" + pseudonym));
  expect_folds_agree();
}

TEST_P(EraseContract, what_comes_after_the_erase_began_is_stored_erased) {
  store({text(1, "bob", "hi")});
  const auto pseudonym = erase();
  auto outcome = store({text(2, "alice", "secret", R"(,"thread":1)"), text(3, "bob", "hi @ALICE"),
                        about(4, "alice", "reaction", 1, R"(,"key":"yes")"),
                        about(5, "bob", "reaction", 2, R"(,"key":"wow")"), text(6, "bob", "fine")});
  EXPECT_THAT(outcome.unnamed, testing::ElementsAre(Place{lab_, 2}, Place{lab_, 3}, Place{lab_, 4}));
  EXPECT_THAT(outcome.rewritten, testing::Contains(lab_));
  std::string whole;
  for (const auto& envelope : all()) whole += fold_case(envelope);
  EXPECT_THAT(whole, Not(HasSubstr("alice")));
  EXPECT_THAT(whole, Not(HasSubstr("secret")));
  EXPECT_THAT(whole, Not(HasSubstr("wow")));
  EXPECT_THAT(whole, HasSubstr("hi @" + pseudonym));
  EXPECT_EQ(messages().notes(std::vector<Place>{{lab_, 1}})->size(), 0u);
  expect_folds_agree();
}

TEST_P(EraseContract, stored_before_or_after_comes_to_the_same) {
  const std::vector<Said> said{text(1, "bob", "root"),
                               text(2, "alice", "secret", R"(,"thread":1)"),
                               text(3, "bob", "reply", R"(,"thread":1)"),
                               about(4, "bob", "reaction", 2, R"(,"key":"wow")"),
                               about(5, "alice", "delete", 3, "", "moderator"),
                               about(6, "bob", "edit", 2, R"(,"text":"no")")};
  store(said);
  const auto erasure = begin();
  erase_messages(erasure);
  const auto before = all();
  expect_folds_agree();
  const auto other = add_room("lab2", "bob").id;
  Records records;
  for (const auto& one : said) records.say(other, one);
  ASSERT_TRUE(messages().store(1, offset_, offset_ + 10, records.span()));
  auto after = messages().page({.room_id = other, .after = 0, .limit = 1000})->envelopes;
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i)
    EXPECT_EQ(wire::content_of(after[i]), wire::content_of(before[i])) << after[i] << before[i];
}

TEST_P(EraseContract, a_name_is_nobodys_for_ever) {
  erase();
  EXPECT_EQ(code_of(users().create({.name = "Alice"})), Errc::already_exists);
  EXPECT_EQ(code_of(users().find("alice")), Errc::not_found);
  EXPECT_EQ(code_of(rooms().change_member({.room_id = lab_, .user = "alice", .role = wire::Role::member})),
            Errc::not_found);
  bool blocked = false;
  for (const auto& change : snapshot())
    if (const auto* block = std::get_if<wire::NameBlock>(&change))
      blocked = block->digest == wire::name_digest(block->salt, "ALICE");
  EXPECT_TRUE(blocked);
}

TEST_P(EraseContract, an_account_that_is_being_erased_can_not_be_changed) {
  const auto erasure = begin();
  EXPECT_EQ(code_of(users().find("alice")), Errc::not_found);
  EXPECT_EQ(code_of(users().update("alice", {.disabled = false})), Errc::not_found);
  EXPECT_EQ(code_of(users().create_token({.id = "01JD8Z6V5T3Y0N7QF4R2W9XKCB",
                                          .user = "alice",
                                          .label = "",
                                          .sha256 = std::string(32, 'x')})),
            Errc::not_found);
  const auto again = erasures().begin("alice", std::nullopt);
  EXPECT_EQ(again->value.pseudonym, erasure.pseudonym);
  EXPECT_EQ(again->version, 0u);
  EXPECT_EQ(code_of(erasures().begin("nobody", std::nullopt)), Errc::not_found);
}

TEST_P(EraseContract, rooms_are_told_under_the_pseudonym) {
  store({text(1, "alice", "secret")});
  const auto version = *directory().version();
  const auto erasure = begin();
  const auto left = erasures().leave_some(erasure);
  EXPECT_THAT(left->rooms, testing::ElementsAre(lab_));
  erase_messages(erasure);
  while (erasures().tell_some(erasure)->value) {
  }
  const auto entries = entries_after(version);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].content, R"({"action":"left","user":")" + erasure.pseudonym + "\"}");
  EXPECT_EQ(entries[1].content, R"({"action":"erased","user":")" + erasure.pseudonym + "\"}");
  EXPECT_EQ(entries[1].room, lab_);
  EXPECT_EQ(rooms().get(lab_)->members, 1u);
}

TEST_P(EraseContract, the_directorys_log_forgets_and_a_snapshot_has_no_name) {
  const auto version = *directory().version();
  erase();
  EXPECT_EQ(code_of(directory().steps_after(version, 10)), Errc::not_found);
  for (const auto& change : snapshot()) {
    std::string bytes;
    wire::append_change(bytes, change);
    EXPECT_EQ(fold_case(bytes).find("alice"), std::string::npos);
  }
  const auto pending = *directory().unconfirmed_entries(100);
  for (const auto& step : pending)
    for (const auto& entry : step.entries)
      EXPECT_EQ((entry.from + entry.content).find("alice"), std::string::npos);
}

TEST_P(EraseContract, the_audit_log_names_the_pseudonym) {
  ASSERT_TRUE(stores_.audit->record({.actor = "alice",
                                     .device = "alice-phone",
                                     .address = "10.0.0.1",
                                     .action = "member.ban",
                                     .room = "lab",
                                     .user = "bob",
                                     .details = R"({"until":1})"}));
  ASSERT_TRUE(stores_.audit->record({.actor = "bob",
                                     .device = "d",
                                     .address = "10.0.0.2",
                                     .action = "user.update",
                                     .user = "alice",
                                     .details = R"({"title":"Alice L."})"}));
  const auto pseudonym = erase();
  const auto acts = *stores_.audit->list({});
  ASSERT_EQ(acts.size(), 3u);
  EXPECT_EQ(acts[0].act.user, pseudonym);
  EXPECT_EQ(acts[0].act.action, "user.erase");
  EXPECT_EQ(acts[1].act.user, pseudonym);
  EXPECT_EQ(acts[1].act.details, "{}");
  EXPECT_EQ(acts[1].act.address, "10.0.0.2");
  EXPECT_EQ(acts[2].act.actor, pseudonym);
  EXPECT_EQ(acts[2].act.device + acts[2].act.address, "");
  EXPECT_EQ(acts[2].act.details, "{}");
}

TEST_P(EraseContract, an_erase_is_unfinished_until_it_is_done) {
  add_user("carol");
  const auto first = begin("alice");
  clock_.advance(std::chrono::seconds(1));
  const auto second = begin("carol");
  EXPECT_EQ(first.salt, second.salt);
  EXPECT_NE(first.pseudonym, second.pseudonym);
  reopen();
  EXPECT_EQ((*erasures().unfinished())->pseudonym, first.pseudonym);
  EXPECT_EQ((*erasures().unfinished())->user, "alice");
  ASSERT_TRUE(erasures().leave_some(first));
  ASSERT_TRUE(erasures().forget(first));
  EXPECT_EQ((*erasures().unfinished())->user, "");
  ASSERT_TRUE(erasures().finish(first));
  EXPECT_EQ((*erasures().unfinished())->pseudonym, second.pseudonym);
  EXPECT_EQ(erasures().list("", 10)->size(), 2u);
}

TEST_P(EraseContract, whoever_is_still_a_member_is_not_forgotten) {
  const auto erasure = begin();
  const auto forgotten = erasures().forget(erasure);
  ASSERT_TRUE(forgotten) << forgotten.error().message;
  EXPECT_FALSE(forgotten->value);
  EXPECT_EQ((*erasures().unfinished())->user, "alice");
}

TEST_P(EraseContract, the_room_is_known_to_have_changed) {
  store({text(1, "alice", "secret")});
  const auto before = rooms().get(lab_)->rewritten;
  const auto erasure = begin();
  erase_messages(erasure);
  const auto once = rooms().get(lab_)->rewritten;
  EXPECT_NE(once, before);
  store({text(2, "bob", "x"), about(3, "bob", "delete", 2, "")});
  EXPECT_NE(rooms().get(lab_)->rewritten, once);
}

TEST_P(EraseContract, messages_of_a_room_that_is_held_stay_until_the_hold_ends) {
  store({text(1, "alice", "secret")});
  ASSERT_TRUE(stores_.retention->hold(lab_, true, std::nullopt));
  const auto erasure = begin();
  const auto during = erase_messages(erasure);
  EXPECT_TRUE(during.held);
  EXPECT_EQ(during.changed, 0u);
  EXPECT_THAT(all()[0], HasSubstr("secret"));
  ASSERT_TRUE(stores_.retention->hold(lab_, false, std::nullopt));
  const auto after = erase_messages(erasure);
  EXPECT_FALSE(after.held);
  EXPECT_GT(after.changed, 0u);
  EXPECT_THAT(all()[0], Not(HasSubstr("secret")));
}

TEST_P(EraseContract, words_are_found_no_more_and_others_texts_under_the_pseudonym) {
  store({text(1, "alice", "zebra"), text(2, "bob", "quagga for @alice")});
  const auto find = [&](const std::string& query) {
    return stores_.search->search({.rooms = {lab_}, .words = wire::parse_search(query), .limit = 10})
        ->hits.size();
  };
  for (int i = 0; *stores_.search->behind() > 0 && i < 1000; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_EQ(find("zebra"), 1u);
  ASSERT_EQ(find("alice"), 1u);
  erase();
  EXPECT_EQ(find("zebra"), 0u);
  EXPECT_EQ(find("alice"), 0u);
  EXPECT_EQ(find("quagga"), 1u);
}

TEST_P(EraseContract, an_entry_for_many_messages_takes_many_steps) {
  for (std::uint64_t batch = 0; batch < 10; ++batch) {
    std::vector<Said> said;
    for (std::uint64_t i = 1; i <= 100; ++i)
      said.push_back(text(batch * 100 + i, i % 2 ? "alice" : "bob", "secret of @alice"));
    store(said);
  }
  erase();
  std::string whole;
  for (const auto& envelope : all()) whole += envelope;
  EXPECT_EQ(whole.find("alice"), std::string::npos);
  EXPECT_EQ(all().size(), 1000u);
}

INSTANTIATE_TEST_SUITE_P(Stores, EraseContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
