#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <random>

#include "tests/contract/store_contract.h"
#include "wire/fold.h"

// However a reader came by the entries of a room, in whatever order, it folds them to what history gives.
namespace parley::backend {
namespace {

using Said = Records::Said;
using Folded = std::map<std::uint64_t, std::string>;

constexpr std::uint64_t kEntries = 160;

class Talk {
 public:
  explicit Talk(unsigned seed) : random_(seed) {}

  // People write, and speak of what was written: rightly, wrongly, too late.
  Said next(std::uint64_t seq) {
    Said said{.seq = seq,
              .from = one_of({"alice", "bob", "carol"}),
              .role = one_of({"member", "moderator", "reader", ""})};
    const auto target = std::to_string(1 + random_() % (seq + 1));  // at times its own, or one to come
    switch (seq == 1 ? 0 : random_() % 10) {
      case 0:
      case 1:
        said.content = R"({"text":"hi @bob","n":1.0})";
        break;
      case 2:
        said.content = R"({"text":"re","thread":)" + target + R"(,"reply_to":)" + target + "}";
        break;
      case 3:
        said.type = one_of({"member", "room", "media", "x.poll"});
        said.content = R"({"text":"x"})";
        break;
      case 4:
      case 5:
        said.type = "edit";
        said.content = R"({"type":"edit","target":)" + target + R"(,"text":"edit )" + std::to_string(seq) +
                       R"(","thread":1})";
        break;
      case 6:
        said.type = "delete";
        said.content = R"({"type":"delete","target":)" + target + "}";
        break;
      default:
        said.type = "reaction";
        said.content = R"({"type":"reaction","target":)" + target + R"(,"key":")" +
                       one_of({"+1", "-1", "é"}) + "\"" + (random_() % 3 == 0 ? R"(,"remove":true})" : "}");
    }
    return said;
  }
  std::mt19937& random() { return random_; }

 private:
  std::string one_of(std::vector<const char*> choices) { return choices[random_() % choices.size()]; }
  std::mt19937 random_;
};

class FoldedRooms : public StoreContract {
 protected:
  // As the request `history` does it.
  Folded history(std::uint64_t room_id) {
    Folded all;
    const auto annotated = rooms().get(room_id)->annotated;
    for (std::uint64_t after = 0;;) {
      auto read = messages().page({.room_id = room_id, .after = after, .limit = 7});
      EXPECT_TRUE(read) << read.error().message;
      auto page = read.value_or(Page{});
      std::vector<Place> places;
      for (const auto& envelope : page.envelopes)
        places.emplace_back(room_id, wire::seq_of_envelope(envelope));
      auto told = messages().notes(places);
      EXPECT_TRUE(told) << told.error().message;
      const auto notes = told.value_or(std::map<Place, wire::Notes>{});
      for (std::size_t i = 0; i < places.size(); ++i) {
        auto found = notes.find(places[i]);
        EXPECT_TRUE(found == notes.end() || places[i].second <= annotated);
        all[places[i].second] =
            found == notes.end() ? page.envelopes[i] : wire::folded(page.envelopes[i], found->second);
      }
      if (!page.more) return all;
      after = places.back().second;
    }
  }
  std::vector<std::string> rows(std::uint64_t room_id) {
    auto page = messages().page({.room_id = room_id, .after = 0, .limit = 1000, .max_bytes = 1 << 20});
    EXPECT_TRUE(page) << page.error().message;
    return page.value_or(Page{}).envelopes;
  }
  static void expect_same(const Folded& is, const Folded& told) {
    ASSERT_EQ(is.size(), told.size());
    for (const auto& [seq, envelope] : told) EXPECT_EQ(is.at(seq), envelope) << "number " << seq;
  }
  static Folded fold(const std::vector<std::string>& envelopes) {
    wire::RoomFold room;
    for (const auto& envelope : envelopes) EXPECT_TRUE(room.add(envelope));
    return room.folded();
  }
};

TEST_P(FoldedRooms, every_reader_ends_where_history_is) {
  const unsigned seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  Talk talk(seed);
  auto room = add_room("lab", "alice").id;
  ASSERT_TRUE(messages().begin(1, "journal-a", std::nullopt));
  std::vector<std::string> live;
  for (std::uint64_t seq = 1; seq <= kEntries;) {
    Records batch;
    const auto last = std::min<std::uint64_t>(kEntries, seq + talk.random()() % 20);
    for (; seq <= last; ++seq) {
      const auto said = talk.next(seq);
      live.push_back(envelope_of(room, said));
      batch.say(room, said);
    }
    auto stored = messages().store(1, 0, seq + 1, batch.span());
    ASSERT_TRUE(stored) << stored.error().message;
    if (talk.random()() % 4 != 0) continue;
    auto again = messages().store(1, 0, seq + 1, batch.span());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->stored, 0u);
  }
  const auto told = history(room);
  ASSERT_EQ(told.size(), kEntries);
  expect_same(fold(rows(room)), told);
  expect_same(fold(live), told);
  // Some live, some from a sync, some twice, in any order.
  auto mixed = live;
  for (const auto& row : rows(room))
    if (talk.random()() % 2) mixed.push_back(row);
  std::ranges::shuffle(mixed, talk.random());
  expect_same(fold(mixed), told);
}

INSTANTIATE_TEST_SUITE_P(Stores, FoldedRooms, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
