#include "plugin/auth/jwt_key_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "plugin/auth/jwt.h"
#include "plugin/auth/jwt_signer.h"

namespace parley::plugin {
namespace {

using ::testing::HasSubstr;

const WallTime kNow = from_ms(1'795'314'673'123);
constexpr std::string_view kPayload = R"({"sub":"alice","exp":1795315000})";

const JwtSigner& rsa() {
  static const JwtSigner signer = JwtSigner::rsa();
  return signer;
}
const JwtSigner& ec() {
  static const JwtSigner signer = JwtSigner::ec();
  return signer;
}

std::string jwks(std::initializer_list<std::string> keys) {
  std::string json = R"({"keys":[)";
  for (const std::string& key : keys) json += (json.ends_with('[') ? "" : ",") + key;
  return json + "]}";
}

std::string oct(std::string_view secret, std::string_view more = {}) {
  return R"({"kty":"oct","alg":"HS256","k":")" + base64url_encode(secret) + "\"" + std::string(more) + "}";
}

std::string error_of(const std::string& json) {
  auto keys = parse_jwks(json);
  return keys ? "" : keys.error().message;
}

TEST(Jwks, keys_of_every_kind_are_read) {
  auto keys =
      parse_jwks(jwks({oct(std::string(32, 'k'), R"(,"kid":"1")"), rsa().jwk(R"(,"alg":"RS256","use":"sig")"),
                       ec().jwk(R"(,"alg":"ES256","key_ops":["verify"],"x5t":"?")")}));
  ASSERT_TRUE(keys) << keys.error().message;
  ASSERT_EQ(keys->size(), 3U);
  EXPECT_EQ((*keys)[0].kid(), "1");
  EXPECT_EQ((*keys)[1].algorithm(), JwtAlgorithm::rs256);
  EXPECT_EQ((*keys)[2].algorithm(), JwtAlgorithm::es256);
}

TEST(Jwks, keys_for_other_purposes_are_passed_over) {
  auto keys = parse_jwks(jwks({R"({"kty":"RSA","use":"enc"})", ec().jwk(R"(,"key_ops":["deriveKey"])"),
                               ec().jwk(R"(,"alg":"ES256")")}));
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(keys->size(), 1U);
  EXPECT_THAT(error_of(jwks({R"({"kty":"RSA","use":"enc"})"})), HasSubstr("no key for checking signatures"));
}

TEST(Jwks, a_key_that_cannot_be_used_is_named) {
  const std::string good = ec().jwk(R"(,"alg":"ES256","kid":"good")");
  struct Case {
    std::string key;
    std::string_view complaint;
  };
  const Case cases[] = {
      {ec().jwk(R"(,"kid":"bad")"), "no \"alg\""},
      {rsa().jwk(R"(,"kid":"bad","alg":"RS384")"), "not HS256, RS256 or ES256"},
      {rsa().jwk(R"(,"kid":"bad","alg":"none")"), "not HS256, RS256 or ES256"},
      {rsa().jwk(R"(,"kid":"bad","alg":"ES256")"), "does not go with"},
      {rsa().jwk(R"(,"kid":"bad","alg":"HS256")"), "does not go with"},
      {R"({"kid":"bad","kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"AA"})", "not HS256, RS256 or ES256"},
      {R"({"kid":"bad","kty":"EC","crv":"P-384","alg":"ES256","x":"AA","y":"AA"})", "\"P-256\""},
      {R"({"kid":"bad","kty":"EC","crv":"P-256","alg":"ES256","x":"AA","y":"AA"})", "32 bytes"},
      {R"({"kid":"bad","kty":"EC","crv":"P-256","alg":"ES256","x":"AA"})", "no \"y\""},
      {R"({"kid":"bad","kty":"EC","crv":"P-256","alg":"ES256","x":"A=","y":"AA"})", "not base64url"},
      {R"({"kid":"bad","kty":"EC","crv":"P-256","alg":"ES256","x":")" +
           base64url_encode(std::string(32, 'x')) + R"(","y":")" + base64url_encode(std::string(32, 'y')) +
           "\"}",
       "not on the curve"},
      {R"({"kid":"bad","kty":"RSA","alg":"RS256","n":"AQAB","e":"AQAB"})", "17 bits"},
      {R"({"kid":"bad","kty":"RSA","alg":"RS256","n":")" + rsa().number(OSSL_PKEY_PARAM_RSA_N) +
           R"(","e":"AQ"})",
       "exponent"},
      {R"({"kid":"bad","kty":"RSA","alg":"RS256","n":")" + rsa().number(OSSL_PKEY_PARAM_RSA_N) +
           R"(","e":"AA"})",
       "no RSA key"},
      {R"({"kid":"bad","kty":"RSA","alg":"RS256","n":")" + base64url_encode(std::string(4096, '\xff')) +
           R"(","e":"AQAB"})",
       "too large"},
      {R"({"kid":"bad","kty":"oct","alg":"HS256","k":")" + base64url_encode(std::string(31, 'k')) + "\"}",
       "31 bytes"},
      {R"({"kid":"bad","kty":7,"alg":"HS256"})", "\"kty\" is no string"},
      {R"({"kid":"bad","use":"both"})", "\"use\""},
      {R"({"kid":"bad","key_ops":"verify"})", "\"key_ops\""},
  };
  for (const Case& each : cases) {
    std::string error = error_of(jwks({good, each.key}));
    EXPECT_THAT(error, HasSubstr("key 2 (kid \"bad\")")) << each.key;
    EXPECT_THAT(error, HasSubstr(each.complaint)) << each.key;
  }
  EXPECT_THAT(error_of(jwks({good, "7"})), HasSubstr("key 2 can't be used: it is no object"));
  EXPECT_THAT(error_of(jwks({good, R"({"kid":7})"})), HasSubstr("\"kid\" is no string"));
}

