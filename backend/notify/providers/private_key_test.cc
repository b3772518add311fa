#include "backend/notify/providers/private_key.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "backend/notify/providers/test_keys.h"
#include "base/encoding.h"
#include "plugin/auth/jwt_key.h"

namespace parley::backend {
namespace {

using plugin::JwtAlgorithm;
using plugin::JwtKey;

struct Parts {
  nlohmann::json header, claims;
  std::string signed_text, signature;
};

Parts parts_of(const std::string& token) {
  const auto first = token.find('.'), last = token.rfind('.');
  return {nlohmann::json::parse(*base64url_decode(token.substr(0, first))),
          nlohmann::json::parse(*base64url_decode(token.substr(first + 1, last - first - 1))),
          token.substr(0, last), *base64url_decode(token.substr(last + 1))};
}

TEST(PrivateKey, tokens_are_verified_by_the_public_key_alone) {
  struct Row {
    const char* type;
    PrivateKey::Kind kind;
    JwtAlgorithm algorithm;
    const char* name;
  };
  for (const auto& row : {Row{"RSA", PrivateKey::Kind::rsa, JwtAlgorithm::rs256, "RS256"},
                          Row{"P-256", PrivateKey::Kind::p256, JwtAlgorithm::es256, "ES256"}}) {
    const auto pair = make_test_key(row.type), other = make_test_key(row.type);
    const auto key = PrivateKey::from_pem(pair.private_pem, row.kind);
    ASSERT_TRUE(key) << key.error().message;
    const auto token = sign_jwt(*key, {{"kid", "K1"}}, {{"iss", "us"}, {"iat", 7}});
    ASSERT_TRUE(token);
    const auto parts = parts_of(*token);
    EXPECT_EQ(parts.header, (nlohmann::json{{"alg", row.name}, {"kid", "K1"}}));
    EXPECT_EQ(parts.claims, (nlohmann::json{{"iss", "us"}, {"iat", 7}}));
    EXPECT_TRUE(JwtKey::from_pem(row.algorithm, pair.public_pem)->verify(parts.signed_text, parts.signature));
    EXPECT_FALSE(
        JwtKey::from_pem(row.algorithm, other.public_pem)->verify(parts.signed_text, parts.signature));
  }
}

TEST(PrivateKey, a_key_of_another_kind_is_refused) {
  const auto rsa = make_test_key("RSA"), p256 = make_test_key("P-256"), p384 = make_test_key("P-384");
  EXPECT_FALSE(PrivateKey::from_pem(rsa.private_pem, PrivateKey::Kind::p256));
  EXPECT_FALSE(PrivateKey::from_pem(p384.private_pem, PrivateKey::Kind::p256));
  EXPECT_FALSE(PrivateKey::from_pem(p256.private_pem, PrivateKey::Kind::rsa));
  EXPECT_FALSE(PrivateKey::from_pem(p256.public_pem, PrivateKey::Kind::p256));
  EXPECT_FALSE(PrivateKey::from_pem("", PrivateKey::Kind::p256));
}

TEST(PrivateKey, a_file_others_may_read_is_refused_and_no_error_repeats_what_is_in_it) {
  const TestFolder folder;
  const auto pem = make_test_key("P-256").private_pem;
  EXPECT_TRUE(PrivateKey::from_file(folder.file("own", pem), PrivateKey::Kind::p256));
  const auto open = PrivateKey::from_file(folder.file("open", pem, 0644), PrivateKey::Kind::p256);
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, Errc::permission_denied);
  const auto none = PrivateKey::from_file(folder.file("none", "hush"), PrivateKey::Kind::p256);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message.find("hush"), std::string::npos);
}

TEST(PrivateKey, two_sides_share_a_secret_and_a_point_off_the_curve_is_refused) {
  const auto ours = PrivateKey::make_p256(), theirs = PrivateKey::make_p256();
  ASSERT_TRUE(ours && theirs);
  EXPECT_EQ(ours->shared_secret(theirs->public_point()).value(),
            theirs->shared_secret(ours->public_point()).value());
  auto off = theirs->public_point();
  off[40] ^= 1;
  EXPECT_EQ(ours->shared_secret(off).error().code, Errc::invalid_argument);
  EXPECT_EQ(ours->shared_secret(std::string(65, '\4')).error().code, Errc::invalid_argument);
  EXPECT_EQ(ours->shared_secret("").error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace parley::backend
