#include "base/crypto.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "base/encoding.h"

namespace parley {
namespace {

std::string hex(const Sha256& digest) {
  return hex_encode(as_view(digest));
}
std::string unhex(std::string_view text) {
  return hex_decode(text).value();
}

TEST(Crypto, sha256_gives_the_numbers_of_FIPS_180) {
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256(std::string_view())), hex(sha256("")));
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex(sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Crypto, sha256_is_the_same_in_every_thread) {
  Sha256 other{};
  std::thread([&] { other = sha256("abc"); }).join();
  EXPECT_EQ(other, sha256("abc"));
}

TEST(Crypto, hmac_gives_the_numbers_of_RFC_4231) {
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\xaa'), std::string(50, '\xdd'))),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(
      hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Crypto, hmac_takes_an_empty_key_and_an_empty_text) {
  constexpr std::string_view kOfNothing = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
  EXPECT_EQ(hex(hmac_sha256({}, {})), kOfNothing);
  EXPECT_EQ(hex(hmac_sha256("", "")), kOfNothing);
}

TEST(Crypto, pbkdf2_gives_the_numbers_of_RFC_7914) {
  EXPECT_EQ(hex(pbkdf2_sha256("passwd", "salt", 1)),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
  EXPECT_EQ(hex(pbkdf2_sha256("Password", "NaCl", 80'000)),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}

TEST(Crypto, equal_constant_time_compares_bytes_and_lengths) {
  EXPECT_TRUE(equal_constant_time("", {}));
  EXPECT_TRUE(equal_constant_time(std::string_view("a\0b", 3), std::string_view("a\0b", 3)));
  EXPECT_FALSE(equal_constant_time(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
  EXPECT_FALSE(equal_constant_time("secret", "secre"));
}

TEST(Crypto, random_bytes_have_the_length_asked_for_and_do_not_repeat) {
  EXPECT_EQ(random_bytes(0), "");
  EXPECT_EQ(random_bytes(1000).size(), 1000U);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_u64());
  EXPECT_EQ(seen.size(), 1000U);
}

// The exchange of RFC 7677 §3: user "user", password "pencil".
class ScramExample : public testing::Test {
 protected:
  static constexpr std::string_view kAuthMessage =
      "n=user,r=rOprNGfwEbeRWgbNEkqO,"
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  static constexpr std::string_view kProof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  static constexpr std::string_view kServerSignature = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

  // What a server keeps for the salt and the count the example shows.
  static ScramVerifier verifier_of(std::string_view password) {
    const std::string salt = base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==").value();
    const Sha256 salted = pbkdf2_sha256(password, salt, 4096);
    const Sha256 stored = sha256(as_view(hmac_sha256(as_view(salted), "Client Key")));
    const Sha256 server = hmac_sha256(as_view(salted), "Server Key");
    return {salt, 4096, std::string(as_view(stored)), std::string(as_view(server))};
  }
};

TEST_F(ScramExample, stored_key_accepts_the_published_proof) {
  const ScramVerifier verifier = verifier_of("pencil");
  const Sha256 signature = hmac_sha256(verifier.stored_key, kAuthMessage);
  std::string client_key = base64_decode(kProof).value();
  for (std::size_t i = 0; i < client_key.size(); ++i)
    client_key[i] = static_cast<char>(client_key[i] ^ signature[i]);
  EXPECT_EQ(as_view(sha256(client_key)), verifier.stored_key);
}

TEST_F(ScramExample, server_key_signs_as_published) {
  const Sha256 signature = hmac_sha256(verifier_of("pencil").server_key, kAuthMessage);
  EXPECT_EQ(base64_encode(as_view(signature)), kServerSignature);
}

TEST_F(ScramExample, only_its_password_matches) {
  const ScramVerifier verifier = verifier_of("pencil");
  EXPECT_TRUE(scram_matches(verifier, "pencil"));
  EXPECT_FALSE(scram_matches(verifier, "Pencil"));
  EXPECT_FALSE(scram_matches(verifier, ""));
}

TEST(ScramVerifier, made_here_matches_its_password_and_comes_back_from_text) {
  const ScramVerifier verifier = make_scram_verifier("p\xc3\xa4ssword");
  EXPECT_EQ(verifier.salt.size(), 16U);
  EXPECT_EQ(verifier.iterations, kScramIterationsDefault);
  EXPECT_TRUE(scram_matches(verifier, "p\xc3\xa4ssword"));
  EXPECT_FALSE(scram_matches(verifier, "password"));
  EXPECT_EQ(parse_scram(format_scram(verifier)), verifier);
  EXPECT_NE(make_scram_verifier("p\xc3\xa4ssword").salt, verifier.salt);
}

TEST(ScramVerifier, text_in_another_form_is_refused) {
  const std::string good = format_scram({unhex("00112233"), 1, std::string(32, 's'), std::string(32, 'k')});
  ASSERT_TRUE(parse_scram(good));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_scram(good.substr(0, size))) << size;
  const std::string key = base64_encode(std::string(32, 'k')), keys = "$" + key + ":" + key;
  const std::string begin = "SCRAM-SHA-256$";
  EXPECT_TRUE(parse_scram(begin + "4096:AAAA" + keys));
  EXPECT_TRUE(parse_scram(begin + "100000:AAAA" + keys));
  EXPECT_FALSE(parse_scram(begin + "100001:AAAA" + keys));
  EXPECT_FALSE(parse_scram(begin + "0:AAAA" + keys));
  EXPECT_FALSE(parse_scram(begin + "-1:AAAA" + keys));
  EXPECT_FALSE(parse_scram(begin + "4294967297:AAAA" + keys));
  EXPECT_FALSE(parse_scram(begin + " 4096:AAAA" + keys));
  EXPECT_FALSE(parse_scram(begin + "4096::" + keys));
  EXPECT_FALSE(parse_scram(begin + "4096:" + keys));
  EXPECT_FALSE(parse_scram(begin + "4096:A*AA" + keys));
  EXPECT_FALSE(parse_scram(begin + "4096:AAAA$" + base64_encode("short") + ":" + key));
  EXPECT_FALSE(parse_scram("SCRAM-SHA-1$4096:AAAA" + keys));
  EXPECT_FALSE(parse_scram(good + "\n"));
}

}  // namespace
}  // namespace parley
