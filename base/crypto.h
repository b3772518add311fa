#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parley {

// Digests and MACs by OpenSSL, as raw bytes in a string. Thread-safe. None fails but for want of memory.
using Sha256 = std::array<unsigned char, 32>;

Sha256 sha256(std::string_view data);
Sha256 hmac_sha256(std::string_view key, std::string_view data);
// PBKDF2 with HMAC-SHA-256 (RFC 8018 §5.2), 32 bytes. Costs about 0.25 µs × iterations: never call unbudgeted on the broker's thread.
Sha256 pbkdf2_sha256(std::string_view password, std::string_view salt, std::uint32_t iterations);

inline std::string_view as_view(const Sha256& d) { return {reinterpret_cast<const char*>(d.data()), d.size()}; }

// Compares without telling by its time where the first difference is. Lengths are not secret.
bool equal_constant_time(std::string_view a, std::string_view b);

// `n` bytes from the system's CSPRNG (getrandom). Aborts if the system has none.
std::string random_bytes(std::size_t n);
std::uint64_t random_u64();

// What a server keeps instead of a password (RFC 5802 §3, SCRAM-SHA-256 of RFC 7677).
struct ScramVerifier {
  std::string salt;  // 16 bytes when made here
  std::uint32_t iterations = 0;
  std::string stored_key;  // 32 bytes
  std::string server_key;  // 32 bytes
  bool operator==(const ScramVerifier&) const = default;
};
inline constexpr std::uint32_t kScramIterationsDefault = 4096;  // RFC 7677 §4's minimum; PostgreSQL's default too
inline constexpr std::uint32_t kScramIterationsMax = 100'000;

ScramVerifier make_scram_verifier(std::string_view password, std::uint32_t iterations = kScramIterationsDefault);
// True when `password` is the one `verifier` was made from. As slow as pbkdf2_sha256.
bool scram_matches(const ScramVerifier& verifier, std::string_view password);
// The text form PostgreSQL uses: "SCRAM-SHA-256$<iterations>:<salt b64>$<stored b64>:<server b64>".
std::string format_scram(const ScramVerifier& verifier);
// nullopt when `text` is not that form, or iterations are 0 or above kScramIterationsMax.
std::optional<ScramVerifier> parse_scram(std::string_view text);

}  // namespace parley
