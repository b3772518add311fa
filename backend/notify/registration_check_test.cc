#include "backend/notify/registration_check.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace parley::backend {
namespace {

using nlohmann::json;

std::string why_not(std::string_view provider, const std::string& address,
                    const json& keys = json::object()) {
  const auto checked = check_address(provider, address, keys);
  if (checked) return "";
  EXPECT_EQ(checked.error().code, Errc::invalid_argument);
  EXPECT_FALSE(checked.error().message.empty());
  return checked.error().message;
}
bool taken(std::string_view provider, const std::string& address, const json& keys = json::object()) {
  return why_not(provider, address, keys).empty();
}

json browser_keys() {
  return {{"p256dh", base64url_encode("\x04" + std::string(64, 'x'))},
          {"auth", base64url_encode(std::string(16, 'a'))}};
}

TEST(RegistrationCheck, four_providers_take_registrations) {
  for (const auto* provider : {"fcm", "apns", "webpush", "email"}) EXPECT_TRUE(takes_registrations(provider));
  for (const auto* provider : {"webhook", "mqtt", "stdout", "", "FCM", "fcm "})
    EXPECT_FALSE(takes_registrations(provider));
  EXPECT_FALSE(taken("webhook", "https://example.org/"));
}

TEST(RegistrationCheck, an_fcm_token_is_printable_ASCII_without_blanks) {
  EXPECT_TRUE(taken("fcm", "dGVzdA:APA91bH-x_y"));
  EXPECT_TRUE(taken("fcm", std::string(2048, 't')));
  for (const auto& address : {std::string(), std::string(2049, 't'), std::string("a b"), std::string("a\nb"),
                              std::string("tök"), std::string("a\x7f"), std::string(1, '\0')})
    EXPECT_FALSE(taken("fcm", address)) << address;
  EXPECT_FALSE(taken("fcm", "t", {{"sandbox", true}}));
}

TEST(RegistrationCheck, an_APNs_token_is_hexadecimal_and_kept_in_small_letters) {
  const std::string token(64, 'a');
  EXPECT_TRUE(taken("apns", token));
  EXPECT_TRUE(taken("apns", std::string(200, '0')));
  EXPECT_EQ(check_address("apns", std::string(64, 'A'), json::object())->address, token);
  for (const auto& address : {std::string(62, 'a'), std::string(65, 'a'), std::string(202, 'a'),
                              std::string(64, 'g'), std::string()})
    EXPECT_FALSE(taken("apns", address)) << address;
}

TEST(RegistrationCheck, APNs_has_one_key_sandbox) {
  const std::string token(64, 'a');
  EXPECT_EQ(check_address("apns", token, {{"sandbox", true}})->keys, R"({"sandbox":true})");
  EXPECT_EQ(check_address("apns", token, {{"sandbox", false}})->keys, "{}");
  EXPECT_FALSE(taken("apns", token, {{"sandbox", 1}}));
  EXPECT_FALSE(taken("apns", token, {{"sandBox", true}}));
  EXPECT_FALSE(taken("apns", token, json::array()));
}

TEST(RegistrationCheck, an_endpoint_is_an_https_URL_with_a_host) {
  for (const auto* url : {"https://push.example.org/v1/abc-_~%20?x=1", "https://push.example.org",
                          "https://push.example.org:8443/a", "https://10.0.0.1/a",
                          "https://[2001:db8::1]:8443/a", "https://localhost?x"})
    EXPECT_TRUE(taken("webpush", url, browser_keys())) << url;
  for (const auto* url : {"",
                          "http://push.example.org/",
                          "HTTPS://push.example.org/",
                          "https://",
                          "https:///path",
                          "https:push.example.org",
                          "https://u@push.example.org/",
                          "https://u:p@push.example.org/",
                          "https://push.example.org/#f",
                          "https://push.example.org#f",
                          "https://push..example.org/",
                          "https://-push.example.org/",
                          "https://push.example.org:/",
                          "https://push.example.org:0/",
                          "https://push.example.org:65536/",
                          "https://push.example.org:8a/",
                          "https://push%2eexample.org/",
                          "https://push.example.org/a b",
                          "https://push.example.org/\n",
                          "https://push.example.org/\"",
                          "https://push.example.org\\@evil/",
                          "https://püsh.example.org/",
                          "https://[::1/",
                          "https://[]/",
                          "https://[::1]8443/",
                          "https://push.example.org./",
                          "ftp://push.example.org/"})
    EXPECT_FALSE(taken("webpush", url, browser_keys())) << url;
  const std::string start = "https://push.example.org/";
  EXPECT_TRUE(taken("webpush", start + std::string(2048 - start.size(), 'a'), browser_keys()));
  EXPECT_FALSE(taken("webpush", start + std::string(2049 - start.size(), 'a'), browser_keys()));
}

TEST(RegistrationCheck, a_subscription_has_a_point_and_a_secret) {
  const std::string url = "https://push.example.org/a";
  const auto checked = check_address("webpush", url, browser_keys());
  ASSERT_TRUE(checked);
  EXPECT_EQ(json::parse(checked->keys), browser_keys());
  const auto with = [](const char* key, const json& value) {
    auto keys = browser_keys();
    keys[key] = value;
    return keys;
  };
  EXPECT_FALSE(taken("webpush", url));
  EXPECT_FALSE(taken("webpush", url, {{"auth", browser_keys()["auth"]}}));
  EXPECT_FALSE(taken("webpush", url, with("p256dh", base64url_encode("\x03" + std::string(64, 'x')))));
  EXPECT_FALSE(taken("webpush", url, with("p256dh", base64url_encode("\x04" + std::string(63, 'x')))));
  EXPECT_FALSE(taken("webpush", url, with("p256dh", base64_encode("\x04" + std::string(64, '\xff')))));
  EXPECT_FALSE(taken("webpush", url, with("auth", base64url_encode(std::string(15, 'a')))));
  EXPECT_FALSE(taken("webpush", url, with("auth", base64_encode(std::string(16, 'a')))));
  EXPECT_FALSE(taken("webpush", url, with("auth", 7)));
  EXPECT_FALSE(taken("webpush", url, with("expirationTime", nullptr)));
}

TEST(RegistrationCheck, an_email_address_is_a_name_and_a_host) {
  for (const auto* address :
       {"ann@example.org", "a.b+chat@mail.example.org", "o'hara@example.org", "ann@localhost", "a@1.example"})
    EXPECT_TRUE(taken("email", address)) << address;
  EXPECT_EQ(check_address("email", "Ann@Example.ORG", json::object())->address, "Ann@example.org");
  for (const auto* address : {"",
                              "ann",
                              "@example.org",
                              "ann@",
                              "ann@@example.org",
                              "ann@b@example.org",
                              ".ann@example.org",
                              "ann.@example.org",
                              "a..b@example.org",
                              "\"ann\"@example.org",
                              "ann @example.org",
                              "Ann <ann@example.org>",
                              "ann@example.org\r\nBcc: x@example.org",
                              "ann@exa_mple.org",
                              "ann@-example.org",
                              "ann@example-.org",
                              "ann@example..org",
                              "ann@example.org.",
                              "änn@example.org",
                              "ann@[10.0.0.1]",
                              "ann@example.org,bob@example.org"})
    EXPECT_FALSE(taken("email", address)) << address;
  EXPECT_TRUE(taken("email", std::string(64, 'a') + "@example.org"));
  EXPECT_FALSE(taken("email", std::string(65, 'a') + "@example.org"));
  EXPECT_FALSE(taken("email", "a@" + std::string(64, 'b') + ".org"));
  std::string long_host = "a@" + std::string(60, 'b');
  while (long_host.size() + 61 <= 254) long_host += "." + std::string(60, 'c');
  EXPECT_TRUE(taken("email", long_host));
  EXPECT_FALSE(taken("email", long_host + std::string(1, '.') + std::string(20, 'd')));
  EXPECT_FALSE(taken("email", "ann@example.org", {{"name", "Ann"}}));
}

TEST(RegistrationCheck, no_sentence_repeats_the_address_or_a_key) {
  EXPECT_EQ(why_not("fcm", "my secret token").find("secret"), std::string::npos);
  EXPECT_EQ(why_not("webpush", "http://secret.example/").find("secret."), std::string::npos);
  auto keys = browser_keys();
  keys["auth"] = "a-secret-value";
  EXPECT_EQ(why_not("webpush", "https://push.example.org/", keys).find("secret"), std::string::npos);
}

}  // namespace
}  // namespace parley::backend
