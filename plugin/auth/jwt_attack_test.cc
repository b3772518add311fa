#include <gtest/gtest.h>

#include <algorithm>

#include "base/encoding.h"
#include "plugin/auth/jwt.h"
#include "plugin/auth/jwt_signer.h"

// What people try. Every line is a token that must be refused, and why; the control at the head of each test
// shows that the same token without the trick is taken.
namespace parley::plugin {
namespace {

constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kPayload = R"({"sub":"alice","exp":1795315000})";
const WallTime kNow = from_ms(1'795'314'673'123);

const JwtSigner& rsa() {
  static const JwtSigner signer = JwtSigner::rsa();
  return signer;
}
const JwtSigner& ec() {
  static const JwtSigner signer = JwtSigner::ec();
  return signer;
}

JwtVerifier all_three() {
  std::string json = R"({"keys":[{"kty":"oct","alg":"HS256","kid":"h","k":")" + base64url_encode(kSecret) +
                     R"("},)" + rsa().jwk(R"(,"alg":"RS256","kid":"r")") + "," +
                     ec().jwk(R"(,"alg":"ES256","kid":"e")") + "]}";
  auto keys = parse_jwks(json);
  EXPECT_TRUE(keys) << keys.error().message;
  return {std::move(*keys), {}};
}

std::string hs(std::string_view header) {
  return hs256_token(header, kPayload, kSecret);
}
std::string rs(std::string_view header) {
  return rs256_token(header, kPayload, rsa());
}
std::string es(std::string_view header) {
  return es256_token(header, kPayload, ec());
}

void expect_refused(const JwtVerifier& verifier, std::string_view token, JwtFailure failure) {
  auto verdict = verifier.verify(token, kNow);
  ASSERT_FALSE(verdict) << token;
  EXPECT_EQ(jwt_failure_text(verdict.error()), jwt_failure_text(failure)) << token;
}

TEST(JwtAttack, controls_are_taken) {
  JwtVerifier verifier = all_three();
  for (const std::string& token :
       {hs(R"({"alg":"HS256"})"), rs(R"({"alg":"RS256"})"), es(R"({"alg":"ES256"})"),
        hs(R"({"alg":"HS256","kid":"h"})"), rs(R"({"alg":"RS256","kid":"r"})"),
        es(R"({"alg":"ES256","kid":"e"})"), es(R"({"alg":"ES256","kid":""})")}) {
    EXPECT_TRUE(verifier.verify(token, kNow)) << token;
    EXPECT_TRUE(looks_like_jwt(token));
  }
}

TEST(JwtAttack, unsigned_and_unknown_algorithms) {
  JwtVerifier verifier = all_three();
  for (auto alg : {"none", "None", "NONE", "hs256", "HS256 ", "HS384", "HS512", "RS384", "PS256", "ES384",
                   "EdDSA", "", "RSA-OAEP"}) {
    std::string header = R"({"alg":")" + std::string(alg) + "\"}";
    expect_refused(verifier, signing_input(header, kPayload) + ".", JwtFailure::algorithm_not_allowed);
    expect_refused(verifier, hs(header), JwtFailure::algorithm_not_allowed);
  }
  EXPECT_TRUE(looks_like_jwt(signing_input(R"({"alg":"none"})", kPayload) + "."));
  expect_refused(verifier, signing_input(R"({"alg":"HS256"})", kPayload) + ".", JwtFailure::bad_signature);
}

TEST(JwtAttack, the_public_key_as_hmac_secret) {
  auto keys = parse_jwks("{\"keys\":[" + rsa().jwk(R"(,"alg":"RS256")") + "]}");
  JwtVerifier verifier(std::move(*keys), {});
  std::string pem = rsa().public_pem();
  for (const std::string& secret :
       {pem, pem.substr(0, pem.size() - 1), rsa().jwk(), rsa().number(OSSL_PKEY_PARAM_RSA_N)}) {
    expect_refused(verifier, hs256_token(R"({"alg":"HS256"})", kPayload, secret), JwtFailure::unknown_key);
    expect_refused(verifier, hs256_token(R"({"alg":"RS256"})", kPayload, secret), JwtFailure::bad_signature);
  }
  EXPECT_FALSE(JwtKey::from_secret(pem));
}

