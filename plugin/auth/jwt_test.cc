#include "plugin/auth/jwt.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <unistd.h>

#include <filesystem>

#include "base/encoding.h"
#include "base/file.h"
#include "plugin/auth/jwt_signer.h"

namespace parley::plugin {
namespace {

// RFC 7515 appendix A.1 - A.3: one payload, three algorithms. Its exp is 1300819380.
constexpr std::string_view kRfcPayload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr std::string_view kA1Key =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
constexpr std::string_view kA1Header = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
constexpr std::string_view kA1Signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
constexpr std::string_view kA2Modulus =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SF"
    "d2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo"
    "7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkM"
    "Ls91kzk2PAcDTW9gb54h4FRWyuXpoQ";
constexpr std::string_view kA2Header = "eyJhbGciOiJSUzI1NiJ9";
constexpr std::string_view kA2Signature =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb"
    "F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383"
    "LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy"
    "wlVmtVrBp0igcN_IoypGlUPQGe77Rw";
constexpr std::string_view kA3X = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr std::string_view kA3Y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
constexpr std::string_view kA3Header = "eyJhbGciOiJFUzI1NiJ9";
constexpr std::string_view kA3Signature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

std::string decoded(std::string_view text) {
  return base64url_decode(text).value_or("");
}

JwtVerifier verifier_of(Result<JwtKey> key, JwtRules rules = {}) {
  EXPECT_TRUE(key.has_value()) << (key ? "" : key.error().message);
  JwtKeySet keys;
  keys.push_back(std::move(*key));
  return {std::move(keys), std::move(rules)};
}

// The RFC's token has no sub: bad_subject is the first complaint after a good signature and times.
void expect_rfc_vector(Result<JwtKey> key, std::string_view header, std::string_view signature) {
  std::string text = std::string(header) + "." + std::string(kRfcPayload);
  ASSERT_TRUE(key->verify(text, decoded(signature)));
  JwtVerifier verifier = verifier_of(std::move(key), {.issuer = "joe", .audience = {}});
  std::string token = text + "." + std::string(signature);
  WallTime before_exp = from_ms(1'300'819'379'000);
  EXPECT_EQ(verifier.verify(token, before_exp).error(), JwtFailure::bad_subject);
  EXPECT_EQ(verifier.verify(token, before_exp + std::chrono::hours(1)).error(), JwtFailure::expired);
  std::string changed = text;
  changed[changed.size() / 2] ^= 1;
  EXPECT_NE(verifier.verify(changed + "." + std::string(signature), before_exp).error(),
            JwtFailure::bad_subject);
}

TEST(Jwt, rfc_7515_a1_hs256) {
  expect_rfc_vector(JwtKey::from_secret(decoded(kA1Key)), kA1Header, kA1Signature);
}
TEST(Jwt, rfc_7515_a2_rs256) {
  expect_rfc_vector(JwtKey::from_rsa(decoded(kA2Modulus), decoded("AQAB")), kA2Header, kA2Signature);
}
TEST(Jwt, rfc_7515_a3_es256) {
  expect_rfc_vector(JwtKey::from_p256(decoded(kA3X), decoded(kA3Y)), kA3Header, kA3Signature);
}

constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
const WallTime kNow = from_ms(1'795'314'673'123);

std::string claims(std::string_view more = {}, std::string_view sub = R"("alice")",
                   std::int64_t exp_s = 1'795'315'000) {
  return R"({"sub":)" + std::string(sub) + R"(,"exp":)" + std::to_string(exp_s) + std::string(more) + "}";
}

class JwtClaimsTest : public ::testing::Test {
 protected:
  // "" for a token that is taken, otherwise the failure's text.
  std::string verdict(std::string_view payload, JwtRules rules = {}) {
    JwtVerifier verifier = verifier_of(JwtKey::from_secret(std::string(kSecret)), std::move(rules));
    auto claims = verifier.verify(hs256_token(R"({"alg":"HS256"})", payload, kSecret), kNow);
    return claims ? "" : std::string(jwt_failure_text(claims.error()));
  }
  void expect(std::string_view payload, std::optional<JwtFailure> failure, JwtRules rules = {}) {
    std::string wanted(failure ? jwt_failure_text(*failure) : "");
    EXPECT_EQ(verdict(payload, std::move(rules)), wanted) << payload;
  }
  static std::string exp_only(std::string_view exp) {
    return R"({"sub":"alice","exp":)" + std::string(exp) + "}";
  }
};

TEST_F(JwtClaimsTest, a_good_token_gives_subject_and_expiry) {
  JwtVerifier verifier = verifier_of(JwtKey::from_secret(std::string(kSecret)));
  auto taken = verifier.verify(hs256_token(R"({"alg":"HS256","typ":"JWT"})", claims(), kSecret), kNow);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->sub, "alice");
  EXPECT_EQ(to_ms(taken->exp), 1'795'315'000'000);
}

TEST_F(JwtClaimsTest, expiry_is_required_and_judged_with_leeway) {
  expect(R"({"sub":"alice"})", JwtFailure::no_expiry);
  expect(exp_only("1795314674"), std::nullopt);
  expect(exp_only("1795314673.5"), std::nullopt);
  expect(exp_only("1795314644"), std::nullopt);  // 29.1 s ago
  expect(exp_only("1795314643"), JwtFailure::expired);
  expect(exp_only("1795314673"), JwtFailure::expired, {.leeway = std::chrono::seconds(0)});
  expect(exp_only("0"), JwtFailure::expired);
  expect(exp_only("-1"), JwtFailure::expired);
  for (auto bad :
       {"\"1795315000\"", "null", "true", "[1795315000]", "1e300", "99999999999999999999", "-1e300"}) {
    expect(exp_only(bad), JwtFailure::malformed_claims);
  }
}

TEST_F(JwtClaimsTest, not_before_and_issued_at_are_judged_with_leeway) {
  expect(claims(R"(,"nbf":1795314703)"), std::nullopt);  // 29.9 s ahead
  expect(claims(R"(,"nbf":1795314704)"), JwtFailure::not_yet_valid);
  expect(claims(R"(,"nbf":1795314674)"), JwtFailure::not_yet_valid, {.leeway = std::chrono::seconds(0)});
  expect(claims(R"(,"nbf":"soon")"), JwtFailure::malformed_claims);
  expect(claims(R"(,"iat":1795314703)"), std::nullopt);
  expect(claims(R"(,"iat":1795314704)"), JwtFailure::issued_in_future);
  expect(claims(R"(,"iat":1)"), std::nullopt);
  expect(claims(R"(,"iat":{})"), JwtFailure::malformed_claims);
}

TEST_F(JwtClaimsTest, issuer_must_be_the_configured_one) {
  JwtRules rules{.issuer = "https://id.example", .audience = {}};
  expect(claims(R"(,"iss":"https://id.example")"), std::nullopt, rules);
  expect(claims(R"(,"iss":"https://id.example/")"), JwtFailure::wrong_issuer, rules);
  expect(claims(R"(,"iss":"HTTPS://id.example")"), JwtFailure::wrong_issuer, rules);
  expect(claims(R"(,"iss":["https://id.example"])"), JwtFailure::wrong_issuer, rules);
  expect(claims(), JwtFailure::wrong_issuer, rules);
  expect(claims(R"(,"iss":7)"), std::nullopt);
}

TEST_F(JwtClaimsTest, audience_must_be_or_hold_the_configured_one) {
  JwtRules rules{.issuer = {}, .audience = "chat"};
  expect(claims(R"(,"aud":"chat")"), std::nullopt, rules);
  expect(claims(R"(,"aud":["mail","chat"])"), std::nullopt, rules);
  expect(claims(R"(,"aud":["mail",7,null])"), JwtFailure::wrong_audience, rules);
  expect(claims(R"(,"aud":[["chat"]])"), JwtFailure::wrong_audience, rules);
  expect(claims(R"(,"aud":[])"), JwtFailure::wrong_audience, rules);
  expect(claims(R"(,"aud":"chat2")"), JwtFailure::wrong_audience, rules);
  expect(claims(R"(,"aud":{"chat":"chat"})"), JwtFailure::wrong_audience, rules);
  expect(claims(), JwtFailure::wrong_audience, rules);
  expect(claims(R"(,"aud":"mail")"), std::nullopt);
}

TEST_F(JwtClaimsTest, subject_must_be_a_legal_name) {
  for (auto good : {R"("a")", R"("Alice.B_c@example-1")", R"("\u0061lice")"}) {
    expect(claims({}, good), std::nullopt);
  }
  for (auto bad : {R"("")", R"("$parleyd")", R"("a b")", R"("a/b")", R"("+")", R"("#")", R"("alice\u0000")",
                   R"("älice")", R"(".alice")", "7", "null", R"(["alice"])"}) {
    expect(claims({}, bad), JwtFailure::bad_subject);
  }
  expect(claims({}, "\"" + std::string(65, 'a') + "\""), JwtFailure::bad_subject);
  expect(R"({"exp":1795315000})", JwtFailure::bad_subject);
}

TEST_F(JwtClaimsTest, repeated_members_are_refused_wherever_they_are) {
  expect(claims(R"(,"sub":"alice")"), JwtFailure::malformed_claims);
  expect(claims(R"(,"sub":"bob")"), JwtFailure::malformed_claims);
  expect(claims(R"(,"\u0073ub":"bob")"), JwtFailure::malformed_claims);
  expect(claims(R"(,"x":{"a":1,"a":2})"), JwtFailure::malformed_claims);
  expect(claims(R"(,"x":{"sub":"bob"},"y":[{"sub":1},{"sub":2}])"), std::nullopt);
}

TEST_F(JwtClaimsTest, payload_must_be_one_json_object) {
  for (auto bad : {"", "[]", "7", "\"alice\"", "{", "{}}", "{\"sub\":\"alice\",}", "nonsense"}) {
    expect(bad, JwtFailure::malformed_claims);
  }
  expect(claims() + " x", JwtFailure::malformed_claims);
  expect(claims(",\"x\":\"\xff\""), JwtFailure::malformed_claims);
}

TEST(Jwt, openssl_errors_do_not_stay_behind) {
  JwtSigner signer = JwtSigner::ec();
  JwtVerifier verifier = verifier_of(JwtKey::from_pem(JwtAlgorithm::es256, signer.public_pem()));
  ERR_clear_error();
  std::string token = es256_token(R"({"alg":"ES256"})", claims(), signer);
  for (int zeros : {86, 43}) {
    std::string bad = token.substr(0, token.size() - 86) + std::string(zeros, 'A') +
                      token.substr(token.size() - 86 + zeros);
    EXPECT_FALSE(verifier.verify(bad, kNow));
  }
  EXPECT_FALSE(
      JwtKey::from_pem(JwtAlgorithm::rs256, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
  EXPECT_FALSE(JwtKey::from_p256(std::string(32, 'x'), std::string(32, 'y')));
  EXPECT_EQ(ERR_peek_error(), 0UL);
  EXPECT_TRUE(verifier.verify(token, kNow));
}

class JwtFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() / ("parley_jwt_" + hex_encode(random_bytes(8)));
    std::filesystem::create_directory(dir_);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::filesystem::path dir_;
};

TEST_F(JwtFiles, a_bad_reload_keeps_the_old_key_and_a_good_one_replaces_it) {
  JwtSigner first = JwtSigner::ec(), second = JwtSigner::ec();
  auto path = dir_ / "jwt.pem";
  ASSERT_TRUE(write_file_atomic(path, first.public_pem(), 0644));
  auto verifier =
      JwtVerifier::open({.key_file = path, .key_algorithm = JwtAlgorithm::es256, .jwks_file = {}}, {});
  ASSERT_TRUE(verifier) << verifier.error().message;
  std::string of_first = es256_token(R"({"alg":"ES256","kid":"whatever"})", claims(), first);
  std::string of_second = es256_token(R"({"alg":"ES256"})", claims(), second);
  EXPECT_TRUE(verifier->verify(of_first, kNow));

  ASSERT_TRUE(write_file_atomic(path, "no key at all", 0644));
  auto reloaded = verifier->reload();
  ASSERT_FALSE(reloaded);
  EXPECT_NE(reloaded.error().message.find(path.string()), std::string::npos);
  EXPECT_TRUE(verifier->verify(of_first, kNow));

  std::filesystem::remove(path);
  EXPECT_FALSE(verifier->reload());
  EXPECT_TRUE(verifier->verify(of_first, kNow));

  ASSERT_TRUE(write_file_atomic(path, second.public_pem(), 0644));
  EXPECT_TRUE(verifier->reload());
  EXPECT_EQ(verifier->verify(of_first, kNow).error(), JwtFailure::bad_signature);
  EXPECT_TRUE(verifier->verify(of_second, kNow));
}

TEST_F(JwtFiles, secrets_that_others_may_read_are_refused) {
  auto key = dir_ / "secret", jwks = dir_ / "keys.json";
  ASSERT_TRUE(write_file_atomic(key, std::string(kSecret) + "\n", 0644));
  ASSERT_TRUE(write_file_atomic(
      jwks, R"({"keys":[{"kty":"oct","alg":"HS256","k":")" + base64url_encode(kSecret) + "\"}]}", 0644));
  JwtKeySource by_key{.key_file = key, .key_algorithm = JwtAlgorithm::hs256, .jwks_file = {}};
  JwtKeySource by_jwks{.key_file = {}, .jwks_file = jwks};
  for (const JwtKeySource& source : {by_key, by_jwks}) {
    auto opened = JwtVerifier::open(source, {});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::permission_denied);
  }
  std::filesystem::permissions(key, std::filesystem::perms{0600});
  std::filesystem::permissions(jwks, std::filesystem::perms{0600});
  std::string token = hs256_token(R"({"alg":"HS256"})", claims(), kSecret);
  for (const JwtKeySource& source : {by_key, by_jwks}) {
    auto opened = JwtVerifier::open(source, {});
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_TRUE(opened->verify(token, kNow));
  }
}

TEST_F(JwtFiles, exactly_one_source_is_needed) {
  EXPECT_EQ(JwtVerifier::open({}, {}).error().code, Errc::invalid_argument);
  JwtKeySource both{.key_file = dir_ / "a", .jwks_file = dir_ / "b"};
  EXPECT_EQ(JwtVerifier::open(both, {}).error().code, Errc::invalid_argument);
  JwtKeySource missing{.key_file = {}, .jwks_file = dir_ / "b"};
  EXPECT_EQ(JwtVerifier::open(missing, {}).error().code, Errc::not_found);
}

}  // namespace
}  // namespace parley::plugin
