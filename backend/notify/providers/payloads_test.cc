// What providers make of a notification, without a server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "backend/notify/providers/apns_provider.h"
#include "backend/notify/providers/fcm_provider.h"
#include "backend/notify/providers/notification_json.h"
#include "backend/notify/providers/test_keys.h"
#include "backend/notify/providers/web_push_provider.h"
#include "backend/notify/providers/webhook_provider.h"
#include "base/encoding.h"
#include "source_dir.h"

namespace parley::backend {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const auto kNow = from_ms(1'795'314'673'123);

Notification full() {
  return {.kind = Notification::Kind::message,
          .id = "01JD8Z6V5T3Y0N7QF4R2W9XKCB",
          .collapse = "00112233445566778899aabbccddeeff",
          .user = "",
          .room = "lab",
          .room_title = "The lab",
          .from = "bob",
          .text = "hi @ada",
          .type = "text",
          .seq = 17,
          .mention = true,
          .count = 2,
          .badge = 5,
          .at = kNow,
          .expires = kNow + std::chrono::hours(1)};
}

// The blocks of topics.md that show what arrives.
std::vector<std::string> examples() {
  std::ifstream file(PARLEY_SOURCE_DIR "/topics.md");
  std::vector<std::string> found;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (inside && line != "```") found.push_back(line);
    inside = line == "```notification" || (inside && line != "```");
  }
  return found;
}

Notification only_wakes_up() {
  return {.id = "01JD8Z6V5T3Y0N7QF4R2W9XKCB", .collapse = "0011", .badge = 5, .expires = kNow};
}

Notification with_text(std::string text) {
  auto notification = full();
  notification.text = std::move(text);
  return notification;
}

TEST(Payloads, are_as_topics_md_shows_them) {
  const auto shown_there = examples();
  ASSERT_EQ(shown_there.size(), 2u);
  Notification message{.id = "K3X97Q2MZK4W3PA5BJ8D6V5T3Y",
                       .collapse = "5f2c0a91d7e34b86a1c09e7f42d8b365",
                       .user = "alice",
                       .room = "lab",
                       .room_title = "The lab",
                       .from = "bob",
                       .text = "hi @alice",
                       .type = "text",
                       .seq = 17,
                       .mention = true,
                       .count = 2,
                       .badge = 5,
                       .at = kNow,
                       .expires = kNow + std::chrono::hours(24)};
  EXPECT_EQ(json::parse(shown_there[0]), notification_json(message));
  Notification digest{.kind = Notification::Kind::digest,
                      .id = "K3X97Q2MZK4W3PA5BJ8D6V5T3Z",
                      .collapse = "91c4e8b7302f4d5da60f7be1259c83d4",
                      .user = "alice",
                      .count = 2,
                      .badge = 5,
                      .at = kNow,
                      .expires = kNow + std::chrono::hours(24)};
  digest.lines = {{.room = "The lab", .from = "bob", .text = "hi @alice", .count = 2}};
  EXPECT_EQ(json::parse(shown_there[1]), notification_json(digest));
}

TEST(Payloads, of_fcm_show_what_may_be_shown) {
  const auto message = json::parse(fcm_message(full(), "device", kNow))["message"];
  EXPECT_EQ(message["token"], "device");
  EXPECT_EQ(message["notification"], (json{{"title", "The lab"}, {"body", "bob: hi @ada"}}));
  EXPECT_EQ(message["android"]["collapse_key"], full().collapse);
  EXPECT_EQ(message["android"]["ttl"], "3600s");
  EXPECT_EQ(message["android"]["priority"], "HIGH");
  EXPECT_EQ(message["data"], (json{{"id", full().id},
                                   {"kind", "message"},
                                   {"collapse", full().collapse},
                                   {"room", "lab"},
                                   {"seq", "17"},
                                   {"count", "2"},
                                   {"badge", "5"}}));
}

TEST(Payloads, of_fcm_that_wake_or_withdraw_are_data_alone) {
  const auto wake = json::parse(fcm_message(only_wakes_up(), "device", kNow))["message"];
  EXPECT_FALSE(wake.contains("notification"));
  EXPECT_EQ(wake["data"].size(), 4u);
  auto gone = full();
  gone.kind = Notification::Kind::withdrawn;
  EXPECT_FALSE(json::parse(fcm_message(gone, "device", kNow))["message"].contains("notification"));
}

TEST(Payloads, of_apns_are_alerts_or_go_by_in_the_background) {
  const auto alert = json::parse(apns_payload(full()));
  EXPECT_EQ(alert["aps"]["alert"], (json{{"title", "The lab"}, {"body", "bob: hi @ada"}}));
  EXPECT_EQ(alert["aps"]["badge"], 5);
  EXPECT_EQ(alert["aps"]["sound"], "default");
  const auto headers = apns_headers(full(), "org.example.chat", "t");
  for (const auto* header : {"apns-topic: org.example.chat", "apns-push-type: alert", "apns-priority: 10",
                             "apns-expiration: 1795318273", "Authorization: bearer t",
                             "apns-collapse-id: 00112233445566778899aabbccddeeff"})
    EXPECT_THAT(headers, Contains(header));
  const auto wake = json::parse(apns_payload(only_wakes_up()));
  EXPECT_EQ(wake["aps"], (json{{"content-available", 1}, {"badge", 5}}));
  const auto quiet = apns_headers(only_wakes_up(), "x", "t");
  EXPECT_THAT(quiet, Contains("apns-push-type: background"));
  EXPECT_THAT(quiet, Contains("apns-priority: 5"));
  auto updated = full();
  updated.kind = Notification::Kind::updated;
  EXPECT_FALSE(json::parse(apns_payload(updated))["aps"].contains("sound"));
}