TEST(JwtAttack, kid_of_a_key_with_another_algorithm) {
  JwtVerifier verifier = all_three();
  expect_refused(verifier, hs(R"({"alg":"HS256","kid":"r"})"), JwtFailure::unknown_key);
  expect_refused(verifier, rs(R"({"alg":"RS256","kid":"e"})"), JwtFailure::unknown_key);
  expect_refused(verifier, es(R"({"alg":"RS256","kid":"r"})"), JwtFailure::bad_signature);
  expect_refused(verifier, es(R"({"alg":"ES256","kid":"E"})"), JwtFailure::unknown_key);
  expect_refused(verifier, es(R"({"alg":"ES256","kid":"../../dev/null"})"), JwtFailure::unknown_key);
}

TEST(JwtAttack, keys_and_places_named_by_the_token) {
  JwtVerifier verifier = all_three();
  JwtSigner stranger = JwtSigner::ec();
  std::string header = R"({"alg":"ES256","jwk":)" + stranger.jwk() + R"(,"jku":"https://example.org/keys"})";
  expect_refused(verifier, es256_token(header, kPayload, stranger), JwtFailure::bad_signature);
  header = R"({"alg":"ES256","kid":"x","jwk":)" + stranger.jwk(R"(,"kid":"x")") + "}";
  expect_refused(verifier, es256_token(header, kPayload, stranger), JwtFailure::unknown_key);
}

TEST(JwtAttack, header_members) {
  JwtVerifier verifier = all_three();
  struct Case {
    std::string_view header;
    JwtFailure failure;
  };
  for (const Case& each : {
           Case{R"({"alg":"HS256","crit":["b64"],"b64":false})", JwtFailure::critical_header},
           Case{R"({"alg":"HS256","crit":[]})", JwtFailure::critical_header},
           Case{R"({"alg":"HS256","crit":null})", JwtFailure::critical_header},
           Case{R"({"alg":"HS256","typ":"logout+jwt"})", JwtFailure::wrong_type},
           Case{R"({"alg":"HS256","typ":7})", JwtFailure::wrong_type},
           Case{R"({"alg":"HS256","kid":7})", JwtFailure::malformed},
           Case{R"({"alg":"none","alg":"HS256"})", JwtFailure::malformed},
           Case{R"({"alg":"HS256","alg":"HS256"})", JwtFailure::malformed},
           Case{R"({"alg":["HS256"]})", JwtFailure::malformed},
           Case{R"({"typ":"JWT"})", JwtFailure::malformed},
           Case{R"({"alg":"HS256"} x)", JwtFailure::malformed},
           Case{R"(["HS256"])", JwtFailure::malformed},
       }) {
    expect_refused(verifier, hs(each.header), each.failure);
  }
  for (auto type : {"JWT", "jwt", "at+JWT", "application/at+jwt", "application/jwt"}) {
    EXPECT_TRUE(verifier.verify(hs(R"({"alg":"HS256","typ":")" + std::string(type) + "\"}"), kNow)) << type;
  }
}

TEST(JwtAttack, changed_text_around_a_good_token) {
  JwtVerifier verifier = all_three();
  std::string token = hs(R"({"alg":"HS256"})");
  for (const std::string& bad :
       {token + "=", token + "==", token + ".", token + ".AAAA", token + "\n", token + " ", " " + token,
        token + std::string(1, '\0'), "." + token, token.substr(0, token.rfind('.')), std::string("."),
        std::string(".."), std::string("..."), std::string(), std::string("a.b.c"),
        token.substr(0, token.size() - 1)}) {
    expect_refused(verifier, bad, JwtFailure::malformed);
  }
  // 32 bytes end in 2 bits that must be zero: a decoder that forgets them takes four texts for one signature.
  for (char& last = token.back(); std::string_view("AEIMQUYcgkosw048").find(last) != std::string_view::npos;)
    ++last;
  expect_refused(verifier, token, JwtFailure::malformed);
}

