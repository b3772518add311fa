#include "backend/notify/providers/web_push_encryption.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace parley::backend {
namespace {

// RFC 8291 §5 and appendix A.
constexpr auto kText = "When I grow up, I want to be a watermelon";
constexpr auto kAuth = "BTBZMqHH6r4Tts7J_aSIgg";
constexpr auto kReceiver =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
constexpr auto kSenderSecret = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
constexpr auto kSender =
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
constexpr auto kSalt = "DGv6ra1nlYgDCS1FRnbzlw";
constexpr auto kBody =
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK"
    "6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

std::string keys(const std::string& p256dh, const std::string& auth) {
  return R"({"p256dh":")" + p256dh + R"(","auth":")" + auth + R"("})";
}

TEST(WebPushEncryption, gives_what_the_rfc_gives) {
  const auto to = parse_web_push_keys(keys(kReceiver, kAuth));
  const auto sender = PrivateKey::p256_from(*base64url_decode(kSenderSecret), *base64url_decode(kSender));
  ASSERT_TRUE(to && sender);
  const auto body = encrypt_web_push_with(kText, *to, *sender, *base64url_decode(kSalt));
  ASSERT_TRUE(body);
  EXPECT_EQ(base64url_encode(*body), kBody);
}

TEST(WebPushEncryption, the_largest_text_fills_a_body_of_4096_bytes) {
  const auto to = parse_web_push_keys(keys(kReceiver, kAuth));
  const auto body = encrypt_web_push(std::string(kWebPushTextMax, 'x'), *to);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->size(), 4'096u);
}

TEST(WebPushEncryption, key_and_salt_are_new_each_time) {
  const auto to = parse_web_push_keys(keys(kReceiver, kAuth));
  const auto one = encrypt_web_push(kText, *to), other = encrypt_web_push(kText, *to);
  ASSERT_TRUE(one && other);
  EXPECT_NE(one->substr(0, 16), other->substr(0, 16));
  EXPECT_NE(one->substr(21, 65), other->substr(21, 65));
}

TEST(WebPushEncryption, keys_that_are_none_are_refused) {
  EXPECT_TRUE(parse_web_push_keys(keys(std::string(kReceiver) + "=", std::string(kAuth) + "==")));
  for (const auto& wrong : {std::string("{}"), std::string("[]"), std::string("x"), keys(kReceiver, "AAAA"),
                            keys("AAAA", kAuth), std::string(R"({"p256dh":1,"auth":[]})")})
    EXPECT_FALSE(parse_web_push_keys(wrong)) << wrong;
  const WebPushKeys off_the_curve{std::string(65, '\4'), std::string(16, 'a')};
  EXPECT_EQ(encrypt_web_push("x", off_the_curve).error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace parley::backend
