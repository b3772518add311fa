#include "wire/content.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "wire/limits.h"

namespace parley::wire {
namespace {

using namespace std::string_literals;

constexpr std::size_t kMax = kContentMaxDefault;

// "accepted", or the code's name; the sentence must be one.
std::string verdict(std::string_view payload, std::string_view property_ref = {}) {
  const auto content = parse_content(payload, kMax, {}, property_ref);
  if (content) return "accepted";
  EXPECT_TRUE(content.error().reason.ends_with('.')) << content.error().reason;
  return std::string(code_name(content.error().code));
}

std::string nested(std::size_t depth) {  // the object is level 1
  return R"({"text":"x","a":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
}

TEST(Content, an_object_is_kept_as_the_client_sent_it) {
  const auto content =
      parse_content(" \r\n{ \"text\" : \"h\\u00e9\",\n \"n\":1.50e1,\"ref\":\"a1\" }\t\n", kMax);
  ASSERT_TRUE(content);
  EXPECT_EQ(content->json, "{ \"text\" : \"h\\u00e9\",\n \"n\":1.50e1,\"ref\":\"a1\" }");
  EXPECT_EQ(content->type, "text");
  EXPECT_EQ(content->ref, "a1");
}

TEST(Content, plain_text_becomes_an_object) {
  const auto content = parse_content(" say \"hi\"\n", kMax, "text/plain", "r1");
  ASSERT_TRUE(content);
  EXPECT_EQ(content->type, "text");
  EXPECT_EQ(content->ref, "r1");
  EXPECT_EQ(content->json, R"({"text":" say \"hi\"\n"})");
  EXPECT_EQ(parse_content("[1,2]", kMax)->json, R"({"text":"[1,2]"})");
}

TEST(Content, bytes_become_base64_with_their_content_type) {
  const auto content = parse_content("\xff\xfe"s, kMax, "image/png", "r1");
  ASSERT_TRUE(content);
  EXPECT_EQ(content->type, "data");
  EXPECT_EQ(content->ref, "r1");
  EXPECT_EQ(content->json, R"({"data":"//4=","content_type":"image/png"})");
  EXPECT_EQ(parse_content("a\0b"s, kMax)->type, "data");
}

TEST(Content, an_illegal_content_type_is_ignored) {
  for (const std::string& given : {""s, "a\nb"s, "\xc3\xa9"s, "a\0b"s, std::string(129, 'x')}) {
    const auto content = parse_content("\xff", kMax, given);
    ASSERT_TRUE(content);
    EXPECT_EQ(content->json, R"({"data":"/w==","content_type":"application/octet-stream"})");
  }
  EXPECT_EQ(parse_content("\xff", kMax, R"(x/"y)")->json, R"({"data":"/w==","content_type":"x/\"y"})");
  EXPECT_NE(parse_content("\xff", kMax, std::string(128, 'x'))->json.find("xxx"), std::string::npos);
}

TEST(Content, nothing_is_empty) {
  for (const std::string& payload :
       {""s, " "s, " \t\r\n"s, "{}"s, " { } "s, R"({"text":""})"s, R"({"text":" \n"})"s}) {
    EXPECT_EQ(verdict(payload), "empty") << payload;
  }
}

TEST(Content, the_size_limit_counts_bytes_and_says_so) {
  EXPECT_EQ(verdict(std::string(kMax, 'x')), "accepted");
  const auto content = parse_content(std::string(70000, 'x'), kMax);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().code, Code::too_large);
  EXPECT_EQ(content.error().reason, "The content has 70000 bytes; at most 65536 are taken.");
}

TEST(Content, text_that_grows_beyond_a_journal_record_is_too_large) {
  const auto content = parse_content(std::string(kContentMaxLimit, '\x01'), kContentMaxLimit);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().code, Code::too_large);
  EXPECT_TRUE(parse_content(std::string(kContentMaxLimit, '\xff'), kContentMaxLimit));
}

TEST(Content, sixteen_levels_are_taken_and_seventeen_are_not) {
  EXPECT_EQ(verdict(nested(16)), "accepted");
  EXPECT_EQ(verdict(nested(17)), "too_deep");
  EXPECT_EQ(verdict("{\"a\":" + std::string(60000, '[')), "too_deep");
  std::string objects;
  for (int i = 0; i < 9000; ++i) objects += "{\"a\":";
  EXPECT_EQ(verdict(objects), "too_deep");
}

TEST(Content, what_begins_like_an_object_must_be_one) {
  for (const std::string& payload :
       {"{"s, "{hello}"s, "{\"text\":\"x\"} y"s, "{\"text\":\"x\"}{}"s, "{\"text\":\"x\",}"s, "{'text':'x'}"s,
        "{\"text\":\"x\"} // c"s, "{\"text\":\"x\",\"a\":01}"s, "{\"text\":\"x\",\"a\":1e999}"s,
        "{\"text\":\"x\",\"a\":NaN}"s, "{\"text\":\"a\nb\"}"s, "{\"text\":x}"s, "{\"text\"}"s, "{1:2}"s}) {
    EXPECT_EQ(verdict(payload), "malformed") << payload;
  }
}

TEST(Content, strings_are_strict_utf8_without_nul) {
  for (const std::string& payload :
       {"{\"text\":\"\xff\"}"s, "{\"text\":\"\xc0\x80\"}"s, "{\"text\":\"\xed\xa0\x80\"}"s,
        "{\"text\":\"\xf4\x90\x80\x80\"}"s, "{\"text\":\"\xe2\x82\"}"s, "{\"\xff\":1,\"text\":\"x\"}"s,
        R"({"text":"\ud800"})"s, R"({"text":"a\u0000"})"s, R"({"text":"x","\u0000":1})"s,
        R"({"text":"x","a":{"b":["\u0000"]}})"s, R"({"text":"x","a":{"\u0000":1}})"s,
        "{\"text\":\"a\0\"}"s}) {
    EXPECT_EQ(verdict(payload), "malformed") << payload;
  }
  EXPECT_EQ(verdict("{\"text\":\"\xf0\x9f\x98\x80 \\ud83d\\ude00\"}"), "accepted");
}

TEST(Content, a_raw_nul_does_not_end_the_object) {
  EXPECT_EQ(verdict("{\"text\":\"x\"}\0"s), "malformed");
  EXPECT_EQ(verdict("{\"text\":\"x\"}\0,\"from\":\"bob\"}"s), "malformed");
}

TEST(Content, members_the_broker_reads_are_given_once) {
  for (const char* payload :
       {R"({"type":"text","type":"media","text":"x"})", R"({"ref":"a","text":"x","ref":"a"})",
        R"({"text":"x","text":"y"})", R"({"type":"edit","target":1,"target":2})",
        R"({"text":"x","ref":"a","\u0072ef":"b"})", R"({"ref":[],"ref":"a","text":"x"})"}) {
    EXPECT_EQ(verdict(payload), "malformed") << payload;
  }
  EXPECT_EQ(verdict(R"({"text":"x","a":{"ref":1,"ref":2,"type":"member"}})"), "accepted");
}

TEST(Content, types_from_clients) {
  for (const char* payload :
       {R"({"type":"text","text":"x"})", R"({"type":"media","url":"u"})",
        R"({"type":"edit","target":1,"text":""})", R"({"type":"delete","target":18446744073709551615})",
        R"({"type":"reaction","target":2,"key":"+1"})", R"({"type":"x.a"})", R"({"type":"x.poll-2_b.c"})",
        R"({"typ\u0065":"x.a"})"}) {
    EXPECT_EQ(verdict(payload), "accepted") << payload;
  }
  EXPECT_EQ(parse_content(R"({"type":"x.poll"})", kMax)->type, "x.poll");
  EXPECT_EQ(verdict("{\"type\":\"x." + std::string(62, 'a') + "\"}"), "accepted");
}

TEST(Content, other_types_are_reserved) {
  for (const char* payload : {R"({"type":"member","text":"x"})", R"({"type":"room"})", R"({"type":"data"})",
                              R"({"type":"","text":"x"})", R"({"type":"x."})", R"({"type":"x.A"})",
                              R"({"type":"x.a b"})", R"({"type":"Text","text":"x"})", R"({"type":"y.a"})"}) {
    EXPECT_EQ(verdict(payload), "reserved_type") << payload;
  }
  EXPECT_EQ(verdict("{\"type\":\"x." + std::string(63, 'a') + "\"}"), "reserved_type");
}

TEST(Content, members_of_the_wrong_kind_are_malformed) {
  for (const char* payload :
       {R"({"type":1,"text":"x"})", R"({"type":null,"text":"x"})", R"({"text":1})", R"({"text":["x"]})",
        R"({"a":1})", R"({"ref":1,"text":"x"})", R"({"ref":{},"text":"x"})", R"({"type":"edit"})",
        R"({"type":"edit","target":0})", R"({"type":"delete","target":-1})",
        R"({"type":"delete","target":1.0})", R"({"type":"reaction","target":"1"})",
        R"({"type":"edit","target":18446744073709551616})", R"({"type":"edit","a":{"target":1}})"}) {
    EXPECT_EQ(verdict(payload), "malformed") << payload;
  }
}

TEST(Content, reactions_have_a_short_key) {
  for (const std::string& members :
       {R"("key":"👍")"s, R"("key":"+1","remove":true)"s, R"("key":"+1","remove":false)"s,
        "\"key\":\"" + std::string(64, 'k') + "\""}) {
    EXPECT_EQ(verdict("{\"type\":\"reaction\",\"target\":2," + members + "}"), "accepted") << members;
  }
  for (const std::string& members :
       {R"("a":1)"s, R"("key":"")"s, R"("key":1)"s, R"("key":["+1"])"s, R"("key":"a\nb")"s,
        R"("key":"+1","remove":1)"s, R"("key":"+1","key":"+1")"s,
        R"("key":"+1","remove":true,"remove":false)"s, "\"key\":\"" + std::string(65, 'k') + "\""}) {
    EXPECT_EQ(verdict("{\"type\":\"reaction\",\"target\":2," + members + "}"), "malformed") << members;
  }
}

TEST(Content, an_edit_says_what_is_to_stand_there) {
  EXPECT_EQ(verdict(R"({"type":"edit","target":1,"url":"u"})"), "accepted");
  EXPECT_EQ(verdict(R"({"type":"edit","target":1})"), "empty");
  EXPECT_EQ(verdict(R"({"type":"edit","target":1,"ref":"a","thread":2,"reply_to":2})"), "empty");
  EXPECT_EQ(verdict(R"({"type":"edit","target":1,"text":7})"), "malformed");
}

TEST(Content, threads_and_replies_are_numbers_of_messages) {
  EXPECT_EQ(verdict(R"({"text":"x","thread":3,"reply_to":4})"), "accepted");
  for (const char* payload : {R"({"text":"x","thread":0})", R"({"text":"x","thread":"3"})",
                              R"({"text":"x","thread":3,"thread":3})", R"({"text":"x","reply_to":-1})",
                              R"({"type":"x.a","reply_to":null})", R"({"text":"x","reply_to":1.5})"}) {
    EXPECT_EQ(verdict(payload), "malformed") << payload;
  }
}

TEST(Content, the_highest_entry_it_names_is_told) {
  const auto refers_to = [](const char* payload) { return parse_content(payload, kMax)->refers_to; };
  EXPECT_EQ(refers_to(R"({"text":"x"})"), 0u);
  EXPECT_EQ(refers_to(R"({"text":"x","target":9})"), 0u);
  EXPECT_EQ(refers_to(R"({"text":"x","thread":3,"reply_to":7})"), 7u);
  EXPECT_EQ(refers_to(R"({"type":"delete","target":12,"reply_to":7})"), 12u);
  EXPECT_EQ(refers_to("plain text"), 0u);
}

TEST(Content, refs_are_short_and_without_controls) {
  const auto with_ref = [](const std::string& ref) { return "{\"text\":\"x\",\"ref\":\"" + ref + "\"}"; };
  EXPECT_EQ(verdict(with_ref(std::string(128, 'r'))), "accepted");
  EXPECT_EQ(verdict(with_ref("\xc3\xa9\xc2\xa0")), "accepted");
  for (const std::string& ref :
       {""s, std::string(129, 'r'), "\\n"s, "\\u001f"s, "\x7f"s, "\xc2\x85"s, "\\u0080"s}) {
    EXPECT_EQ(verdict(with_ref(ref)), "malformed") << ref;
  }
}

TEST(Content, an_objects_own_ref_wins_over_the_property) {
  EXPECT_EQ(parse_content(R"({"text":"x","ref":"own"})", kMax, {}, "property")->ref, "own");
  EXPECT_EQ(parse_content(R"({"text":"x"})", kMax, {}, "property")->ref, "property");
  EXPECT_EQ(verdict("hi", "a\nb"), "malformed");
  EXPECT_EQ(verdict("hi", std::string(129, 'r')), "malformed");
  EXPECT_EQ(verdict("hi", "\xff"), "malformed");
  EXPECT_EQ(verdict(R"({"text":"x","ref":"own"})", "a\nb"), "accepted");
}

TEST(Content, a_refused_messages_ref_can_still_be_read) {
  EXPECT_EQ(peek_ref(R"({"ref":"a1","type":"member"})", kMax), "a1");
  EXPECT_EQ(peek_ref(R"({"ref":"a1","text":)", kMax), "a1");
  EXPECT_EQ(peek_ref(R"({"ref":"a1","text":")" + std::string(70000, 'x') + "\"}", kMax), "a1");
  EXPECT_EQ(peek_ref(R"({"text":")" + std::string(70000, 'x') + R"(","ref":"a1"})", kMax), "");
  EXPECT_EQ(peek_ref(R"({"ref":"a\n","text":"x"})", kMax, "p"), "");
  EXPECT_EQ(peek_ref(R"({"text":""})", kMax, "p"), "p");
  EXPECT_EQ(peek_ref("hi", kMax, "p"), "p");
  EXPECT_EQ(peek_ref("hi", kMax, "p\n"), "");
  EXPECT_EQ(peek_ref("", kMax), "");
}

