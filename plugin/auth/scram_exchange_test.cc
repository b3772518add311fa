#include "plugin/auth/scram_exchange.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "plugin/auth/scram_client.h"

namespace parley::plugin {
namespace {

// RFC 7677 §3.
constexpr std::string_view kClientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view kServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view kServerFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr std::string_view kWithoutProof = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view kProof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
constexpr std::string_view kServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

std::string mac(std::string_view key, std::string_view text) {
  return std::string(as_view(hmac_sha256(key, text)));
}

ScramVerifier verifier_of(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  const std::string salted(as_view(pbkdf2_sha256(password, salt, iterations)));
  return {.salt = std::string(salt),
          .iterations = iterations,
          .stored_key = std::string(as_view(sha256(mac(salted, "Client Key")))),
          .server_key = mac(salted, "Server Key")};
}

ScramExchange rfc_exchange(std::string_view client_first = kClientFirst) {
  auto first = parse_scram_first(client_first);
  EXPECT_TRUE(first);
  return ScramExchange(*first, verifier_of("pencil", *base64_decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096),
                       kServerNonce);
}

// The RFC's client, with another password or header.
ScramClient rfc_client(std::string password = "pencil", std::string header = "n,,") {
  return {.user = "user",
          .password = std::move(password),
          .header = std::move(header),
          .nonce = "rOprNGfwEbeRWgbNEkqO"};
}

ScramFailure failure_of(std::string_view client_first) {
  auto first = parse_scram_first(client_first);
  EXPECT_FALSE(first) << client_first;
  return first ? ScramFailure::wrong_proof : first.error();
}

TEST(Scram, the_exchange_of_RFC_7677_comes_out_as_printed_there) {
  const auto exchange = rfc_exchange();
  EXPECT_EQ(exchange.user(), "user");
  EXPECT_EQ(exchange.server_first(), kServerFirst);
  const auto final = exchange.finish(std::string(kWithoutProof) + ",p=" + std::string(kProof));
  ASSERT_TRUE(final);
  EXPECT_EQ(*final, kServerFinal);
}

TEST(Scram, another_password_is_refused) {
  const auto exchange = rfc_exchange();
  EXPECT_TRUE(exchange.finish(rfc_client().final(exchange.server_first())));
  for (const char* password : {"pencil ", "Pencil", "", "user"}) {
    const auto answer = exchange.finish(rfc_client(password).final(exchange.server_first()));
    ASSERT_FALSE(answer) << password;
    EXPECT_EQ(answer.error(), ScramFailure::wrong_proof);
  }
}

TEST(Scram, every_bit_of_the_proof_counts) {
  const auto exchange = rfc_exchange();
  const std::string proof = *base64_decode(kProof);
  for (std::size_t bit = 0; bit < proof.size() * 8; ++bit) {
    std::string other = proof;
    other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(exchange.finish(std::string(kWithoutProof) + ",p=" + base64_encode(other))) << bit;
  }
}

TEST(Scram, a_client_that_could_have_bound_the_channel_is_taken_and_one_that_insists_is_not) {
  const auto exchange = rfc_exchange("y,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  EXPECT_TRUE(exchange.finish(rfc_client("pencil", "y,,").final(exchange.server_first())));
  // The header that is repeated must be the one that was sent: who took the binding away from it is found out.
  const auto stripped = exchange.finish(rfc_client().final(exchange.server_first()));
  ASSERT_FALSE(stripped);
  EXPECT_EQ(stripped.error(), ScramFailure::other_exchange);
  for (std::string_view binding :
       {"p=tls-unique,,n=user,r=abc", "p=tls-exporter,,n=user,r=abc", "p=,,n=user,r=abc"})
    EXPECT_EQ(failure_of(binding), ScramFailure::channel_binding);
}

TEST(Scram, names_with_commas_and_equals_signs_come_escaped) {
  EXPECT_EQ(parse_scram_first("n,,n=a=2Cb=3Dc,r=x")->user, "a,b=c");
  for (std::string_view name : {"a=b", "a=2c", "a=2", "a=", "=", "a=3d", "=2D"})
    EXPECT_EQ(failure_of("n,,n=" + std::string(name) + ",r=x"), ScramFailure::malformed) << name;
}

TEST(Scram, nobody_acts_for_another) {
  EXPECT_EQ(parse_scram_first("n,a=alice,n=alice,r=x")->gs2_header, "n,a=alice,");
  EXPECT_EQ(failure_of("n,a=root,n=alice,r=x"), ScramFailure::other_identity);
  EXPECT_EQ(failure_of("n,a=,n=alice,r=x"), ScramFailure::malformed);
  EXPECT_EQ(failure_of("n,alice,n=alice,r=x"), ScramFailure::malformed);
}

TEST(Scram, mandatory_extensions_are_refused_and_others_passed_over) {
  EXPECT_EQ(failure_of("n,,m=x,n=alice,r=x"), ScramFailure::extension);
  EXPECT_EQ(parse_scram_first("n,,n=alice,r=x,t=hello,Z=1")->bare, "n=alice,r=x,t=hello,Z=1");
  for (std::string_view tail : {",", ",t", ",t=", ",=x", ",1=x", ",t=1,", ",,t=1"})
    EXPECT_EQ(failure_of("n,,n=alice,r=x" + std::string(tail)), ScramFailure::malformed) << tail;
}

TEST(Scram, what_is_not_the_grammar_is_malformed) {
  for (std::string_view message :
       {"", "n", "n,", "n,,", "n,,n=alice", "n,,n=alice,", "n,,n=alice,r=", "n,,r=x,n=alice", "n,,n=,r=x",
        "x,,n=alice,r=x", "N,,n=alice,r=x", "n,n=alice,r=x", ",,n=alice,r=x", "n,,n=alice,r=a b",
        "n,,n=alice,r=\x7f", "n,,n=alice,r=\xc3\xa4", "n,,n=al\xff,r=x", "n=alice,r=x"})
    EXPECT_EQ(failure_of(message), ScramFailure::malformed) << message;
  using namespace std::string_view_literals;
  EXPECT_EQ(failure_of("n,,n=al\0ice,r=x"sv), ScramFailure::malformed);
  EXPECT_EQ(failure_of("n,,n=alice,r=" + std::string(kScramNonceMax + 1, 'x')), ScramFailure::malformed);
  EXPECT_TRUE(parse_scram_first("n,,n=alice,r=" + std::string(kScramNonceMax, 'x')));
  EXPECT_EQ(failure_of("n,,n=" + std::string(kScramMessageMax, 'a') + ",r=x"), ScramFailure::malformed);
}

TEST(Scram, the_last_message_must_be_whole_strict_and_about_this_exchange) {
  const auto exchange = rfc_exchange();
  const auto failure = [&](const std::string& message) {
    const auto answer = exchange.finish(message);
    EXPECT_FALSE(answer) << message;
    return answer ? ScramFailure::channel_binding : answer.error();
  };
  const std::string good(kWithoutProof), proof(kProof);
  for (const std::string& message :
       {std::string(), proof, good, good + ",p=", good + ",p=" + proof.substr(1), good + ",p=" + proof + "=",
        good + ",p=" + proof + ",x=1", good + ",p= " + proof, good + ",p=" + base64_encode("short"),
        "r=x,c=biws,p=" + proof, "c=biws,p=" + proof, good + ",,p=" + proof, good + ",x=,p=" + proof})
    EXPECT_EQ(failure(message), ScramFailure::malformed) << message;
  // A nonce of an exchange before, one cut short, and the client's half alone.
  for (const char* nonce : {"rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k1",
                            "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k", "rOprNGfwEbeRWgbNEkqO", ""})
    EXPECT_EQ(failure("c=biws,r=" + std::string(nonce) + ",p=" + proof), ScramFailure::other_exchange);
  for (const char* header : {"eSws", "biw", "biwsCg==", ""})
    EXPECT_EQ(failure("c=" + std::string(header) + good.substr(6) + ",p=" + proof),
              ScramFailure::other_exchange);
}

TEST(Scram, extensions_of_the_last_message_are_signed_with_the_rest) {
  const auto exchange = rfc_exchange();
  EXPECT_TRUE(exchange.finish(rfc_client().final(exchange.server_first(), ",t=hello")));
  EXPECT_EQ(exchange.finish(std::string(kWithoutProof) + ",t=hello,p=" + std::string(kProof)).error(),
            ScramFailure::wrong_proof);
}

TEST(Scram, an_answer_fits_one_exchange_only) {
  const auto again = ScramExchange(*parse_scram_first(kClientFirst),
                                   verifier_of("pencil", *base64_decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096),
                                   make_scram_nonce());
  const auto replayed = again.finish(std::string(kWithoutProof) + ",p=" + std::string(kProof));
  ASSERT_FALSE(replayed);
  EXPECT_EQ(replayed.error(), ScramFailure::other_exchange);
  EXPECT_NE(make_scram_nonce(), make_scram_nonce());
  EXPECT_EQ(make_scram_nonce().find(','), std::string::npos);
}

TEST(Scram, users_who_do_not_exist_have_a_salt_of_their_own_that_stays) {
  const auto fake = fake_scram_verifier("secret", "nobody");
  EXPECT_EQ(fake, fake_scram_verifier("secret", "nobody"));
  const auto real = make_scram_verifier("x");
  EXPECT_EQ(fake.salt.size(), real.salt.size());
  EXPECT_EQ(fake.iterations, real.iterations);
  EXPECT_EQ(fake.stored_key.size(), real.stored_key.size());
  EXPECT_NE(fake.salt, fake_scram_verifier("secret", "nobody2").salt);
  EXPECT_NE(fake.salt, fake_scram_verifier("secret2", "nobody").salt);
}

}  // namespace
}  // namespace parley::plugin
