#include "wire/fold.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/envelope.h"

namespace parley::wire {
namespace {

using nlohmann::json;

std::string envelope(std::uint64_t seq, const std::string& from, const std::string& content,
                     const std::string& role = "member") {
  const auto said = json::parse(content);
  return format_envelope({.seq = seq,
                          .epoch = "e1",
                          .id = {},
                          .room = "lab",
                          .from = from,
                          .role = role,
                          .device = {},
                          .at = static_cast<std::int64_t>(1000 + seq),
                          .type = said.value("type", "text"),
                          .ref = {},
                          .imported = false,
                          .sent_at = 0,
                          .content = content});
}
std::string about(const std::string& type, std::uint64_t target, const std::string& more = "") {
  return "{\"type\":\"" + type + "\",\"target\":" + std::to_string(target) + more + "}";
}

class Folded : public testing::Test {
 protected:
  void say(std::uint64_t seq, const std::string& from, const std::string& content,
           const std::string& role = "member") {
    ASSERT_TRUE(room_.add(envelope(seq, from, content, role)));
  }
  json at(std::uint64_t seq) { return json::parse(room_.folded().at(seq)); }

  RoomFold room_;
};

TEST_F(Folded, what_nobody_speaks_of_is_given_as_it_came) {
  const auto text = envelope(1, "alice", R"({ "text" : "hi", "n":1.50 })");
  ASSERT_TRUE(room_.add(text));
  say(2, "bob", R"({"text":"x"})");
  EXPECT_EQ(room_.folded().at(1), text);
}

TEST_F(Folded, the_newest_edit_gives_the_content) {
  say(1, "alice", R"({"type":"text","text":"one","ref":"r","reply_to":7,"thread":9})");
  say(2, "alice", about("edit", 1, R"(,"text":"two","n":1.50,"ref":"q","reply_to":3)"));
  say(3, "alice", about("edit", 1, R"(,"text":"three")"));
  EXPECT_EQ(at(1)["content"], json::parse(R"({"text":"three","reply_to":7,"thread":9})"));
  EXPECT_EQ(at(1)["edited"], json::parse(R"({"seq":3,"at":1003})"));
  EXPECT_EQ(at(1)["type"], "text");
  EXPECT_EQ(at(2)["content"]["text"], "two");
}

TEST_F(Folded, numbers_of_an_edit_are_as_they_were_written) {
  say(1, "alice", R"({"text":"one"})");
  say(2, "alice", about("edit", 1, R"(,"text":"x","n":1.50e0,"big":123456789012345678901234567890)"));
  EXPECT_NE(room_.folded().at(1).find(
                R"("content":{"text":"x","n":1.50e0,"big":123456789012345678901234567890},"edited")"),
            std::string::npos);
}

TEST_F(Folded, only_the_author_edits) {
  say(1, "alice", R"({"text":"one"})");
  say(2, "bob", about("edit", 1, R"(,"text":"two")"), "owner");
  say(3, "alice", about("edit", 2, R"(,"text":"three")"));
  EXPECT_FALSE(at(1).contains("edited"));
  EXPECT_FALSE(at(2).contains("edited"));
}

TEST_F(Folded, a_delete_takes_everything_that_was_said) {
  say(1, "alice", R"({"text":"secret"})");
  say(2, "alice", about("edit", 1, R"(,"text":"secret")"));
  say(3, "bob", about("reaction", 1, R"(,"key":"secret")"));
  say(4, "bob", about("delete", 1), "moderator");
  say(5, "alice", about("edit", 1, R"(,"text":"secret")"));
  for (std::uint64_t seq : {1, 2, 3, 5}) {
    EXPECT_EQ(at(seq)["content"], json::object()) << seq;
    EXPECT_EQ(at(seq)["deleted"], json::parse(R"({"seq":4,"at":1004,"by":"bob"})")) << seq;
    EXPECT_FALSE(at(seq).contains("edited"));
    EXPECT_FALSE(at(seq).contains("reactions"));
  }
  EXPECT_EQ(at(4)["content"]["target"], 1);
}

TEST_F(Folded, nobody_else_deletes) {
  say(1, "alice", R"({"text":"one"})");
  say(2, "bob", about("delete", 1));
  say(3, "bob", about("delete", 1), "reader");
  say(4, "alice", about("delete", 2));
  EXPECT_FALSE(at(1).contains("deleted"));
  EXPECT_FALSE(at(2).contains("deleted"));
}

TEST_F(Folded, one_reaction_stands_for_each_user_and_key) {
  say(1, "alice", R"({"text":"one"})");
  say(2, "bob", about("reaction", 1, R"(,"key":"b")"));
  say(3, "carol", about("reaction", 1, R"(,"key":"a")"));
  say(4, "bob", about("reaction", 1, R"(,"key":"a")"));
  say(5, "dave", about("reaction", 1, R"(,"key":"b")"));
  say(6, "dave", about("reaction", 1, R"(,"key":"b","remove":true)"));
  EXPECT_EQ(at(1)["reactions"],
            json::parse(
                R"([{"key":"b","count":1,"users":["bob"]},{"key":"a","count":2,"users":["carol","bob"]}])"));
  say(7, "bob", about("reaction", 1, R"(,"key":"b","remove":true)"));
  EXPECT_EQ(at(1)["reactions"], json::parse(R"([{"key":"a","count":2,"users":["carol","bob"]}])"));
}

TEST_F(Folded, so_many_users_and_keys_are_told) {
  say(1, "alice", R"({"text":"one"})");
  std::uint64_t seq = 2;
  for (int i = 0; i < 30; ++i) say(seq++, "u" + std::to_string(i), about("reaction", 1, R"(,"key":"a")"));
  for (int i = 0; i < 60; ++i)
    say(seq++, "bob", about("reaction", 1, ",\"key\":\"k" + std::to_string(i) + "\""));
  const auto reactions = at(1)["reactions"];
  EXPECT_EQ(reactions[0]["count"], 30);
  EXPECT_EQ(reactions[0]["users"].size(), kReactionUsersTold);
  EXPECT_EQ(reactions.size(), kReactionKeysTold);
}

TEST_F(Folded, a_root_tells_of_its_thread) {
  say(1, "alice", R"({"text":"root"})");
  say(2, "bob", R"({"text":"re","thread":1})");
  say(3, "bob", R"({"text":"not in a thread of its own","thread":2})");
  say(4, "carol", R"({"text":"re","thread":1})");
  EXPECT_EQ(at(1)["thread"], json::parse(R"({"replies":2,"last_seq":4})"));
  EXPECT_FALSE(at(2).contains("thread"));
  say(5, "carol", about("delete", 4));
  EXPECT_EQ(at(1)["thread"], json::parse(R"({"replies":1,"last_seq":2})"));
  EXPECT_EQ(at(4)["deleted"]["thread"], 1);
  say(6, "bob", about("delete", 2));
  EXPECT_FALSE(at(1).contains("thread"));
}

TEST_F(Folded, a_deleted_reply_is_still_no_root) {
  say(1, "alice", R"({"text":"root"})");
  say(2, "bob", R"({"text":"re","thread":1})");
  say(3, "carol", R"({"text":"of a reply","thread":2})");
  say(4, "bob", about("delete", 2));
  RoomFold of_rows;
  for (const auto& [seq, text] : room_.folded()) ASSERT_TRUE(of_rows.add(text));
  EXPECT_EQ(of_rows.folded(), room_.folded());
}

TEST_F(Folded, what_has_expired_is_left_out_and_its_replies_are_no_roots) {
  RoomFold room(3);
  for (const auto& one :
       {envelope(1, "alice", R"({"text":"root"})"), envelope(2, "alice", R"({"text":"x"})"),
        envelope(3, "bob", R"({"text":"re","thread":1})"),
        envelope(4, "alice", R"({"text":"re","thread":3})"),
        envelope(5, "alice", about("edit", 2, R"(,"text":"late")")),
        envelope(6, "alice", R"({"text":"a root"})"), envelope(7, "bob", R"({"text":"re","thread":6})")})
    ASSERT_TRUE(room.add(one));
  const auto folded = room.folded();
  EXPECT_EQ(folded.size(), 5u);
  EXPECT_EQ(folded.begin()->first, 3u);
  EXPECT_FALSE(json::parse(folded.at(3)).contains("thread"));
  EXPECT_EQ(json::parse(folded.at(6))["thread"]["replies"], 1);
}

TEST_F(Folded, what_is_no_envelope_is_refused) {
  EXPECT_FALSE(room_.add("{}"));
  EXPECT_FALSE(room_.add(""));
}

}  // namespace
}  // namespace parley::wire
