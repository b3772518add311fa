#include "tools/parleyctl/slack_export.h"

#include <gtest/gtest.h>

#include "tools/parleyctl/slack_testing.h"

namespace parley::ctl {
namespace {

std::string plain(std::string_view text) {
  return slack_text(text, [](std::string_view id) { return std::string(id == "U1" ? "ann" : ""); });
}

TEST(SlackText, markup_becomes_what_people_saw) {
  EXPECT_EQ(plain("hi <@U1>, see <#C9|lab> &amp; &lt;b&gt;"), "hi @ann, see #lab & <b>");
  EXPECT_EQ(plain("<@U7|zoe> <@U8>"), "@zoe @U8");
  EXPECT_EQ(plain("<!here> <!channel> <!subteam^S1|@ops> <!date^1^x|May>"), "@room @room @ops May");
  EXPECT_EQ(plain("<https://a.example/?x=1&amp;y=2|the page> <https://b.example>"),
            "the page (https://a.example/?x=1&y=2) https://b.example");
  EXPECT_EQ(plain("<http://a.example|a.example> <mailto:x@a.example|x@a.example>"),
            "http://a.example mailto:x@a.example");
  EXPECT_EQ(plain("&amp;lt; is not a bracket"), "&lt; is not a bracket");
  EXPECT_EQ(plain("a < b and <unclosed"), "a < b and <unclosed");
}

TEST_F(SlackFolder, what_nobody_said_is_skipped_and_counted) {
  write("general/2020-01-02.json", R"([
    {"type":"message","user":"U1","text":"second","ts":"1577930402.000100"},
    {"type":"message","subtype":"channel_join","user":"U1","text":"<@U1> has joined","ts":"1577930400.000100"},
    {"type":"message","user":"U2","text":"first","ts":"1577930401.500100","edited":{"user":"U2","ts":"1577930500.000000"}},
    {"type":"message","user":"U2","text":"no time","ts":"yesterday"},
    {"type":"message","subtype":"bot_message","username":"deploys","text":"","ts":"1577930403.000000",
     "attachments":[{"fallback":"done"},{"fallback":"all green"}]},
    {"type":"message","user":"U1","text":"","ts":"1577930404.000000","files":[{"name":"a.png","mimetype":"image/png","url_private":"https://files.example/a.png"}]},
    42, {"type":"message"}])");
  auto day = read_slack_day(folder_ / "general/2020-01-02.json");
  ASSERT_TRUE(day) << day.error().message;
  EXPECT_EQ(day->skipped, 4u);
  ASSERT_EQ(day->said.size(), 4u);
  EXPECT_EQ(day->said[0].text, "first");
  EXPECT_EQ(day->said[0].sent_at_ms, 1577930401500);
  EXPECT_EQ(day->said[0].edited_at_ms, 1577930500000);
  EXPECT_EQ(day->said[1].text, "second");
  EXPECT_EQ(day->said[2].user, "deploys");
  EXPECT_EQ(day->said[2].text, "done\nall green");
  EXPECT_EQ(day->said[3].files.at(0).mime, "image/png");
}

TEST_F(SlackFolder, a_folder_that_is_no_export_is_told_as_such) {
  EXPECT_FALSE(open_slack_export(folder_ / "nowhere"));
  EXPECT_FALSE(open_slack_export(folder_));  // no users.json
  write("users.json", "[]");
  write("channels.json", R"({"not":"a list"})");
  auto opened = open_slack_export(folder_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().exit, Exit::usage);
  write("channels.json", R"([{"id":"C1","name":"../../etc"}])");
  EXPECT_FALSE(open_slack_export(folder_));
  write("channels.json", R"([{"id":"C1","name":"lab"}])");
  opened = open_slack_export(folder_);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_TRUE(slack_days(*opened, opened->channels[0]).empty());
}

TEST_F(SlackFolder, private_channels_and_direct_chats_are_told_apart) {
  write(
      "users.json",
      R"([{"id":"U1","name":"ann","profile":{"real_name":"Ann Lee"}},{"id":"U2","name":"ben","real_name":"Ben"}])");
  write(
      "channels.json",
      R"([{"id":"C1","name":"lab","creator":"U1","members":["U1","U2"],"topic":{"value":""},"purpose":{"value":"Work"}}])");
  write("groups.json", R"([{"id":"G1","name":"core","members":["U1"]}])");
  write("dms.json", R"([{"id":"D1","members":["U1","U2"]}])");
  auto opened = open_slack_export(folder_);
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_EQ(opened->channels.size(), 2u);
  EXPECT_EQ(opened->channels[0].title, "Work");
  EXPECT_FALSE(opened->channels[0].is_private);
  EXPECT_TRUE(opened->channels[1].is_private);
  EXPECT_EQ(opened->direct_chats, 1u);
  EXPECT_EQ(opened->users.at("U1").title, "Ann Lee");
}

}  // namespace
}  // namespace parley::ctl
