#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace parley {

using Ulid = std::array<unsigned char, 16>;  // 48 bits of ms since 1970, 80 random bits, big-endian

// Makes ULIDs (github.com/ulid/spec), each greater than the one before from the same generator: within one
// millisecond, or when the clock steps back, the random part is counted up. Randomness is drawn from the system in
// stocks of 32 ids, so that most calls make no system call. Not thread-safe.
class UlidGenerator {
 public:
  Ulid next(WallTime now);

 private:
  void draw_random_part();

  Ulid last_{};
  std::string stock_;  // random bytes not used yet
};

// 26 characters of Crockford's base 32.
std::string format_ulid(const Ulid& id);
void append_ulid(std::string& out, const Ulid& id);
// nullopt unless 26 valid characters that fit 128 bits.
std::optional<Ulid> parse_ulid(std::string_view text);

// `chars` random characters of a-z2-7 (5 bits each): epochs, journal and directory ids.
std::string random_id(std::size_t chars);

}  // namespace parley
