#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/encoding.h"

namespace parley {
namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::string_view kScramPrefix = "SCRAM-SHA-256$";

const unsigned char* bytes_of(std::string_view s) {
  static constexpr unsigned char kNothing[1] = {};  // OpenSSL reads null as "no key given"
  return s.data() == nullptr ? kNothing : reinterpret_cast<const unsigned char*>(s.data());
}

// A failure here is want of memory or a broken OpenSSL: there is no answer that would be safe to give.
void require(bool done) {
  if (!done) std::abort();
}

// OpenSSL 3's one-shot calls look the algorithm up by name each time, which costs more than hashing a short
// text.
class Sha256Context {
 public:
  Sha256Context() : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
    require(algorithm_ != nullptr && context_ != nullptr);
  }

  Sha256 digest(std::string_view data) {
    Sha256 out;
    require(EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr) == 1 &&
            EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1 &&
            EVP_DigestFinal_ex(context_.get(), out.data(), nullptr) == 1);
    return out;
  }

 private:
  struct Free {
    void operator()(EVP_MD* p) const { EVP_MD_free(p); }
    void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  };
  std::unique_ptr<EVP_MD, Free> algorithm_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

struct ScramKeys {
  Sha256 stored, server;
};

ScramKeys scram_keys(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  const Sha256 salted = pbkdf2_sha256(password, salt, iterations);
  const Sha256 client = hmac_sha256(as_view(salted), "Client Key");
  return {sha256(as_view(client)), hmac_sha256(as_view(salted), "Server Key")};
}

// The part of `text` before `separator`, which is taken off with it; nullopt when there is none.
std::optional<std::string_view> take_until(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at + 1);
  return part;
}

std::optional<std::uint32_t> parse_iterations(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (value == 0 || value > kScramIterationsMax) return std::nullopt;
  return value;
}

}  // namespace

Sha256 sha256(std::string_view data) {
  thread_local Sha256Context context;
  return context.digest(data);
}

Sha256 hmac_sha256(std::string_view key, std::string_view data) {
  Sha256 out;
  require(HMAC(EVP_sha256(), bytes_of(key), static_cast<int>(key.size()), bytes_of(data), data.size(),
               out.data(), nullptr) != nullptr);
  return out;
}

Sha256 pbkdf2_sha256(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  Sha256 out;
  require(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(bytes_of(password)),
                            static_cast<int>(password.size()), bytes_of(salt), static_cast<int>(salt.size()),
                            static_cast<int>(iterations), EVP_sha256(), static_cast<int>(out.size()),
                            out.data()) == 1);
  return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(bytes_of(a), bytes_of(b), a.size()) == 0;
}

std::string random_bytes(std::size_t n) {
  std::string out(n, '\0');
  for (std::size_t have = 0; have < n;) {
    const ssize_t got = ::getrandom(out.data() + have, n - have, 0);
    require(got > 0 || (got < 0 && errno == EINTR));
    if (got > 0) have += static_cast<std::size_t>(got);
  }
  return out;
}

std::uint64_t random_u64() {
  std::uint64_t value;
  std::memcpy(&value, random_bytes(sizeof value).data(), sizeof value);
  return value;
}

ScramVerifier make_scram_verifier(std::string_view password, std::uint32_t iterations) {
  std::string salt = random_bytes(kSaltBytes);
  const ScramKeys keys = scram_keys(password, salt, iterations);
  return {std::move(salt), iterations, std::string(as_view(keys.stored)), std::string(as_view(keys.server))};
}

bool scram_matches(const ScramVerifier& verifier, std::string_view password) {
  const ScramKeys keys = scram_keys(password, verifier.salt, verifier.iterations);
  return equal_constant_time(as_view(keys.stored), verifier.stored_key);
}

std::string format_scram(const ScramVerifier& verifier) {
  std::string out(kScramPrefix);
  out += std::to_string(verifier.iterations);
  out += ':';
  out += base64_encode(verifier.salt);
  out += '$';
  out += base64_encode(verifier.stored_key);
  out += ':';
  out += base64_encode(verifier.server_key);
  return out;
}

std::optional<ScramVerifier> parse_scram(std::string_view text) {
  if (!text.starts_with(kScramPrefix)) return std::nullopt;
  text.remove_prefix(kScramPrefix.size());
  const auto iterations_text = take_until(text, ':');
  const auto salt_text = take_until(text, '$');
  const auto stored_text = take_until(text, ':');
  if (!iterations_text || !salt_text || !stored_text) return std::nullopt;

  const auto iterations = parse_iterations(*iterations_text);
  auto salt = base64_decode(*salt_text);
  auto stored = base64_decode(*stored_text);
  auto server = base64_decode(text);
  if (!iterations || !salt || !stored || !server) return std::nullopt;
  if (salt->empty() || stored->size() != Sha256{}.size() || server->size() != Sha256{}.size())
    return std::nullopt;
  return ScramVerifier{std::move(*salt), *iterations, std::move(*stored), std::move(*server)};
}

}  // namespace parley
