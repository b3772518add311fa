#include "wire/erasure.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "wire/entry.h"
#include "wire/envelope.h"
#include "wire/fold.h"

namespace parley::wire {
namespace {

constexpr const char* kNobody = "~k3x7q2mzk4w3pa5b";

std::optional<std::string> of(std::string_view name) {
  return fold_case(name) == "alice" ? std::optional<std::string>(kNobody) : std::nullopt;
}

struct Said {
  Envelope envelope;
  std::string text;
  Record record;
};
Said said(std::uint64_t seq, const std::string& from, const std::string& type, const std::string& content) {
  Said said{.envelope = {.seq = seq,
                         .epoch = "e1",
                         .id = {},
                         .room = "lab",
                         .from = from,
                         .role = "member",
                         .device = from + "-phone",
                         .at = static_cast<std::int64_t>(1000 + seq),
                         .type = type,
                         .ref = from + "-1",
                         .imported = false,
                         .sent_at = 0,
                         .content = content},
            .text = {},
            .record = {}};
  return said;
}
const Record& record_of(Said& said) {
  said.text = format_envelope(said.envelope);
  said.record = {.room_id = 7, .seq = said.envelope.seq, .at_ms = said.envelope.at};
  said.record.from = said.envelope.from;
  said.record.type = said.envelope.type;
  said.record.ref = said.envelope.ref;
  said.record.envelope = said.text;
  return said.record;
}
std::optional<Unnamed> erase(Said s, std::uint64_t thread = 0) {
  return without_names(record_of(s), thread, of);
}

TEST(Erasure, an_own_message_keeps_its_number_and_loses_all_else) {
  const auto gone = erase(said(5, "alice", "text", R"({"text":"secret"})"), 3);
  ASSERT_TRUE(gone);
  EXPECT_TRUE(gone->own);
  EXPECT_EQ(gone->from, kNobody);
  EXPECT_EQ(gone->ref, "");
  EXPECT_EQ(
      gone->envelope,
      R"({"seq":5,"epoch":"e1","id":"00000000000000000000000000","room":"lab","from":"~k3x7q2mzk4w3pa5b",)"
      R"("role":"member","at":1005,"type":"text","content":{},"deleted":{"seq":5,"at":1005,)"
      R"("by":"~k3x7q2mzk4w3pa5b","thread":3}})");
}

TEST(Erasure, a_type_of_their_own_becomes_text) {
  EXPECT_EQ(erase(said(5, "alice", "x.alices-poll", R"({"q":1})"))->type, "text");
  EXPECT_EQ(erase(said(5, "alice", "media", R"({"q":1})"))->type, "media");
}

TEST(Erasure, an_own_delete_keeps_its_target_only) {
  const auto gone = erase(said(5, "alice", "delete", R"({"type":"delete","target":4,"why":"secret"})"));
  EXPECT_TRUE(gone->envelope.ends_with(R"("content":{"type":"delete","target":4}})")) << gone->envelope;
}

TEST(Erasure, mentions_in_others_texts_are_replaced_by_the_rule_of_mentions) {
  const auto gone = erase(
      said(5, "bob", "text", R"({"text":"hi @Alice, @alice. not a@alice @alice2 @alic\u0065","n":1.50})"));
  ASSERT_TRUE(gone);
  EXPECT_FALSE(gone->own);
  EXPECT_EQ(gone->from, "bob");
  EXPECT_NE(
      gone->envelope.find(
          R"({"text":"hi @~k3x7q2mzk4w3pa5b, @~k3x7q2mzk4w3pa5b. not a@alice @alice2 @~k3x7q2mzk4w3pa5b","n":1.50})"),
      std::string::npos)
      << gone->envelope;
  EXPECT_FALSE(erase(said(5, "bob", "text", R"({"text":"alice is here"})")));
}

TEST(Erasure, entries_of_the_backend_name_them_no_more) {
  const auto gone = erase(said(5, "bob", "member", R"({"action":"added","user":"alice","role":"member"})"));
  EXPECT_TRUE(gone->envelope.ends_with(R"({"action":"added","user":"~k3x7q2mzk4w3pa5b","role":"member"}})"));
}

TEST(Erasure, who_deleted_others_messages_is_named_no_more) {
  auto s = said(5, "bob", "text", "{}");
  record_of(s);
  s.text.insert(s.text.size() - 1, R"(,"deleted":{"seq":6,"at":1,"by":"alice"})");
  s.record.envelope = s.text;
  EXPECT_TRUE(without_names(s.record, 0, of)
                  ->envelope.ends_with(R"("deleted":{"seq":6,"at":1,"by":"~k3x7q2mzk4w3pa5b"}})"));
}

TEST(Erasure, keys_stay) {
  EXPECT_EQ(replace_names(R"({"@alice" : ["@alice"]})", NamesIn::mentions, of),
            R"({"@alice" : ["@~k3x7q2mzk4w3pa5b"]})");
}

TEST(Erasure, erasing_twice_is_erasing_once) {
  auto s = said(5, "alice", "text", R"({"text":"secret"})");
  auto once = erase(s);
  s.text = once->envelope;
  s.record = {.room_id = 7, .seq = 5, .at_ms = 1005};
  s.record.from = once->from;
  s.record.type = once->type;
  s.record.envelope = s.text;
  EXPECT_FALSE(without_names(s.record, 0, of));
}

TEST(Erasure, a_fold_takes_an_erased_message_for_deleted) {
  RoomFold room;
  ASSERT_TRUE(room.add(erase(said(5, "alice", "text", R"({"text":"secret"})"))->envelope));
  auto reaction = said(6, "bob", "reaction", R"({"type":"reaction","target":5,"key":"+"})");
  record_of(reaction);
  ASSERT_TRUE(room.add(reaction.text));
  const auto folded = room.folded();
  EXPECT_TRUE(
      folded.at(5).ends_with(R"("content":{},"deleted":{"seq":5,"at":1005,"by":"~k3x7q2mzk4w3pa5b"}})"));
  EXPECT_TRUE(
      folded.at(6).ends_with(R"("content":{},"deleted":{"seq":5,"at":1005,"by":"~k3x7q2mzk4w3pa5b"}})"));
}

TEST(Erasure, a_pseudonym_is_no_legal_name_and_mentions_nobody) {
  EXPECT_TRUE(is_pseudonym(kNobody));
  EXPECT_FALSE(is_pseudonym("alice"));
  EXPECT_FALSE(valid_name(kNobody));
  EXPECT_TRUE(mentions_in(std::string("@") + kNobody).empty());
}

TEST(Erasure, digests_differ_by_salt_and_not_by_case) {
  EXPECT_EQ(name_digest("s1", "Alice"), name_digest("s1", "alice"));
  EXPECT_NE(name_digest("s1", "alice"), name_digest("s2", "alice"));
  EXPECT_EQ(name_digest("s1", "alice").size(), 64u);
}

}  // namespace
}  // namespace parley::wire
