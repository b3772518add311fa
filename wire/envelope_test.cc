#include "wire/envelope.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace parley::wire {
namespace {

constexpr const char* kUlid = "01JD8Z6V5T3Y0N7QF4R2W9XKCB";

Envelope full() {
  return {.seq = 17,
          .epoch = "k3x97q2m",
          .id = *parse_ulid(kUlid),
          .room = "lab",
          .from = "alice",
          .role = "member",
          .device = "phone",
          .at = 1795314673123,
          .type = "text",
          .ref = "a\"1\\",
          .imported = true,
          .sent_at = 1149498000000,
          .content = R"({"text":"hi"})"};
}

std::string minimal(const std::string& extra = {}, const std::string& content = "{}") {
  return R"({"seq":1,"epoch":"e","id":"01JD8Z6V5T3Y0N7QF4R2W9XKCB","room":"lab","from":"a","at":5,"type":"text")" +
         extra + R"(,"content":)" + content + "}";
}

TEST(Envelope, members_stand_in_the_contracts_order) {
  EXPECT_EQ(
      format_envelope(full()),
      R"({"seq":17,"epoch":"k3x97q2m","id":"01JD8Z6V5T3Y0N7QF4R2W9XKCB","room":"lab","from":"alice",)"
      R"("role":"member","device":"phone","at":1795314673123,"type":"text","ref":"a\"1\\","imported":true,)"
      R"("sent_at":1149498000000,"content":{"text":"hi"}})");
}

TEST(Envelope, what_is_not_there_is_left_out) {
  Envelope e = full();
  e.role = e.device = e.ref = "";
  e.imported = false;
  e.sent_at = 0;
  EXPECT_EQ(format_envelope(e),
            R"({"seq":17,"epoch":"k3x97q2m","id":"01JD8Z6V5T3Y0N7QF4R2W9XKCB","room":"lab","from":"alice",)"
            R"("at":1795314673123,"type":"text","content":{"text":"hi"}})");
}

TEST(Envelope, is_appended_to_what_is_there) {
  std::string out = "x";
  append_envelope(out, full());
  EXPECT_EQ(out, "x" + format_envelope(full()));
}

TEST(Envelope, the_largest_numbers_fit) {
  Envelope e = full();
  e.seq = std::numeric_limits<std::uint64_t>::max();
  e.at = e.sent_at = std::numeric_limits<std::int64_t>::max();
  const auto back = parse_envelope(format_envelope(e));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->seq, e.seq);
  EXPECT_EQ(back->at, e.at);
  EXPECT_EQ(back->sent_at, e.sent_at);
}

TEST(Envelope, reads_back_as_written) {
  const std::string text = format_envelope(full());
  const auto back = parse_envelope(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->ref, "a\"1\\");
  EXPECT_TRUE(back->imported);
  EXPECT_EQ(format_envelope(*back), text);
}

TEST(Envelope, content_keeps_its_order_and_numbers_and_loses_white_space) {
  const std::string content =
      "{ \"z\" : [ 1 , -2, 1.50, 1e5, 123456789012345678901234567890, true, null ],\n \"a\" : "
      "{\"k\":{},\"l\":[],\"m\":\"\\n\"} }";
  const auto back = parse_envelope(minimal("", content));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->content,
            R"({"z":[1,-2,1.50,1e5,123456789012345678901234567890,true,null],"a":{"k":{},"l":[],"m":"\n"}})");
}

TEST(Envelope, members_of_a_later_version_are_left_out) {
  const auto back = parse_envelope(minimal(R"(,"thread":{"of":[1]})"));
  ASSERT_TRUE(back);
  EXPECT_EQ(format_envelope(*back), minimal());
}

TEST(Envelope, missing_and_wrong_members_are_refused) {
  const auto good = nlohmann::json::parse(minimal());
  ASSERT_TRUE(parse_envelope(good.dump()));
  for (const auto& [name, value] : good.items()) {
    auto missing = good;
    missing.erase(name);
    EXPECT_FALSE(parse_envelope(missing.dump())) << name;
    auto wrong = good;
    wrong[name] = nlohmann::json::array({1});
    EXPECT_FALSE(parse_envelope(wrong.dump())) << name;
  }
  for (const char* extra :
       {R"(,"role":1)", R"(,"device":null)", R"(,"ref":{})", R"(,"imported":1)", R"(,"sent_at":"1")",
        R"(,"sent_at":-1)", R"(,"sent_at":9223372036854775808)", R"(,"seq":2)", R"(,"content":{})"}) {
    const auto e = parse_envelope(minimal(extra));
    ASSERT_FALSE(e) << extra;
    EXPECT_EQ(e.error().code, Errc::invalid_argument);
  }
  for (const char* text : {"", "[]", "{}", "x", "{\"seq\":1"}) EXPECT_FALSE(parse_envelope(text)) << text;
}

TEST(Envelope, content_may_be_as_deep_as_the_contract_allows) {
  const auto nested = [](int depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  EXPECT_TRUE(parse_envelope(minimal("", nested(16))));
  EXPECT_FALSE(parse_envelope(minimal("", nested(17))));
}

}  // namespace
}  // namespace parley::wire
