#pragma once
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/encoding.h"

// The other side of JwtVerifier, for tests: makes keys and signs. Aborts on any failure.
namespace parley::plugin {

class JwtSigner {
 public:
  static JwtSigner rsa(unsigned bits = 2048) {
    return JwtSigner(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{bits}));
  }
  static JwtSigner ec(const char* curve = "P-256") {
    return JwtSigner(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
  }

  std::string public_pem() const {
    std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
    require(PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1);
    char* data = nullptr;
    auto size = static_cast<std::size_t>(BIO_get_mem_data(bio.get(), &data));
    return {data, size};
  }

  // What OpenSSL makes: for EC the DER form.
  std::string signature(std::string_view text) const {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    require(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t size = 0;
    require(EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1);
    std::string out(size, '\0');
    require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes,
                           text.size()) == 1);
    out.resize(size);
    return out;
  }

  // r||s, as JWS wants it.
  std::string raw_ec_signature(std::string_view text) const {
    std::string der = signature(text);
    const auto* in = reinterpret_cast<const unsigned char*>(der.data());
    std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> parsed(
        d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())), ECDSA_SIG_free);
    std::string raw(64, '\0');
    auto* out = reinterpret_cast<unsigned char*>(raw.data());
    require(BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), out, 32) == 32);
    require(BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), out + 32, 32) == 32);
    return raw;
  }

  // A public number of the key (OSSL_PKEY_PARAM_RSA_N, …_EC_PUB_X), base64url.
  std::string number(const char* parameter) const {
    BIGNUM* raw = nullptr;
    require(EVP_PKEY_get_bn_param(key_.get(), parameter, &raw) == 1);
    std::unique_ptr<BIGNUM, decltype(&BN_free)> number(raw, BN_free);
    int size = EVP_PKEY_is_a(key_.get(), "EC") ? 32 : BN_num_bytes(raw);
    std::string bytes(static_cast<std::size_t>(size), '\0');
    require(BN_bn2binpad(raw, reinterpret_cast<unsigned char*>(bytes.data()), size) == size);
    return base64url_encode(bytes);
  }

  // The public key as JWK; `more` is added as it is (",\"kid\":\"a\"").
  std::string jwk(std::string_view more = {}) const {
    if (EVP_PKEY_is_a(key_.get(), "EC")) {
      return R"({"kty":"EC","crv":"P-256","x":")" + number(OSSL_PKEY_PARAM_EC_PUB_X) + R"(","y":")" +
             number(OSSL_PKEY_PARAM_EC_PUB_Y) + "\"" + std::string(more) + "}";
    }
    return R"({"kty":"RSA","n":")" + number(OSSL_PKEY_PARAM_RSA_N) + R"(","e":")" +
           number(OSSL_PKEY_PARAM_RSA_E) + "\"" + std::string(more) + "}";
  }

 private:
  explicit JwtSigner(EVP_PKEY* key) : key_(key, EVP_PKEY_free) { require(key != nullptr); }
  static void require(bool holds) {
    if (!holds) std::abort();
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

inline std::string signing_input(std::string_view header, std::string_view payload) {
  return base64url_encode(header) + "." + base64url_encode(payload);
}

inline std::string hs256_token(std::string_view header, std::string_view payload, std::string_view secret) {
  std::string text = signing_input(header, payload);
  return text + "." + base64url_encode(as_view(hmac_sha256(secret, text)));
}
inline std::string rs256_token(std::string_view header, std::string_view payload, const JwtSigner& signer) {
  std::string text = signing_input(header, payload);
  return text + "." + base64url_encode(signer.signature(text));
}
inline std::string es256_token(std::string_view header, std::string_view payload, const JwtSigner& signer) {
  std::string text = signing_input(header, payload);
  return text + "." + base64url_encode(signer.raw_ec_signature(text));
}

}  // namespace parley::plugin
