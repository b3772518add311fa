// What each provider makes of each answer, as a table.
#include "backend/notify/providers/answers.h"

#include <gtest/gtest.h>

#include <ostream>
#include <vector>

#include "backend/notify/providers/apns_provider.h"
#include "backend/notify/providers/email_provider.h"
#include "backend/notify/providers/fcm_provider.h"
#include "backend/notify/providers/web_push_provider.h"
#include "backend/notify/providers/webhook_provider.h"

namespace parley::backend {
namespace {

using What = Delivery::What;
using Failure = HttpAnswer::Failure;

const char* name_of(What what) {
  switch (what) {
    case What::sent:
      return "sent";
    case What::retry:
      return "retry";
    case What::target_dead:
      return "target_dead";
    case What::refused:
      return "refused";
    case What::misconfigured:
      return "misconfigured";
  }
  return "";
}

struct Row {
  int status;
  const char* body;
  What what;
  const char* reason;
};

HttpAnswer answer_of(const Row& row) {
  return {.status = row.status, .body = row.body};
}

template <class Judge>
void expect_rows(const std::vector<Row>& rows, Judge judge) {
  for (const auto& row : rows) {
    const auto delivery = judge(answer_of(row));
    EXPECT_STREQ(name_of(delivery.what), name_of(row.what)) << row.status << " " << row.body;
    EXPECT_EQ(delivery.reason, row.reason) << row.status << " " << row.body;
  }
}

std::string fcm_error(const std::string& status, const std::string& details) {
  return R"({"error":{"message":"secret-address","status":")" + status + R"(","details":[)" + details + "]}}";
}
std::string fcm_code(const std::string& code) {
  return R"({"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":")" + code + R"("})";
}

TEST(Answers, of_fcm) {
  const auto unregistered = fcm_error("NOT_FOUND", fcm_code("UNREGISTERED"));
  const auto mismatch = fcm_error("PERMISSION_DENIED", fcm_code("SENDER_ID_MISMATCH"));
  const auto quota = fcm_error("RESOURCE_EXHAUSTED", fcm_code("QUOTA_EXCEEDED"));
  const auto unavailable = fcm_error("UNAVAILABLE", fcm_code("UNAVAILABLE"));
  const auto internal = fcm_error("INTERNAL", fcm_code("INTERNAL"));
  const auto third_party = fcm_error("UNAUTHENTICATED", fcm_code("THIRD_PARTY_AUTH_ERROR"));
  const auto invalid = fcm_error("INVALID_ARGUMENT", fcm_code("INVALID_ARGUMENT"));
  const auto bad_token = fcm_error(
      "INVALID_ARGUMENT",
      fcm_code("INVALID_ARGUMENT") +
          R"(,{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"message.token"}]})");
  expect_rows(
      {
          {200, R"({"name":"projects/p/messages/1"})", What::sent, ""},
          {200, "<html>", What::retry, "HTTP 200, but not as FCM answers"},
          {404, unregistered.c_str(), What::target_dead, "HTTP 404 UNREGISTERED"},
          {404, "<html>not here</html>", What::misconfigured, "HTTP 404"},
          {403, mismatch.c_str(), What::refused, "HTTP 403 SENDER_ID_MISMATCH"},
          {403, R"({"error":{"status":"PERMISSION_DENIED"}})", What::misconfigured,
           "HTTP 403 PERMISSION_DENIED"},
          {400, bad_token.c_str(), What::target_dead, "HTTP 400 INVALID_ARGUMENT"},
          {400, invalid.c_str(), What::refused, "HTTP 400 INVALID_ARGUMENT"},
          {429, quota.c_str(), What::retry, "HTTP 429 QUOTA_EXCEEDED"},
          {500, internal.c_str(), What::retry, "HTTP 500 INTERNAL"},
          {503, unavailable.c_str(), What::retry, "HTTP 503 UNAVAILABLE"},
          {502, "garbage \xff", What::retry, "HTTP 502"},
          {401, third_party.c_str(), What::misconfigured, "HTTP 401 THIRD_PARTY_AUTH_ERROR"},
          {401, "", What::misconfigured, "HTTP 401"},
          {302, "", What::misconfigured, "HTTP 302"},
          {404, R"({"error":[1,{"details":7}]})", What::misconfigured, "HTTP 404"},
          {404, R"({"error":{"status":"a b\r\nc","details":[{"errorCode":{}}]}})", What::misconfigured,
           "HTTP 404"},
      },
      [](const HttpAnswer& answer) { return fcm_answer(answer); });
  bool refused = false;
  (void)fcm_answer({.status = 401, .body = ""}, &refused);
  EXPECT_TRUE(refused);
  (void)fcm_answer({.status = 401, .body = third_party}, &refused);
  EXPECT_FALSE(refused);
}

TEST(Answers, of_apns) {
  expect_rows(
      {
          {200, "", What::sent, ""},
          {410, R"({"reason":"Unregistered","timestamp":1})", What::target_dead, "HTTP 410 Unregistered"},
          {410, R"({"reason":"ExpiredToken"})", What::target_dead, "HTTP 410 ExpiredToken"},
          {400, R"({"reason":"BadDeviceToken"})", What::target_dead, "HTTP 400 BadDeviceToken"},
          {400, R"({"reason":"DeviceTokenNotForTopic"})", What::refused, "HTTP 400 DeviceTokenNotForTopic"},
          {400, R"({"reason":"BadTopic"})", What::misconfigured, "HTTP 400 BadTopic"},
          {400, R"({"reason":"TopicDisallowed"})", What::misconfigured, "HTTP 400 TopicDisallowed"},
          {400, R"({"reason":"BadCollapseId"})", What::refused, "HTTP 400 BadCollapseId"},
          {413, R"({"reason":"PayloadTooLarge"})", What::refused, "HTTP 413 PayloadTooLarge"},
          {403, R"({"reason":"InvalidProviderToken"})", What::misconfigured, "HTTP 403 InvalidProviderToken"},
          {403, R"({"reason":"ExpiredProviderToken"})", What::misconfigured, "HTTP 403 ExpiredProviderToken"},
          {429, R"({"reason":"TooManyRequests"})", What::retry, "HTTP 429 TooManyRequests"},
          {429, R"({"reason":"TooManyProviderTokenUpdates"})", What::retry,
           "HTTP 429 TooManyProviderTokenUpdates"},
          {500, R"({"reason":"InternalServerError"})", What::retry, "HTTP 500 InternalServerError"},
          {503, "garbage", What::retry, "HTTP 503"},
          {410, "", What::misconfigured, "HTTP 410"},
          {404, "<html>", What::misconfigured, "HTTP 404"},
      },
      [](const HttpAnswer& answer) { return apns_answer(answer, {}); });
}

TEST(Answers, of_apns_about_a_device_that_came_back_since_prune_nothing) {
  const HttpAnswer gone{.status = 410, .body = R"({"reason":"Unregistered","timestamp":2000})"};
  EXPECT_EQ(apns_answer(gone, from_ms(1'999)).what, What::target_dead);
  EXPECT_EQ(apns_answer(gone, from_ms(2'001)).what, What::retry);
}

TEST(Answers, of_web_push_never_say_that_we_are_wrong_because_a_user_named_the_server) {
  expect_rows({{201, "", What::sent, ""},
               {200, "", What::sent, ""},
               {202, "", What::sent, ""},
               {404, "", What::target_dead, "HTTP 404"},
               {410, "gone", What::target_dead, "HTTP 410"},
               {413, "", What::refused, "HTTP 413"},
               {400, "", What::refused, "HTTP 400"},
               {401, "", What::refused, "HTTP 401"},
               {403, "", What::refused, "HTTP 403"},
               {301, "", What::refused, "HTTP 301"},
               {429, "", What::retry, "HTTP 429"},
               {500, "", What::retry, "HTTP 500"}},
              web_push_answer);
  EXPECT_EQ(web_push_answer({.failure = Failure::tls}).what, What::retry);
  EXPECT_TRUE(web_push_answer({.failure = Failure::lost}).of_target);
  EXPECT_TRUE(web_push_answer({.status = 503}).of_target);
}

TEST(Answers, of_a_webhook) {
  expect_rows({{200, "", What::sent, ""},
               {204, "", What::sent, ""},
               {410, "", What::refused, "HTTP 410"},
               {404, "", What::refused, "HTTP 404"},
               {307, "", What::refused, "HTTP 307"},
               {401, "", What::misconfigured, "HTTP 401"},
               {403, "", What::misconfigured, "HTTP 403"},
               {408, "", What::retry, "HTTP 408"},
               {425, "", What::retry, "HTTP 425"},
               {429, "", What::retry, "HTTP 429"},
               {500, "", What::retry, "HTTP 500"}},
              webhook_answer);
}

TEST(Answers, that_did_not_come) {
  EXPECT_EQ(unanswered({.failure = Failure::lost}).what, What::retry);
  EXPECT_EQ(unanswered({.failure = Failure::busy}).what, What::retry);
  EXPECT_EQ(unanswered({.failure = Failure::tls}).what, What::misconfigured);
  EXPECT_EQ(unanswered({.failure = Failure::protocol}).what, What::misconfigured);
  EXPECT_EQ(unanswered({.failure = Failure::address}).what, What::refused);
}

TEST(Answers, of_a_mail_server) {
  using Stage = MailAnswer::Stage;
  struct MailRow {
    Stage stage;
    int code;
    What what;
  };
  for (const auto& [stage, code, what] : std::vector<MailRow>{{Stage::to, 550, What::target_dead},
                                                              {Stage::to, 551, What::target_dead},
                                                              {Stage::to, 553, What::target_dead},
                                                              {Stage::to, 552, What::refused},
                                                              {Stage::to, 554, What::refused},
                                                              {Stage::to, 450, What::retry},
                                                              {Stage::text, 550, What::refused},
                                                              {Stage::text, 451, What::retry},
                                                              {Stage::text, 554, What::refused},
                                                              {Stage::from, 550, What::misconfigured},
                                                              {Stage::from, 530, What::misconfigured},
                                                              {Stage::from, 451, What::retry},
                                                              {Stage::login, 535, What::misconfigured},
                                                              {Stage::login, 454, What::retry},
                                                              {Stage::connect, 421, What::retry},
                                                              {Stage::connect, 554, What::misconfigured}}) {
    const auto delivery = mail_answer({.failure = MailAnswer::Failure::answer, .stage = stage, .code = code});
    EXPECT_STREQ(name_of(delivery.what), name_of(what)) << code;
    EXPECT_EQ(delivery.reason, "SMTP " + std::to_string(code));
  }
  EXPECT_EQ(mail_answer({}).what, What::sent);
  EXPECT_EQ(mail_answer({.failure = MailAnswer::Failure::lost}).what, What::retry);
  EXPECT_EQ(mail_answer({.failure = MailAnswer::Failure::tls}).what, What::misconfigured);
}

TEST(Answers, of_a_token_endpoint) {
  const auto granted =
      parse_token_answer({.status = 200, .body = R"({"access_token":"ya29","expires_in":3599})"});
  ASSERT_TRUE(granted);
  EXPECT_EQ(granted->token, "ya29");
  EXPECT_EQ(granted->lifetime, std::chrono::seconds(3'599));
  const auto what = [](int status, const char* body) {
    return parse_token_answer({.status = status, .body = body}).error().what;
  };
  EXPECT_EQ(what(400, R"({"error":"invalid_grant"})"), What::misconfigured);
  EXPECT_EQ(what(401, ""), What::misconfigured);
  EXPECT_EQ(what(503, ""), What::retry);
  EXPECT_EQ(what(429, ""), What::retry);
  EXPECT_EQ(what(200, "garbage"), What::retry);
  EXPECT_EQ(what(200, R"({"access_token":"a\r\nX: y","expires_in":1})"), What::retry);
  EXPECT_EQ(what(200, R"({"access_token":"a","expires_in":-1})"), What::retry);
}

TEST(Answers, about_one_target_count_for_no_other) {
  const HttpAnswer of_device{.status = 429, .body = R"({"reason":"TooManyRequests"})"};
  EXPECT_TRUE(apns_answer(of_device, {}).of_target);
  EXPECT_FALSE(apns_answer({.status = 503}, {}).of_target);
  const HttpAnswer other_app{.status = 400, .body = R"({"reason":"DeviceTokenNotForTopic"})"};
  EXPECT_TRUE(apns_answer(other_app, {}).of_target);
  const MailAnswer greylisted{
      .failure = MailAnswer::Failure::answer, .stage = MailAnswer::Stage::to, .code = 450};
  EXPECT_TRUE(mail_answer(greylisted).of_target);
}

TEST(Answers, say_how_long_to_wait) {
  const HttpAnswer busy{.status = 429, .body = "", .retry_after = std::chrono::seconds(7)};
  EXPECT_EQ(webhook_answer(busy).after, std::chrono::seconds(7));
  EXPECT_EQ(web_push_answer(busy).after, std::chrono::seconds(7));
  EXPECT_EQ(fcm_answer(busy).after, std::chrono::seconds(7));
  EXPECT_EQ(apns_answer(busy, {}).after, std::chrono::seconds(7));
}

TEST(Answers, retry_after_is_seconds_or_a_date_and_never_more_than_a_day) {
  using std::chrono::seconds;
  const auto now = from_ms(1'795'314'673'123);  // Sun, 22 Nov 2026 03:11:13 GMT… and 123 ms
  const auto date = [&](std::int64_t at_s) {
    const auto time = static_cast<std::time_t>(at_s);
    std::tm parts{};
    gmtime_r(&time, &parts);
    char text[64];
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return std::string(text);
  };
  EXPECT_EQ(parse_retry_after("120", now), seconds(120));
  EXPECT_EQ(parse_retry_after("0", now), seconds(0));
  EXPECT_EQ(parse_retry_after("99999999999999999999999", now), kRetryAfterMax);
  EXPECT_EQ(parse_retry_after("86401", now), kRetryAfterMax);
  EXPECT_EQ(parse_retry_after(date(1'795'314'673 + 90), now), seconds(90));
  EXPECT_EQ(parse_retry_after(date(1'795'314'673 - 90), now), seconds(0));
  EXPECT_EQ(parse_retry_after(date(1'795'314'673 + 90 * 86'400), now), kRetryAfterMax);
  for (const auto* wrong : {"", "soon", "-5", "1.5", "12 monkeys"})
    EXPECT_EQ(parse_retry_after(wrong, now), std::nullopt) << wrong;
}

}  // namespace
}  // namespace parley::backend
