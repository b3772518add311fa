#include "backend/notify/providers/web_push_encryption.h"

#include <openssl/evp.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "backend/notify/providers/answers.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/openssl_errors.h"

namespace parley::backend {
namespace {

constexpr std::size_t kPointBytes = 65, kAuthBytes = 16, kSaltBytes = 16, kKeyBytes = 16, kNonceBytes = 12,
                      kTagBytes = 16;
constexpr std::uint32_t kRecordSize = 4'096;
constexpr char kLastRecord = '\2';  // its delimiter (RFC 8188 §2)

// HKDF (RFC 5869) with SHA-256, for at most 32 bytes.
std::string hkdf(std::string_view salt, std::string_view secret, const std::string& info, std::size_t size) {
  const auto extracted = hmac_sha256(salt, secret);
  return std::string(as_view(hmac_sha256(as_view(extracted), info + '\1')).substr(0, size));
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// AES-128-GCM, the tag behind; "" when OpenSSL failed.
std::string seal(const std::string& key, const std::string& nonce, const std::string& text) {
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  const OpensslErrorScope errors;
  const std::unique_ptr<EVP_CIPHER_CTX, Free> context(EVP_CIPHER_CTX_new());
  std::string sealed(text.size() + kTagBytes, '\0');
  auto* out = reinterpret_cast<unsigned char*>(sealed.data());
  int size = 0, more = 0;
  if (!context ||
      EVP_EncryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, bytes(key), bytes(nonce)) != 1 ||
      EVP_EncryptUpdate(context.get(), out, &size, bytes(text), static_cast<int>(text.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), out + size, &more) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, out + text.size()) != 1)
    return {};
  return sealed;
}

std::string big_endian(std::uint32_t number) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift);
  return out;
}

std::string key_bytes(const nlohmann::json& keys, const char* name) {
  const auto* text = member(keys, name).get_ptr<const std::string*>();
  if (!text) return {};
  return base64url_decode(text->substr(0, text->find('='))).value_or("");
}

}  // namespace

Result<WebPushKeys> parse_web_push_keys(const std::string& keys) {
  const auto json = nlohmann::json::parse(keys, nullptr, false);
  WebPushKeys parsed{key_bytes(json, "p256dh"), key_bytes(json, "auth")};
  if (parsed.p256dh.size() != kPointBytes || parsed.auth.size() != kAuthBytes)
    return fail(Errc::invalid_argument, "p256dh must be 65 bytes and auth 16, as base64url.");
  return parsed;
}

Result<std::string> encrypt_web_push(std::string_view text, const WebPushKeys& to) {
  const auto sender = PrivateKey::make_p256();
  if (!sender) return std::unexpected(sender.error());
  return encrypt_web_push_with(text, to, *sender, random_bytes(kSaltBytes));
}

Result<std::string> encrypt_web_push_with(std::string_view text, const WebPushKeys& to,
                                          const PrivateKey& sender, std::string_view salt) {
  const auto shared = sender.shared_secret(to.p256dh);
  if (!shared) return std::unexpected(shared.error());
  const auto point = sender.public_point();
  // RFC 8291 §3.3 and §3.4; the zero byte is part of each.
  const auto key_info = std::string("WebPush: info") + '\0' + to.p256dh + point;
  const auto secret = hkdf(to.auth, *shared, key_info, 32);
  const auto key = hkdf(salt, secret, std::string("Content-Encoding: aes128gcm") + '\0', kKeyBytes);
  const auto nonce = hkdf(salt, secret, std::string("Content-Encoding: nonce") + '\0', kNonceBytes);
  const auto sealed = seal(key, nonce, std::string(text) + kLastRecord);
  if (sealed.empty()) return fail(Errc::internal, "OpenSSL could not encrypt.");
  return std::string(salt) + big_endian(kRecordSize) + static_cast<char>(kPointBytes) + point + sealed;
}

}  // namespace parley::backend