TEST(JwtAttack, every_changed_character_is_noticed) {
  JwtVerifier verifier = all_three();
  for (const std::string& token :
       {hs(R"({"alg":"HS256"})"), rs(R"({"alg":"RS256"})"), es(R"({"alg":"ES256"})")}) {
    for (std::size_t i = 0; i < token.size(); ++i) {
      std::string changed = token;
      changed[i] = changed[i] == 'A' ? 'B' : 'A';
      EXPECT_FALSE(verifier.verify(changed, kNow)) << i;
    }
  }
}

TEST(JwtAttack, signatures_of_other_shapes) {
  JwtVerifier verifier = all_three();
  auto with = [](std::string_view alg, const std::string& signature) {
    return signing_input(R"({"alg":")" + std::string(alg) + "\"}", kPayload) + "." +
           base64url_encode(signature);
  };
  std::string es_input = signing_input(R"({"alg":"ES256"})", kPayload);
  std::string good = ec().raw_ec_signature(es_input);
  ASSERT_TRUE(verifier.verify(with("ES256", good), kNow));
  std::string order =
      hex_decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").value_or("");
  std::string zero(32, '\0'), one = std::string(31, '\0') + '\1';
  for (const std::string& bad :
       {ec().signature(es_input), good.substr(0, 63), good + '\0', std::string(1, '\0') + good, good + good,
        zero + zero, one + zero, zero + one, order + order, order + one, one + order, std::string(64, '\xff'),
        std::string(), good.substr(0, 32)}) {
    expect_refused(verifier, with("ES256", bad), JwtFailure::bad_signature);
  }
  std::string hmac(as_view(hmac_sha256(kSecret, signing_input(R"({"alg":"HS256"})", kPayload))));
  for (const std::string& bad :
       {hmac.substr(0, 31), hmac + '\0', hmac + hmac, std::string(32, '\0'), std::string()}) {
    expect_refused(verifier, with("HS256", bad), JwtFailure::bad_signature);
  }
  std::string rsa_good = rsa().signature(signing_input(R"({"alg":"RS256"})", kPayload));
  ASSERT_TRUE(verifier.verify(with("RS256", rsa_good), kNow));
  for (const std::string& bad : {rsa_good.substr(1), rsa_good + '\0', std::string(1, '\0') + rsa_good,
                                 std::string(256, '\0'), std::string(256, '\xff'), one, std::string()}) {
    expect_refused(verifier, with("RS256", bad), JwtFailure::bad_signature);
  }
}

TEST(JwtAttack, too_long_or_too_deep) {
  JwtVerifier verifier = all_three();
  auto padded = [](std::size_t bytes) {
    return R"({"sub":"alice","exp":1795315000,"x":")" + std::string(bytes, 'x') + "\"}";
  };
  EXPECT_TRUE(verifier.verify(hs256_token(R"({"alg":"HS256"})", padded(5900), kSecret), kNow));
  expect_refused(verifier, hs256_token(R"({"alg":"HS256"})", padded(6200), kSecret), JwtFailure::too_long);
  std::string deep =
      R"({"sub":"alice","exp":1795315000,"x":)" + std::string(2900, '[') + std::string(2900, ']') + "}";
  EXPECT_TRUE(verifier.verify(hs256_token(R"({"alg":"HS256"})", deep, kSecret), kNow));
  expect_refused(verifier, hs(std::string(5000, '[')), JwtFailure::malformed);
}

TEST(JwtAttack, passwords_that_only_resemble_a_jwt) {
  for (auto password : {"a.b.c", "my.good.password", "1.2.3", "..", "eyJ.eyJ", "eyJhbGciOiJIUzI1NiJ9",
                        "plt_x.y.z", "W10.e30.x", "eyJhbGciOiJIUzI1NiJ9.e30.a b", "e30.e30.e30.e30"}) {
    EXPECT_FALSE(looks_like_jwt(password)) << password;
  }
  for (auto token : {"eyJh.e30.x", "IHsi.e30.x", "Cgp7..", "e30K.e30.x"})
    EXPECT_TRUE(looks_like_jwt(token)) << token;
}

}  // namespace
}  // namespace parley::plugin
