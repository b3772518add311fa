#include "plugin/auth/jwt_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <utility>

#include "base/crypto.h"
#include "base/openssl_errors.h"
#include "base/openssl_pointers.h"

namespace parley::plugin {
namespace {

using namespace openssl;

constexpr std::size_t kSecretMin = 32;
constexpr int kRsaBitsMin = 2048, kRsaBitsMax = 8192, kRsaExponentBitsMax = 64;
constexpr std::size_t kP256Bytes = 32;
constexpr std::string_view kPemBegin = "-----BEGIN ";

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

BigNumber big_number(std::string_view big_endian) {
  return BigNumber{BN_bin2bn(bytes(big_endian), static_cast<int>(big_endian.size()), nullptr)};
}

Pkey pkey_from_params(const char* type, OSSL_PARAM_BLD* builder) {
  Params params{OSSL_PARAM_BLD_to_param(builder)};
  PkeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1) return nullptr;
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) return nullptr;
  return Pkey{key};
}

Result<> judge_rsa(const EVP_PKEY* key) {
  if (!EVP_PKEY_is_a(key, "RSA")) return fail(Errc::invalid_argument, "RS256 needs an RSA key");
  int bits = EVP_PKEY_get_bits(key);
  if (bits < kRsaBitsMin || bits > kRsaBitsMax) {
    return fail(Errc::invalid_argument,
                "the RSA key has " + std::to_string(bits) + " bits; 2048 to 8192 are taken");
  }
  BIGNUM* raw = nullptr;
  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &raw);
  BigNumber exponent{raw};
  if (!exponent || !BN_is_odd(exponent.get()) || BN_is_one(exponent.get()) ||
      BN_num_bits(exponent.get()) > kRsaExponentBitsMax) {
    return fail(Errc::invalid_argument, "the RSA key's exponent is not an odd number of 2 to 64 bits");
  }
  return {};
}

Result<> judge_p256(EVP_PKEY* key) {
  if (!EVP_PKEY_is_a(key, "EC")) return fail(Errc::invalid_argument, "ES256 needs a P-256 key");
  char curve[64] = {};
  int explicit_curve = 0;
  EVP_PKEY_get_group_name(key, curve, sizeof(curve), nullptr);
  EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_curve);
  if (std::string_view(curve) != SN_X9_62_prime256v1 || explicit_curve != 0) {
    return fail(Errc::invalid_argument, "ES256 needs a key on the named curve P-256");
  }
  PkeyContext context{EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)};
  if (!context || EVP_PKEY_public_check(context.get()) != 1) {
    return fail(Errc::invalid_argument, "the key's point is not on the curve P-256");
  }
  return {};
}

bool verify_digest(EVP_PKEY* key, std::string_view signed_text, std::string_view signature) {
  DigestContext context{EVP_MD_CTX_new()};
  return context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(signed_text),
                          signed_text.size()) == 1;
}

// JWS has r and s side by side; OpenSSL wants them as a DER sequence. "" when it can't be done.
std::string ecdsa_der(std::string_view raw) {
  if (raw.size() != 2 * kP256Bytes) return {};
  EcdsaSignature signature{ECDSA_SIG_new()};
  BigNumber r = big_number(raw.substr(0, kP256Bytes));
  BigNumber s = big_number(raw.substr(kP256Bytes));
  if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) return {};
  (void)r.release();  // the signature's now
  (void)s.release();
  std::string der(
      80, '\0');  // 72 at most: two integers of 33 bytes with two bytes in front, and two for the sequence
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  int size = i2d_ECDSA_SIG(signature.get(), &out);
  der.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return der;
}

int no_pass_phrase(char*, int, int, void*) {
  return -1;
}  // OpenSSL would ask on the terminal

}  // namespace

std::optional<JwtAlgorithm> parse_jwt_algorithm(std::string_view name) {
  for (auto algorithm : {JwtAlgorithm::hs256, JwtAlgorithm::rs256, JwtAlgorithm::es256}) {
    if (name == jwt_algorithm_name(algorithm)) return algorithm;
  }
  return std::nullopt;
}

std::string_view jwt_algorithm_name(JwtAlgorithm algorithm) {
  switch (algorithm) {
    case JwtAlgorithm::hs256:
      return "HS256";
    case JwtAlgorithm::rs256:
      return "RS256";
    case JwtAlgorithm::es256:
      return "ES256";
  }
  return "";
}

void JwtKey::FreePkey::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

