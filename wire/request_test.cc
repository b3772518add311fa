#include "wire/request.h"

#include <gtest/gtest.h>

#include <string>

#include "wire/limits.h"

namespace parley::wire {
namespace {

using namespace std::string_literals;

TEST(Request, id_is_taken_out_of_the_parameters) {
  const auto request = parse_request("alice", "history", R"({"id":"r1","room":"lab","limit":20})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->id, "r1");
  EXPECT_EQ(request->method, "history");
  EXPECT_EQ(request->user, "alice");
  EXPECT_EQ(request->params, (Json{{"room", "lab"}, {"limit", 20}}));
}

TEST(Request, nothing_is_a_request_without_parameters) {
  for (const char* payload : {"", "{}"}) {
    const auto request = parse_request("alice", "room.list", payload);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->id, "");
    EXPECT_EQ(request->params, Json::object());
  }
}

TEST(Request, what_is_not_an_object_is_malformed) {
  for (const std::string& payload :
       {" "s, "[]"s, "1"s, "room=lab"s, "{\"a\":1"s, "{\"a\":\"\xff\"}"s, R"({"a":"\u0000"})"s,
        "{\"a\":1}\0x"s, "\xef\xbb\xbf{}"s, R"({"id":"a","id":"b"})"s}) {
    const auto request = parse_request("alice", "history", payload);
    ASSERT_FALSE(request) << payload;
    EXPECT_EQ(request.error().code, Code::malformed) << payload;
  }
}

TEST(Request, size_and_depth_are_bounded) {
  const auto large = parse_request("alice", "history", std::string(kRequestMax + kOriginMax + 1, ' '));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Code::too_large);
  EXPECT_EQ(large.error().message, "The request has 263169 bytes; at most 262144 are taken.");
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  EXPECT_TRUE(parse_request("alice", "history", nested(kContentDepthMax)));
  const auto deep = parse_request("alice", "history", nested(kContentDepthMax + 1));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, Code::too_deep);
}

TEST(Request, the_plugins_word_on_the_origin_is_the_last) {
  for (const char* payload : {R"({"id":"r1","room":"lab"})", R"( {"id":"r1","room":"lab" } )",
                              R"({"id":"r1","$from":{"device":"lie"},"room":"lab"})"}) {
    const auto request = parse_request("alice", "history", with_origin(payload, "desk", "10.0.0.7"));
    ASSERT_TRUE(request) << payload;
    EXPECT_EQ(request->device, "desk");
    EXPECT_EQ(request->address, "10.0.0.7");
    EXPECT_EQ(request->params, (Json{{"room", "lab"}}));
    EXPECT_EQ(request->id, "r1");
  }
  for (const char* payload : {"", "{}", " { } "}) {
    const auto request = parse_request("alice", "history", with_origin(payload, "de\"sk", "::1"));
    ASSERT_TRUE(request) << payload;
    EXPECT_EQ(request->device, "de\"sk");
    EXPECT_TRUE(request->params.empty());
  }
  EXPECT_EQ(parse_request("alice", "history", R"({"room":"lab"})")->device, "");
}

TEST(Request, what_is_no_object_stays_none_with_an_origin) {
  for (const char* payload : {"[]", "x", "{", "}", " ", "\"{}", "{}x", "7"})
    EXPECT_EQ(with_origin(payload, "d", "a"), "") << payload;
  for (const char* payload : {R"({"a":"})", R"({"a":{})", R"({"a"})", R"({,})", R"({"a":1,})", R"({}{})", R"({"a":"\"})"}) {
    ASSERT_FALSE(parse_request("alice", "m", payload)) << payload;
    EXPECT_FALSE(parse_request("alice", "m", with_origin(payload, "d", "a"))) << payload;
  }
}

TEST(Request, id_is_a_short_string) {
  EXPECT_TRUE(parse_request("a", "m", "{\"id\":\"" + std::string(64, 'x') + "\"}"));
  for (const std::string& id : {"1"s, "null"s, "\"\""s, "{}"s, "\"" + std::string(65, 'x') + "\""}) {
    const auto request = parse_request("a", "m", "{\"id\":" + id + "}");
    ASSERT_FALSE(request) << id;
    EXPECT_EQ(request.error().code, Code::invalid_argument);
  }
}

TEST(Reply, result_and_failure_read_back) {
  const auto reply = parse_reply(format_reply("r\"1", Json{{"through", 17}}));
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->ok);
  EXPECT_EQ(reply->id, "r\"1");
  EXPECT_EQ(reply->result, (Json{{"through", 17}}));
  const auto refused = parse_reply(format_failure("r2", {Code::not_found, "There is no room `x`."}));
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->ok);
  EXPECT_EQ(refused->id, "r2");
  EXPECT_EQ(refused->code, "not_found");
  EXPECT_EQ(refused->message, "There is no room `x`.");
}

TEST(Reply, without_an_id_has_none) {
  EXPECT_EQ(format_reply("", Json::object()), R"({"ok":true,"result":{}})");
  EXPECT_EQ(format_failure("", {Code::internal, "x"}),
            R"({"ok":false,"error":{"code":"internal","message":"x"}})");
}

TEST(Reply, a_result_that_is_not_utf8_is_repaired_not_thrown) {
  EXPECT_TRUE(parse_reply(format_reply("r", Json{{"title", "a\xff"}})));
}

TEST(Reply, other_shapes_are_no_reply) {
  for (const char* payload :
       {"", "x", "[]", "{}", R"({"ok":1})", R"({"ok":true})", R"({"ok":false})",
        R"({"ok":false,"error":"x"})", R"({"ok":false,"error":{}})",
        R"({"ok":false,"error":{"code":1,"message":"x"}})", R"({"id":1,"ok":true,"result":{}})"}) {
    EXPECT_FALSE(parse_reply(payload)) << payload;
  }
  EXPECT_FALSE(
      parse_reply(R"({"ok":true,"result":)" + std::string(5000, '[') + std::string(5000, ']') + "}"));
}

TEST(Reply, a_code_of_a_later_version_is_still_a_reply) {
  EXPECT_EQ(parse_reply(R"({"ok":false,"error":{"code":"new_one","message":"m"}})")->code, "new_one");
}

TEST(Notice, only_what_is_known_is_told) {
  EXPECT_EQ(format_refused({Code::empty, "There is no content."}, "lab", ""),
            R"({"type":"refused","code":"empty","reason":"There is no content.","room":"lab"})");
  EXPECT_EQ(format_refused({Code::unavailable, "m"}, "", "", "history", "r1"),
            R"({"type":"refused","code":"unavailable","reason":"m","method":"history","id":"r1"})");
}

TEST(Notice, is_always_valid_json) {
  const auto notice = Json::parse(format_refused({Code::malformed, "\"\n"}, "lab", "\xff\"", "m", "i"));
  EXPECT_EQ(notice["reason"], "\"\n");
  EXPECT_EQ(notice["ref"], "\xef\xbf\xbd\"");
  EXPECT_EQ(format_duplicate("lab", "a1", 17), R"({"type":"duplicate","room":"lab","ref":"a1","seq":17})");
}

}  // namespace
}  // namespace parley::wire
