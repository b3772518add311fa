#include "backend/notify/room_news.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/envelope.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kAt = 1'795'314'673'123;

struct Line {
  std::uint64_t seq = 0;
  std::string from = "al", type = "text", content = R"({"text":"hi"})", role = "member";
  bool imported = false;
  std::int64_t at = kAt;
};

std::string envelope(const Line& line) {
  return wire::format_envelope({.seq = line.seq,
                                .epoch = "k3x97q2m",
                                .id = Ulid{1},
                                .room = "lab",
                                .from = line.from,
                                .role = line.role,
                                .device = "",
                                .at = line.at,
                                .type = line.type,
                                .ref = "",
                                .imported = line.imported,
                                .content = line.content});
}

std::vector<std::uint64_t> seqs(const RoomNews& news) {
  std::vector<std::uint64_t> all;
  for (const auto& said : news.said()) all.push_back(said.seq);
  return all;
}

TEST(RoomNews, has_messages_but_not_what_is_said_of_them) {
  RoomNews news;
  for (const auto& line : {Line{.seq = 1, .type = "member", .content = "{}"}, Line{.seq = 2},
                           Line{.seq = 3, .type = "reaction", .content = R"({"target":2,"key":"+1"})"},
                           Line{.seq = 4, .type = "room", .content = "{}"}, Line{.seq = 5, .type = "x.poll"}})
    news.add(envelope(line), from_ms(kAt));
  EXPECT_THAT(seqs(news), ElementsAre(2, 5));
  EXPECT_THAT(news.changed(), IsEmpty());
}

TEST(RoomNews, leaves_out_what_is_imported_erased_old_or_broken) {
  RoomNews news;
  news.add(envelope({.seq = 1, .imported = true}), from_ms(kAt));
  news.add(envelope({.seq = 2, .at = kAt - 1}), from_ms(kAt));
  auto erased = envelope({.seq = 3, .content = "{}"});
  erased.insert(erased.size() - 1, R"(,"deleted":{"seq":4})");
  news.add(erased, from_ms(kAt));
  news.add("not an envelope", from_ms(kAt));
  EXPECT_TRUE(news.empty());
}

TEST(RoomNews, names_what_was_edited_or_deleted_once) {
  RoomNews news;
  for (std::uint64_t seq = 5; seq < 8; ++seq)
    news.add(envelope({.seq = seq, .type = "edit", .content = R"({"target":2,"text":"ho"})"}), from_ms(kAt));
  news.add(envelope({.seq = 8, .type = "delete", .content = R"({"target":3})"}), from_ms(kAt));
  EXPECT_THAT(news.changed(), ElementsAre(2, 3));
  EXPECT_TRUE(news.empty());
}

TEST(RoomNews, knows_who_is_mentioned_and_everyone_only_from_moderators) {
  RoomNews news;
  news.add(envelope({.seq = 1, .content = R"({"text":"@Bo and @room"})"}), from_ms(kAt));
  news.add(envelope({.seq = 2, .content = R"({"text":"@room"})", .role = "owner"}), from_ms(kAt));
  EXPECT_THAT(news.said()[0].mentions, ElementsAre("bo", "room"));
  EXPECT_THAT(news.said()[1].mentions, ElementsAre("@room"));
}

TEST(RoomNews, keeps_the_newest_and_of_older_ones_the_last_mention_of_each) {
  RoomNews news;
  news.add(envelope({.seq = 1, .content = R"({"text":"@bo first"})"}), from_ms(kAt));
  news.add(envelope({.seq = 2, .from = "cy", .content = R"({"text":"@bo second"})"}), from_ms(kAt));
  for (std::uint64_t seq = 3; seq <= RoomNews::kSaidMax + 2; ++seq)
    news.add(envelope({.seq = seq}), from_ms(kAt));
  EXPECT_EQ(news.said().size(), RoomNews::kSaidMax);
  EXPECT_EQ(news.said().front().seq, 3u);
  ASSERT_NE(news.mentioned_before("bo"), nullptr);
  EXPECT_EQ(news.mentioned_before("bo")->seq, 2u);
  EXPECT_EQ(news.mentioned_before("cy"), nullptr);
  EXPECT_THAT(news.senders(), ElementsAre("al"));
}

}  // namespace
}  // namespace parley::backend
