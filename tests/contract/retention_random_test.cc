#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <thread>

#include "tests/contract/store_contract.h"
#include "wire/entry.h"
#include "wire/fold.h"

// A room that loses its oldest messages at random moments, beside one in the plainest form.
namespace parley::backend {
namespace {

using Said = Records::Said;
using Json = nlohmann::json;

constexpr std::uint64_t kEntries = 240;

// All that was ever said, and how far the room had expired when it was. What names a number up to there says nothing.
class NaiveRoom {
 public:
  void say(const Said& said) {
    all_.push_back(said);
    heard_.push_back(expired);
  }
  std::uint64_t last() const { return all_.size(); }
  bool message(std::uint64_t seq) const { return wire::is_message(all_[seq - 1].type); }
  bool deleted(std::uint64_t seq) const {
    bool gone = false;
    each_about(seq, "delete", [&](const Said& one) {
      gone = gone || one.from == all_[seq - 1].from || one.role == "moderator";
    });
    return gone;
  }
  // The words that stand.
  std::string text(std::uint64_t seq) const {
    std::string text = Json::parse(all_[seq - 1].content).value("text", "");
    each_about(seq, "edit", [&](const Said& one) {
      if (one.from == all_[seq - 1].from) text = Json::parse(one.content)["text"];
    });
    return text;
  }
  std::set<std::string> reactions(std::uint64_t seq) const {
    std::set<std::string> users;
    each_about(seq, "reaction", [&](const Said& one) { users.insert(one.from); });
    return users;
  }
  // Messages of others that stand and are not imported, above `read`; and those of them that mention.
  Unread unread(const std::string& user, std::uint64_t read) const {
    Unread count;
    for (auto seq = std::max(read, expired) + 1; seq <= last(); ++seq) {
      const auto& one = all_[seq - 1];
      if (!message(seq) || one.from == user || one.flags != 0 || deleted(seq)) continue;
      ++count.messages;
      count.mentions +=
          Json::parse(one.content)["text"].get<std::string>().find("@" + user) != std::string::npos;
    }
    return count;
  }

  std::uint64_t expired = 0;

 private:
  template <class Do>
  void each_about(std::uint64_t seq, const std::string& type, Do what) const {
    if (!message(seq)) return;
    for (auto at = seq; at < last(); ++at)
      if (all_[at].type == type && heard_[at] < seq && Json::parse(all_[at].content)["target"] == seq)
        what(all_[at]);
  }

  std::vector<Said> all_;
  std::vector<std::uint64_t> heard_;
};

class RetentionRandom : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    if (IsSkipped()) return;
    std::cout << "seed " << seed_ << "\n";
    for (const char* user : {"alice", "bob", "carol"}) add_user(user);
    lab_ = add_room("lab", "alice").id;
    ASSERT_TRUE(messages().begin(1, "journal-a", std::nullopt));
  }
  std::string one_of(std::vector<const char*> choices) { return choices[random_() % choices.size()]; }

  Said next(std::uint64_t seq) {
    Said said{.seq = seq, .from = one_of({"alice", "bob", "carol"}), .role = one_of({"member", "moderator"})};
    const auto word = "word" + std::to_string(seq);
    Json content{{"text", word + one_of({"", "", " @bob", " @carol"})}};
    if (const auto what = seq == 1 ? 0 : random_() % 12; what > 5) {
      said.type = one_of({"edit", "delete", "reaction", "member"});
      content = {{"type", said.type}, {"target", 1 + random_() % (seq - 1)}, {"text", word}, {"key", "+1"}};
    } else if (what == 5) {
      said.flags = wire::kRecordImported;
    } else if (what == 4 && seq > 20) {
      // Of a message that is in no thread: what names another can't be judged once that has expired.
      const auto root = 1 + random_() % (seq - 1);
      if (roots_.contains(root)) content["thread"] = root;
    }
    if (wire::is_message(said.type) && !content.contains("thread")) roots_.insert(seq);
    said.content = content.dump();
    return said;
  }