TEST(Jwks, the_set_itself_must_be_well_formed) {
  for (auto bad : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[],"keys":[]})", R"({"keys":[)", "\xff"}) {
    EXPECT_FALSE(parse_jwks(bad)) << bad;
  }
  EXPECT_FALSE(parse_jwks(jwks({ec().jwk(R"(,"alg":"ES256","alg":"ES256")")})));
}

TEST(Jwks, kids_are_unique_and_keys_bounded) {
  const std::string key = ec().jwk(R"(,"alg":"ES256","kid":"a")");
  EXPECT_THAT(error_of(jwks({key, key})), HasSubstr("another key has this kid"));
  auto many = [](std::size_t count) {
    std::string json = R"({"keys":[)";
    for (std::size_t i = 0; i < count; ++i)
      json += (i ? "," : "") + oct(std::string(32, static_cast<char>('a' + i % 26)));
    return json + "]}";
  };
  EXPECT_EQ(error_of(many(16)), "");
  EXPECT_THAT(error_of(many(17)), HasSubstr("one more than the 16"));
  EXPECT_THAT(error_of(many(65)), HasSubstr("more than 64"));
}

TEST(Jwks, a_token_without_kid_is_tried_with_every_key_of_its_algorithm) {
  JwtSigner second = JwtSigner::ec();
  auto keys =
      parse_jwks(jwks({ec().jwk(R"(,"alg":"ES256","kid":"1")"), second.jwk(R"(,"alg":"ES256","kid":"2")")}));
  JwtVerifier verifier(std::move(*keys), {});
  EXPECT_TRUE(verifier.verify(es256_token(R"({"alg":"ES256"})", kPayload, second), kNow));
  EXPECT_TRUE(verifier.verify(es256_token(R"({"alg":"ES256","kid":"2"})", kPayload, second), kNow));
  EXPECT_EQ(verifier.verify(es256_token(R"({"alg":"ES256","kid":"1"})", kPayload, second), kNow).error(),
            JwtFailure::bad_signature);
  EXPECT_EQ(verifier.verify(es256_token(R"({"alg":"ES256","kid":"3"})", kPayload, second), kNow).error(),
            JwtFailure::unknown_key);
}

TEST(JwtKey, pem_keys_must_be_public_strong_and_of_the_configured_algorithm) {
  EXPECT_TRUE(JwtKey::from_pem(JwtAlgorithm::rs256, rsa().public_pem()));
  EXPECT_TRUE(JwtKey::from_pem(JwtAlgorithm::es256, ec().public_pem()));
  EXPECT_FALSE(JwtKey::from_pem(JwtAlgorithm::es256, rsa().public_pem()));
  EXPECT_FALSE(JwtKey::from_pem(JwtAlgorithm::rs256, ec().public_pem()));
  EXPECT_FALSE(JwtKey::from_pem(JwtAlgorithm::hs256, rsa().public_pem()));
  EXPECT_FALSE(JwtKey::from_pem(JwtAlgorithm::es256, JwtSigner::ec("P-384").public_pem()));
  EXPECT_FALSE(JwtKey::from_pem(JwtAlgorithm::es256, JwtSigner::ec("secp256k1").public_pem()));
  EXPECT_FALSE(JwtKey::from_pem(JwtAlgorithm::rs256, JwtSigner::rsa(1024).public_pem()));
  EXPECT_FALSE(JwtKey::from_pem(JwtAlgorithm::rs256, rsa().public_pem() + rsa().public_pem()));
  EXPECT_FALSE(JwtKey::from_pem(JwtAlgorithm::rs256, ""));
}

}  // namespace
}  // namespace parley::plugin
