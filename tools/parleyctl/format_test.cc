#include "tools/parleyctl/format.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <ctime>
#include <sstream>

namespace parley::ctl {
namespace {

class Format : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC", 1);
    tzset();
  }
};

TEST_F(Format, control_characters_can_not_reach_a_terminal) {
  EXPECT_EQ(printable("a\x1b[31mb\x07\x7f\tc\r\n"), "a^[[31mb^G^? c^M^J");
  EXPECT_EQ(printable("a\nb", true), "a\nb");
  EXPECT_EQ(printable("x\xc2\x9by"), "x\xef\xbf\xbdy");
  EXPECT_EQ(printable("x\xe2\x80\xaey\xe2\x81\xa6z"), "x\xef\xbf\xbdy\xef\xbf\xbdz");
  EXPECT_EQ(printable("\xff"), "\xef\xbf\xbd");
  EXPECT_EQ(printable("héé €uro 😀"), "héé €uro 😀");
}

TEST_F(Format, table_columns_are_as_wide_as_their_widest_cell) {
  Table table({"USER", "TITLE"});
  table.add({"al", "A\nl"});
  table.add({"héloïse", "H"});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(), "USER     TITLE\nal       A^Jl\nhéloïse  H\n");
}

TEST_F(Format, messages_read_as_one_line_each) {
  EXPECT_EQ(format_message(Json::parse(
                R"({"seq":17,"at":1795314673123,"from":"alice","type":"text","content":{"text":"hi"}})")),
            "  17  2026-11-22 02:31:13  alice: hi");
  EXPECT_EQ(
      format_message(Json::parse(
          R"({"seq":18,"at":1795314673123,"from":"alice","type":"member","content":{"action":"added","user":"bob","role":"member"}})")),
      "  18  2026-11-22 02:31:13  * alice added bob as member");
  EXPECT_EQ(
      format_message(Json::parse(
          R"({"seq":20,"at":1795314673123,"from":"~k3x7q2mzk4w3pa5b","type":"member","content":{"action":"erased","user":"~k3x7q2mzk4w3pa5b"}})")),
      "  20  2026-11-22 02:31:13  * ~k3x7q2mzk4w3pa5b was erased");
  EXPECT_EQ(
      format_message(Json::parse(
          R"({"seq":19,"at":1,"sent_at":1149498000000,"imported":true,"from":"zippo@5e","type":"text","content":{"text":"waves","action":true,"nick":"zippo^"}})")),
      "  19  2006-06-05 09:00:00  * zippo^ waves");
  EXPECT_EQ(
      format_message(Json::parse(
          R"({"seq":12345,"at":1795314673123,"from":"bob","type":"edit","content":{"type":"edit","target":17,"text":"ho"}})")),
      "12345  2026-11-22 02:31:13  bob [edit 17]: ho");
}

TEST_F(Format, what_was_said_of_a_message_stands_behind_it) {
  EXPECT_EQ(
      format_message(Json::parse(
          R"({"seq":17,"at":0,"from":"bob","type":"text","content":{"text":"hi"},"edited":{"seq":19,"at":1},"reactions":[{"key":"+1","count":2,"users":["a","b"]},{"key":"\u001b","count":1}],"thread":{"replies":1,"last_seq":20}})")),
      "  17  -  bob: hi (edited) [+1 2] [^[ 1] [1 reply]");
  EXPECT_EQ(
      format_message(Json::parse(
          R"({"seq":17,"at":0,"from":"bob","type":"text","content":{},"deleted":{"seq":19,"at":1,"by":"mod"},"thread":{"replies":2,"last_seq":20}})")),
      "  17  -  bob (deleted by mod) [2 replies]");
  EXPECT_EQ(format_message(Json::parse(
                R"({"seq":18,"at":0,"from":"bob","type":"delete","content":{"type":"delete","target":17}})")),
            "  18  -  bob [delete 17]");
  EXPECT_EQ(
      format_message(Json::parse(
          R"({"seq":18,"at":0,"from":"bob","type":"reaction","content":{"type":"reaction","target":17,"key":"+1","remove":true}})")),
      "  18  -  bob [reaction 17]: not +1");
}

TEST_F(Format, a_nick_in_the_content_of_a_live_message_is_not_believed) {
  EXPECT_EQ(format_message(Json::parse(
                R"({"seq":1,"at":0,"from":"eve","type":"text","content":{"text":"x","nick":"alice"}})")),
            "   1  -  eve: x");
}

TEST_F(Format, lines_of_a_text_stay_inside_their_message) {
  EXPECT_EQ(format_message(Json::parse(
                R"({"seq":1,"at":0,"from":"eve","type":"text","content":{"text":"a\n2  now  bob: b"}})")),
            "   1  -  eve: a\n      2  now  bob: b");
}

TEST_F(Format, content_of_any_shape_is_shown) {
  for (auto content :
       {R"({"text":5})", R"({"text":null})", R"({"text":{"a":[1]}})", "{}", R"({"action":7,"user":[]})"}) {
    for (auto type : {"text", "member", "room", "edit", "x.y"}) {
      Json m{{"seq", 1}, {"at", 1}, {"from", "a"}, {"type", type}, {"content", Json::parse(content)}};
      EXPECT_FALSE(format_message(m).empty());
    }
  }
}

TEST_F(Format, fields_of_an_object_are_lines) {
  std::ostringstream out;
  print_fields(out, Json::parse(R"({"version":"1","store":{"lag":5,"ok":true},"created_at":1149498000000})"));
  EXPECT_EQ(out.str(), "created_at  2006-06-05 09:00:00\nstore.lag   5\nstore.ok    yes\nversion     1\n");
}

TEST_F(Format, durations) {
  EXPECT_EQ(parse_duration_s("90s"), 90);
  EXPECT_EQ(parse_duration_s("90"), 90);
  EXPECT_EQ(parse_duration_s("15m"), 900);
  EXPECT_EQ(parse_duration_s("12h"), 43'200);
  EXPECT_EQ(parse_duration_s("30d"), 2'592'000);
  for (auto bad :
       {"", "d", "0", "0d", "s30", "-1d", "30dd", "1w", "9999999999d", "4000d", "99999999999999999999s"}) {
    EXPECT_EQ(parse_duration_s(bad), 0) << bad;
  }
}

}  // namespace
}  // namespace parley::ctl
