#include "tools/parleyctl/slack_import.h"

#include <gmock/gmock.h>

#include "tools/parleyctl/fake_room.h"
#include "tools/parleyctl/slack_testing.h"

namespace parley::ctl {
namespace {

class SlackImportTest : public SlackFolder {
 protected:
  SlackImportTest() {
    write(
        "users.json",
        R"([{"id":"U1","name":"ann","profile":{"real_name":"Ann Lee"}},{"id":"U2","name":"ben o"},{"id":"U3","name":"cleo"}])");
    write("channels.json", R"([{"id":"C1","name":"lab","creator":"U1","members":["U1","U2"]}])");
  }

  Outcome<SlackCount> import(int batches = 1 << 30) {
    auto opened = open_slack_export(folder_);
    EXPECT_TRUE(opened) << opened.error().message;
    Speakers speakers(room_);
    if (auto ok = speakers.load(); !ok) return std::unexpected(ok.error());
    SlackImport import(
        room_, *opened, opened->channels[0], speakers, [&](const SlackCount&) { return --batches > 0; },
        [](int tries) { return tries < 3; });
    return import.run();
  }

  // `count` messages from second `first` on; every third answers in the thread of the first one, every fifth has two reactions.
  std::string day(int first, int count) {
    Json list = Json::array();
    for (int i = first; i < first + count; ++i) {
      Json message{{"type", "message"},
                   {"user", "U" + std::to_string(i % 3 + 1)},
                   {"text", "message " + std::to_string(i)},
                   {"ts", std::to_string(1577930400 + i) + ".000100"}};
      if (i % 3 == 1) message["thread_ts"] = std::to_string(1577930400 + first) + ".000100";
      if (i % 5 == 0) message["reactions"] = {{{"name", "tada"}, {"users", {"U1", "U2"}}, {"count", 2}}};
      list.push_back(std::move(message));
    }
    return list.dump();
  }

  FakeRoom room_;
};

TEST_F(SlackImportTest, a_message_keeps_its_speaker_time_thread_and_reactions) {
  write("lab/2020-01-02.json", R"([
    {"type":"message","user":"U1","text":"<@U2> look","ts":"1577930401.000100","thread_ts":"1577930401.000100",
     "reactions":[{"name":"+1","users":["U2","U3"],"count":2}]},
    {"type":"message","user":"U2","text":"where?","ts":"1577930402.000200","thread_ts":"1577930401.000100"}])");
  auto count = import();
  ASSERT_TRUE(count) << count.error().message;
  EXPECT_EQ(count->imported, 2u);
  EXPECT_EQ(count->reactions, 2u);
  ASSERT_EQ(room_.messages.size(), 4u);
  EXPECT_EQ(room_.messages[0]["from"], "ann");
  EXPECT_EQ(room_.messages[0]["sent_at"], 1577930401000);
  EXPECT_EQ(room_.messages[0]["content"], (Json{{"text", "@ben@20o look"}}));
  EXPECT_EQ(room_.messages[1]["content"], (Json{{"text", "where?"}, {"thread", 1}}));
  EXPECT_EQ(room_.messages[2]["content"], (Json{{"target", 1}, {"key", ":+1:"}}));
  EXPECT_EQ(room_.messages[2]["type"], "reaction");
  EXPECT_EQ(room_.messages[3]["from"], "cleo");
  EXPECT_THAT(room_.users, ::testing::Contains("ben@20o"));
}

TEST_F(SlackImportTest, a_message_of_files_alone_names_them) {
  write("lab/2020-01-02.json",
        R"([{"type":"message","subtype":"file_share","user":"U3","text":"","ts":"1577930401.000100",
    "files":[{"name":"a.png","mimetype":"image/png","url_private":"https://files.example/a.png"},{"id":"gone"}]}])");
  ASSERT_TRUE(import());
  ASSERT_EQ(room_.messages.size(), 1u);
  EXPECT_EQ(room_.messages[0]["type"], "x.slack.file");
  EXPECT_EQ(
      room_.messages[0]["content"]["files"],
      Json::parse(R"([{"name":"a.png","content_type":"image/png","url":"https://files.example/a.png"}])"));
}

TEST_F(SlackImportTest, stopped_anywhere_it_goes_on_and_repeats_nothing) {
  write("lab/2020-01-02.json", day(0, 700));
  write("lab/2020-01-03.json", day(90000, 800));
  int stops = 0;
  for (int round = 0; round < 30; ++round) {
    room_.forget_answer = round % 2 == 0;
    auto count = import(1 + round % 2);
    if (count) break;
    EXPECT_EQ(count.error().code, "interrupted");
    ++stops;
  }
  EXPECT_GE(stops, 3);
  auto again = import();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->imported + again->reactions, 0u);
  EXPECT_EQ(again->already_there, 1500u + 2 * 300);
  std::size_t messages = 0, reactions = 0;
  std::int64_t before = 0;
  for (const auto& message : room_.messages) {
    if (message["type"] == "reaction") {
      const auto& about = room_.messages[message["content"]["target"].get<std::size_t>() - 1];
      EXPECT_EQ(about["sent_at"], message["sent_at"]);
      ++reactions;
      continue;
    }
    EXPECT_LT(before, message["sent_at"].get<std::int64_t>());
    before = message["sent_at"];
    ++messages;
    if (message["content"].contains("thread")) {
      EXPECT_LT(message["content"]["thread"], message["seq"]);
    }
  }
  EXPECT_EQ(messages, 1500u);
  EXPECT_EQ(reactions, 600u);
}

}  // namespace
}  // namespace parley::ctl