TEST(Content, sentences_say_what_to_mend) {
  const auto reason = [](std::string_view payload) { return parse_content(payload, kMax).error().reason; };
  EXPECT_EQ(reason(R"({"text":"x"} y)"),
            "The content begins with { but is not valid JSON: it goes wrong at byte 14.");
  EXPECT_EQ(reason(nested(17)), "The content is nested deeper than 16 levels.");
  EXPECT_EQ(reason(R"({"text":"x","ref":"a","ref":"b"})"), "The content has `ref` twice.");
  EXPECT_EQ(reason(R"({"text":"\u0000"})"), "The content holds the character U+0000, which is not taken.");
  EXPECT_EQ(reason(R"({"type":"room"})"), "Messages of type `room` come from the server alone.");
  EXPECT_EQ(reason(R"({"txt":"x"})"), "A message of type `text` needs `text`, a string.");
}

TEST(Receipts, watermarks_are_whole_numbers_in_order) {
  const auto both = parse_receipts(R"({"received":12,"read":10})");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->received, 12u);
  EXPECT_EQ(both->read, 10u);
  EXPECT_EQ(parse_receipts(R"({"read":10})")->read, 10u);
  EXPECT_EQ(parse_receipts(R"({"received":0})")->received, 0u);
  for (const char* payload :
       {"", "{}", "12", R"({"received":1,"read":2})", R"({"read":-1})", R"({"read":1.0})", R"({"read":"1"})",
        R"({"read":null})", R"({"read":1,"text":"free chat"})", R"({"read":1,"read":1})",
        R"({"read":1,"received":"x"})"}) {
    const auto receipts = parse_receipts(payload);
    ASSERT_FALSE(receipts) << payload;
    EXPECT_EQ(receipts.error().code, Code::malformed) << payload;
  }
  EXPECT_EQ(parse_receipts(R"({"read":1)" + std::string(300, ' ') + "}").error().code, Code::too_large);
}

TEST(DeviceStatus, is_one_of_three_words) {
  for (const char* status : {"online", "away", "offline"}) {
    EXPECT_TRUE(check_device_status(R"({"battery":0.5,"status":")"s + status + "\"}")) << status;
  }
  for (const char* payload :
       {"{}", "online", R"({"status":"Online"})", R"({"status":["online"]})", R"({"status":1})"}) {
    EXPECT_EQ(check_device_status(payload).error().code, Code::malformed) << payload;
  }
  EXPECT_FALSE(check_device_status(""));
  EXPECT_EQ(check_device_status(R"({"status":"away","a":")" + std::string(1024, 'x') + "\"}").error().code,
            Code::too_large);
}

TEST(Typing, is_true_or_false_and_nothing_else) {
  EXPECT_TRUE(check_typing(R"({"typing":true})"));
  EXPECT_TRUE(check_typing(R"( {"typing" : false} )"));
  for (const char* payload : {"", "true", "{}", R"({"typing":1})", R"({"typing":true,"text":"x"})"}) {
    EXPECT_EQ(check_typing(payload).error().code, Code::malformed) << payload;
  }
}

}  // namespace
}  // namespace parley::wire