JwtKey::JwtKey(JwtAlgorithm algorithm, std::string kid, std::string secret, Pkey pkey)
    : algorithm_(algorithm), kid_(std::move(kid)), secret_(std::move(secret)), pkey_(std::move(pkey)) {}

Result<JwtKey> JwtKey::from_secret(std::string secret, std::string kid) {
  if (secret.size() < kSecretMin) {
    return fail(Errc::invalid_argument,
                "the HS256 secret has " + std::to_string(secret.size()) + " bytes; it needs 32 at least");
  }
  if (secret.find(kPemBegin) != std::string::npos) {
    return fail(Errc::invalid_argument,
                "the HS256 secret is PEM text; a public key as a secret would let anyone sign");
  }
  return JwtKey(JwtAlgorithm::hs256, std::move(kid), std::move(secret), nullptr);
}

Result<JwtKey> JwtKey::from_pem(JwtAlgorithm algorithm, std::string_view pem) {
  if (algorithm == JwtAlgorithm::hs256) {
    return fail(Errc::invalid_argument, "HS256 takes a secret, not a public key");
  }
  std::size_t first = pem.find(kPemBegin);
  if (first != std::string_view::npos && pem.find(kPemBegin, first + 1) != std::string_view::npos) {
    return fail(Errc::invalid_argument, "there is more than one PEM block; several keys go into a JWKS file");
  }
  OpensslErrorScope errors;
  Bio bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  Pkey key{bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, no_pass_phrase, nullptr) : nullptr};
  if (!key) return fail(Errc::invalid_argument, "there is no readable PEM block \"PUBLIC KEY\"");
  return from_pkey(algorithm, {}, std::move(key));
}

Result<JwtKey> JwtKey::from_rsa(std::string_view modulus, std::string_view exponent, std::string kid) {
  if (modulus.size() > 2 * kRsaBitsMax / 8 || exponent.size() > 2 * kRsaBitsMax / 8) {
    return fail(Errc::invalid_argument, "the RSA key is too large; 2048 to 8192 bits are taken");
  }
  OpensslErrorScope errors;
  ParamBuilder builder{OSSL_PARAM_BLD_new()};
  BigNumber n = big_number(modulus);
  BigNumber e = big_number(exponent);
  if (!builder || !n || !e || BN_is_zero(n.get()) || BN_is_zero(e.get()) ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return fail(Errc::invalid_argument, "modulus and exponent make no RSA key");
  }
  Pkey key{pkey_from_params("RSA", builder.get()).release()};
  if (!key) return fail(Errc::invalid_argument, "modulus and exponent make no RSA key");
  return from_pkey(JwtAlgorithm::rs256, std::move(kid), std::move(key));
}

Result<JwtKey> JwtKey::from_p256(std::string_view x, std::string_view y, std::string kid) {
  if (x.size() != kP256Bytes || y.size() != kP256Bytes) {
    return fail(Errc::invalid_argument, "x and y of a P-256 key have 32 bytes each");
  }
  OpensslErrorScope errors;
  std::string point = "\x04" + std::string(x) + std::string(y);  // SEC 1 §2.3.3, uncompressed
  ParamBuilder builder{OSSL_PARAM_BLD_new()};
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1, 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) !=
          1) {
    return fail(Errc::internal, "OpenSSL took no parameters");
  }
  Pkey key{pkey_from_params("EC", builder.get()).release()};
  if (!key) return fail(Errc::invalid_argument, "the key's point is not on the curve P-256");
  return from_pkey(JwtAlgorithm::es256, std::move(kid), std::move(key));
}

Result<JwtKey> JwtKey::from_pkey(JwtAlgorithm algorithm, std::string kid, Pkey pkey) {
  Result<> judged = algorithm == JwtAlgorithm::rs256 ? judge_rsa(pkey.get()) : judge_p256(pkey.get());
  if (!judged) return std::unexpected(judged.error());
  return JwtKey(algorithm, std::move(kid), {}, std::move(pkey));
}

bool JwtKey::verify(std::string_view signed_text, std::string_view signature) const {
  if (algorithm_ == JwtAlgorithm::hs256) {
    return equal_constant_time(as_view(hmac_sha256(secret_, signed_text)), signature);
  }
  OpensslErrorScope errors;
  if (algorithm_ == JwtAlgorithm::rs256) return verify_digest(pkey_.get(), signed_text, signature);
  std::string der = ecdsa_der(signature);
  return !der.empty() && verify_digest(pkey_.get(), signed_text, der);
}

}  // namespace parley::plugin
