#include "backend/notify/providers/private_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/encoding.h"
#include "base/file.h"
#include "base/openssl_errors.h"
#include "base/openssl_pointers.h"

namespace parley::backend {
namespace {

using namespace openssl;
using OwnedPkey = openssl::Pkey;  // PrivateKey has a Pkey of its own

constexpr int kRsaBitsMin = 2048;
constexpr std::size_t kScalarBytes = 32, kPointBytes = 65;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

int no_pass_phrase(char*, int, int, void*) {
  return -1;
}  // OpenSSL would ask on the terminal

bool is_p256(const EVP_PKEY* key) {
  char curve[64] = {};
  EVP_PKEY_get_group_name(key, curve, sizeof curve, nullptr);
  return EVP_PKEY_is_a(key, "EC") && std::string_view(curve) == SN_X9_62_prime256v1;
}

// `selection`: EVP_PKEY_KEYPAIR or EVP_PKEY_PUBLIC_KEY. Null when the point is not on the curve.
OwnedPkey p256_pkey(OSSL_PARAM_BLD* builder, std::string_view point, int selection) {
  if (point.size() != kPointBytes || point[0] != 4 ||
      OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
    return nullptr;
  const Params params{OSSL_PARAM_BLD_to_param(builder)};
  const PkeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)};
  EVP_PKEY* raw = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &raw, selection, params.get()) != 1)
    return nullptr;
  OwnedPkey key{raw};
  const PkeyContext check{EVP_PKEY_CTX_new_from_pkey(nullptr, raw, nullptr)};
  if (!check || EVP_PKEY_public_check(check.get()) != 1) return nullptr;
  return key;
}

// OpenSSL gives a DER sequence; JWS has r and s side by side. "" when it can't be done.
std::string raw_signature(std::string_view der) {
  const auto* in = bytes(der);
  const EcdsaSignature parsed{d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size()))};
  std::string raw(2 * kScalarBytes, '\0');
  if (!parsed || BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), bytes(raw), kScalarBytes) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), bytes(raw) + kScalarBytes, kScalarBytes) < 0)
    return {};
  return raw;
}

std::unexpected<Error> openssl_failed() {
  return fail(Errc::internal, "OpenSSL could not use a private key.");
}

}  // namespace

void PrivateKey::Free::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem, Kind kind) {
  const OpensslErrorScope errors;
  const Bio bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  Pkey key{bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr) : nullptr};
  if (!key) return fail(Errc::invalid_argument, "there is no private key in PEM form without a pass phrase");
  if (kind == Kind::p256 && !is_p256(key.get()))
    return fail(Errc::invalid_argument, "the key is not one of the curve P-256 (prime256v1)");
  if (kind == Kind::rsa && (!EVP_PKEY_is_a(key.get(), "RSA") || EVP_PKEY_get_bits(key.get()) < kRsaBitsMin))
    return fail(Errc::invalid_argument, "the key is not one of RSA with 2048 bits at least");
  return PrivateKey(kind, std::move(key));
}

Result<PrivateKey> PrivateKey::from_file(const std::string& path, Kind kind) {
  const auto pem = read_secret_file(path);
  if (!pem) return std::unexpected(pem.error());
  auto key = from_pem(*pem, kind);
  if (!key) return fail(key.error().code, path + ": " + key.error().message + ".");
  return key;
}

Result<PrivateKey> PrivateKey::make_p256() {
  const OpensslErrorScope errors;
  Pkey key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", SN_X9_62_prime256v1)};
  if (!key) return openssl_failed();
  return PrivateKey(Kind::p256, std::move(key));
}

Result<PrivateKey> PrivateKey::p256_from(std::string_view scalar, std::string_view point) {
  const OpensslErrorScope errors;
  const ParamBuilder builder{OSSL_PARAM_BLD_new()};
  const BigNumber number{BN_bin2bn(bytes(scalar), static_cast<int>(scalar.size()), nullptr)};
  if (!builder || !number ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, number.get()) != 1)
    return openssl_failed();
  Pkey key{p256_pkey(builder.get(), point, EVP_PKEY_KEYPAIR).release()};
  if (!key) return fail(Errc::invalid_argument, "the numbers are no key of the curve P-256");
  return PrivateKey(Kind::p256, std::move(key));
}

Result<std::string> PrivateKey::sign(std::string_view text) const {
  const OpensslErrorScope errors;
  const DigestContext context{EVP_MD_CTX_new()};
  std::size_t size = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes(text), text.size()) != 1)
    return openssl_failed();
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), bytes(signature), &size, bytes(text), text.size()) != 1)
    return openssl_failed();
  signature.resize(size);
  if (kind_ == Kind::p256) signature = raw_signature(signature);
  if (signature.empty()) return openssl_failed();
  return signature;
}

std::string PrivateKey::public_point() const {
  const OpensslErrorScope errors;
  BIGNUM *raw_x = nullptr, *raw_y = nullptr;
  EVP_PKEY_get_bn_param(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, &raw_x);
  EVP_PKEY_get_bn_param(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, &raw_y);
  const BigNumber x{raw_x}, y{raw_y};
  std::string point(kPointBytes, '\4');
  if (!x || !y || BN_bn2binpad(x.get(), bytes(point) + 1, kScalarBytes) < 0 ||
      BN_bn2binpad(y.get(), bytes(point) + 1 + kScalarBytes, kScalarBytes) < 0)
    return {};
  return point;
}

Result<std::string> PrivateKey::shared_secret(std::string_view point) const {
  const OpensslErrorScope errors;
  const ParamBuilder builder{OSSL_PARAM_BLD_new()};
  const OwnedPkey peer = builder ? p256_pkey(builder.get(), point, EVP_PKEY_PUBLIC_KEY) : nullptr;
  if (!peer) return fail(Errc::invalid_argument, "the bytes are no point of the curve P-256");
  const PkeyContext context{EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr)};
  std::string secret(kScalarBytes, '\0');
  std::size_t size = secret.size();
  if (!context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1 ||
      EVP_PKEY_derive(context.get(), bytes(secret), &size) != 1 || size != kScalarBytes)
    return openssl_failed();
  return secret;
}

Result<std::string> sign_jwt(const PrivateKey& key, nlohmann::json header, const nlohmann::json& claims) {
  header["alg"] = key.algorithm();
  auto text = base64url_encode(header.dump()) + "." + base64url_encode(claims.dump());
  const auto signature = key.sign(text);
  if (!signature) return std::unexpected(signature.error());
  return text + "." + base64url_encode(*signature);
}

}  // namespace parley::backend
