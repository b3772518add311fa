#include "wire/entry.h"

#include <gmock/gmock.h>

namespace parley::wire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string envelope(const std::string& content, const std::string& role = "member") {
  return R"({"seq":5,"from":"a@b.c","role":")" + role + R"(","ref":",\"content\":{","content":)" + content +
         "}";
}
Entry read(const std::string& type, const std::string& content, const std::string& role = "member") {
  static std::string text;
  text = envelope(content, role);
  return read_entry({.seq = 5, .at_ms = 9, .from = "alice", .type = type, .envelope = text});
}

TEST(Entry, ordinary_messages_say_nothing_of_others) {
  const auto entry = read("text", R"({"text":"hi"})");
  EXPECT_TRUE(entry.plain());
  EXPECT_TRUE(entry.message());
  EXPECT_TRUE(entry.countable());
}

TEST(Entry, only_messages_count) {
  for (const char* type : {"edit", "delete", "reaction", "member", "room"}) {
    EXPECT_FALSE(read(type, R"({"target":1})").message()) << type;
    EXPECT_FALSE(read(type, R"({"target":1})").countable()) << type;
  }
  for (const char* type : {"text", "media", "data", "x.poll"})
    EXPECT_TRUE(read(type, "{}").countable()) << type;
  EXPECT_FALSE(read_entry({.flags = kRecordImported, .type = "text", .envelope = "{}"}).countable());
}

TEST(Entry, edits_deletes_and_reactions_tell_their_target) {
  EXPECT_EQ(read("edit", R"({"type":"edit","target":3,"text":"x"})").target, 3u);
  EXPECT_EQ(read("delete", R"({"type":"delete","target":4})", "owner").target, 4u);
  EXPECT_EQ(read("delete", R"({"type":"delete","target":4})", "owner").role, Role::owner);
  const auto reaction = read("reaction", R"({"type":"reaction","target":2,"key":"+1","remove":true})");
  EXPECT_EQ(reaction.target, 2u);
  EXPECT_EQ(reaction.key, "+1");
  EXPECT_TRUE(reaction.remove);
}

TEST(Entry, a_target_or_thread_where_none_belongs_means_nothing) {
  EXPECT_EQ(read("text", R"({"text":"@bob","target":3})").target, 0u);
  EXPECT_EQ(read("edit", R"({"target":3,"thread":2,"text":"@bob"})").thread, 0u);
  EXPECT_THAT(read("edit", R"({"target":3,"text":"@bob"})").mentions, IsEmpty());
}

TEST(Entry, a_reply_names_its_thread_however_it_is_written) {
  EXPECT_EQ(read("text", R"({"text":"x","thread":7})").thread, 7u);
  EXPECT_EQ(read("text", R"({"text":"x","\u0074hread":7})").thread, 7u);
  EXPECT_EQ(read("text", R"({"text":"x","thread":"7"})").thread, 0u);
}

TEST(Entry, mentions_are_names_in_the_text) {
  EXPECT_THAT(read("text", R"({"text":"\u0040Bob and @carol"})").mentions, ElementsAre("bob", "carol"));
  EXPECT_THAT(read("text", R"({"text":"hi","note":"@bob"})").mentions, IsEmpty());
  EXPECT_THAT(mentions_in("@Bob: hi @bob, (@carol.d.) @x-. mail a@b.c _@no -@no @@eve @a@b.de"),
              ElementsAre("bob", "carol.d", "x", "eve", "a@b.de"));
  EXPECT_THAT(mentions_in("@ @- @.x é@dora @" + std::string(65, 'x')), ElementsAre("dora"));
}

TEST(Entry, so_many_mentions_and_no_more) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "@u" + std::to_string(i) + " ";
  EXPECT_EQ(mentions_in(text).size(), kMentionsMax);
}

TEST(Entry, everybody_is_called_by_moderators_only) {
  EXPECT_THAT(read("text", R"({"text":"@room"})", "owner").mentions, ElementsAre("@room"));
  EXPECT_THAT(read("text", R"({"text":"@Room"})", "moderator").mentions, ElementsAre("@room"));
  EXPECT_THAT(read("text", R"({"text":"@room"})", "member").mentions, ElementsAre("room"));
}

TEST(Entry, what_cannot_be_read_says_nothing) {
  EXPECT_TRUE(read("text", R"({"text":"@bob)").plain());
  EXPECT_TRUE(read_entry({.type = "text", .envelope = "@"}).plain());
  EXPECT_TRUE(read_entry({.type = "delete", .envelope = ""}).plain());
}

}  // namespace
}  // namespace parley::wire