TEST(Payloads, the_apns_id_is_a_uuid_made_from_the_notification_alone) {
  EXPECT_EQ(apns_id("a"), apns_id("a"));
  EXPECT_NE(apns_id("a"), apns_id("b"));
  EXPECT_THAT(apns_id("a"),
              testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
}

TEST(Payloads, are_cut_to_what_a_provider_takes_and_stay_whole_characters) {
  for (const std::string& piece :
       {std::string("x"), std::string("ä"), std::string("🦊"), std::string("\x01"), std::string("\"")}) {
    std::string text;
    while (text.size() < 6'000) text += piece;
    EXPECT_LE(apns_payload(with_text(text)).size(), 4'096u);
    EXPECT_LE(fcm_message(with_text(text), "device", kNow).size(), 4'096u + 6);
    const auto cut =
        json::parse(encode_within(with_text(text), 3'000, notification_text))["text"].get<std::string>();
    EXPECT_TRUE(valid_utf8(cut));
    EXPECT_TRUE(cut.ends_with("…"));
    EXPECT_LE(encode_within(with_text(text), 3'000, notification_text).size(), 3'000u);
  }
  EXPECT_EQ(encode_within(full(), 4'096, notification_text), notification_text(full()));
}

TEST(Payloads, what_is_shown_names_the_room_or_in_a_direct_chat_the_sender) {
  auto direct = full();
  direct.direct = true;
  EXPECT_EQ(shown(direct).title, "bob");
  EXPECT_EQ(shown(direct).body, "hi @ada");
  auto sender_only = with_text("");
  EXPECT_EQ(shown(sender_only).body, "bob: 2 new messages");
  sender_only.count = 1;
  EXPECT_EQ(shown(sender_only).body, "bob: New message");
  EXPECT_EQ(shown(only_wakes_up()).title + shown(only_wakes_up()).body, "");
}

// Example of the scheme's specification (github.com/standard-webhooks).
TEST(Payloads, a_webhook_is_signed_as_standard_webhooks_are) {
  EXPECT_EQ(webhook_signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                              1'614'265'330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(Payloads, the_origin_is_that_of_an_https_url_without_a_login) {
  EXPECT_EQ(origin_of("https://push.example.net/a/b?c"), "https://push.example.net");
  EXPECT_EQ(origin_of("https://push.example.net:443/a"), "https://push.example.net");
  EXPECT_EQ(origin_of("https://push.example.net:8443/a"), "https://push.example.net:8443");
  for (const auto* wrong : {"", "http://a/", "ftp://a", "https://", "https://u:p@a/", "https://u@a/",
                            "https://a/\r\nX: y", "https://a b/", "file:///etc/passwd", "HTTPS//"})
    EXPECT_EQ(origin_of(wrong), "") << wrong;
}

class Tokens : public testing::Test {
 protected:
  static json claims_of(const std::string& token) {
    const auto first = token.find('.');
    return json::parse(*base64url_decode(token.substr(first + 1, token.rfind('.') - first - 1)));
  }
  FakeClock clock_{kNow};
  PrivateKey key_ = PrivateKey::make_p256().value();
};

TEST_F(Tokens, that_of_apns_is_kept_for_fifty_minutes) {
  ApnsToken token(key_, "KEY", "TEAM", clock_);
  const auto first = token.get().value();
  EXPECT_EQ(claims_of(first), (json{{"iss", "TEAM"}, {"iat", 1'795'314'673}}));
  clock_.advance(std::chrono::minutes(49));
  EXPECT_EQ(token.get().value(), first);
  clock_.advance(std::chrono::minutes(1));
  EXPECT_NE(token.get().value(), first);
}

TEST_F(Tokens, that_of_apns_is_made_anew_when_apple_calls_it_expired_but_not_twice_in_twenty_minutes) {
  ApnsToken token(key_, "KEY", "TEAM", clock_);
  const auto first = token.get().value();
  const auto second = token.instead_of(first);
  ASSERT_TRUE(second);
  EXPECT_NE(*second, first);
  EXPECT_EQ(token.instead_of(first), second);  // another request was under way with the old one
  EXPECT_EQ(token.instead_of(*second), std::nullopt);
  clock_.advance(std::chrono::minutes(20));
  EXPECT_TRUE(token.instead_of(*second));
}

TEST_F(Tokens, that_of_vapid_names_the_origin_and_lives_less_than_a_day) {
  Vapid vapid(key_, "mailto:ops@example.org", clock_);
  const auto header = vapid.authorization("https://push.example.net").value();
  ASSERT_TRUE(header.starts_with("vapid t="));
  EXPECT_THAT(header, HasSubstr(", k=" + web_push_public_key(key_)));
  const auto claims = claims_of(header.substr(8, header.find(',') - 8));
  EXPECT_EQ(claims["aud"], "https://push.example.net");
  EXPECT_EQ(claims["sub"], "mailto:ops@example.org");
  EXPECT_EQ(claims["exp"], 1'795'314'673 + 12 * 3'600);
  EXPECT_EQ(vapid.authorization("https://push.example.net").value(), header);
  EXPECT_NE(vapid.authorization("https://other.example.net").value(), header);
  clock_.advance(std::chrono::hours(6));
  EXPECT_NE(vapid.authorization("https://push.example.net").value(), header);
}

}  // namespace
}  // namespace parley::backend