  void store_some() {
    Records batch;
    const auto from = naive_.last() + 1;
    for (auto n = 1 + random_() % 20; n > 0 && naive_.last() < kEntries; --n) {
      const auto said = next(naive_.last() + 1);
      naive_.say(said);
      batch.say(lab_, said);
    }
    const auto stored = messages().store(1, 0, ++offset_, batch.span());
    ASSERT_TRUE(stored) << stored.error().message;
    EXPECT_EQ(stored->stored, naive_.last() + 1 - from);
    batches_.push_back(batch);
    const auto& again = batches_[random_() % batches_.size()];
    const auto repeated = messages().store(1, 0, offset_, again.span());
    ASSERT_TRUE(repeated);
    EXPECT_EQ(repeated->repeated, again.span().size());
  }
  void expire_some() {
    const auto left = naive_.last() - naive_.expired;
    const Retention retain{.messages = 1 + random_() % (left + 10)};
    ASSERT_TRUE(rooms().update(lab_, {.retain = retain}));
    const auto rows_max = static_cast<std::uint32_t>(1 + random_() % 40);
    const auto done = stores_.retention->expire({.room_id = lab_, .now = {}, .rows_max = rows_max});
    ASSERT_TRUE(done) << done.error().message;
    const auto due = left > retain.messages ? left - retain.messages : 0;
    EXPECT_EQ(done->rows, std::min<std::uint64_t>(due, rows_max));
    naive_.expired += done->rows;
    EXPECT_EQ(done->expired, naive_.expired);
  }

  void compare_history() {
    const auto page = messages().page({.room_id = lab_, .after = 0, .limit = 1000, .max_bytes = 1 << 20});
    ASSERT_TRUE(page);
    EXPECT_EQ(page->expired, naive_.expired);
    ASSERT_EQ(page->envelopes.size(), naive_.last() - naive_.expired);
    std::vector<Place> places;
    wire::RoomFold fold(page->expired + 1);
    for (const auto& envelope : page->envelopes) {
      places.emplace_back(lab_, wire::seq_of_envelope(envelope));
      ASSERT_TRUE(fold.add(envelope));
    }
    const auto notes = messages().notes(places);
    ASSERT_TRUE(notes);
    const auto folded = fold.folded();
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto seq = places[i].second;
      ASSERT_EQ(seq, naive_.expired + 1 + i) << "what is left is dense";
      const auto found = notes->find(places[i]);
      const auto told =
          found == notes->end() ? page->envelopes[i] : wire::folded(page->envelopes[i], found->second);
      EXPECT_EQ(folded.at(seq), told) << "a reader who folds for themselves";
      if (naive_.message(seq)) compare(Json::parse(told), seq);
    }
  }
  void compare(const Json& told, std::uint64_t seq) {
    EXPECT_EQ(told.contains("deleted"), naive_.deleted(seq)) << told;
    if (naive_.deleted(seq)) return;
    EXPECT_EQ(told["content"]["text"], naive_.text(seq)) << told;
    std::set<std::string> users;
    for (const auto& reaction : told.value("reactions", Json::array()))
      for (const auto& user : reaction["users"]) users.insert(user);
    EXPECT_EQ(users, naive_.reactions(seq)) << told;
  }
  void compare_unread() {
    const auto room = *rooms().get(lab_);
    for (const std::string user : {"alice", "bob", "carol"}) {
      const auto read = random_() % (naive_.last() + 5);
      const auto told = stores_.unread->unread(
          {.user = user,
           .user_key = user,
           .rooms = {{.room_id = lab_, .read = read, .last_message = room.last_message}}});
      ASSERT_TRUE(told);
      const auto counted = naive_.unread(user, read);
      EXPECT_EQ(told->at(0).messages, counted.messages) << user << " read " << read;
      EXPECT_EQ(told->at(0).mentions, counted.mentions) << user << " read " << read;
      EXPECT_EQ(told->at(0).last.empty(), room.last_message == 0);
    }
  }
  void compare_search() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (stores_.search->behind() != 0u) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "the index is still behind";
      std::this_thread::yield();
    }
    for (std::uint64_t seq = 1; seq <= naive_.last(); seq += 1 + random_() % 8) {
      if (!naive_.message(seq)) continue;
      const auto words = naive_.text(seq);
      const auto page = stores_.search->search(
          {.rooms = {lab_}, .words = wire::parse_search(words.substr(0, words.find(' ')))});
      ASSERT_TRUE(page);
      const bool there = seq > naive_.expired && !naive_.deleted(seq);
      ASSERT_EQ(page->hits.size(), there ? 1u : 0u) << "number " << seq << ": " << words;
      if (there) {
        EXPECT_EQ(page->hits[0].message.second, seq);
      }
    }
  }

  const unsigned seed_ = std::random_device{}();
  std::mt19937 random_{seed_};
  NaiveRoom naive_;
  std::set<std::uint64_t> roots_;
  std::vector<Records> batches_;
  std::uint64_t lab_ = 0, offset_ = 0;
};

TEST_P(RetentionRandom, what_is_left_is_what_a_naive_room_has_left) {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  while (naive_.last() < kEntries && !HasFailure()) {
    store_some();
    if (random_() % 2) expire_some();
    compare_history();
    compare_unread();
  }
  compare_search();
}

INSTANTIATE_TEST_SUITE_P(Stores, RetentionRandom, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
