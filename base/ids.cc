#include "base/ids.h"

#include <algorithm>
#include <cstring>

#include "base/crypto.h"

namespace parley {
namespace {

constexpr std::size_t kTimeBytes = 6;
constexpr std::size_t kRandomBytes = 10;
constexpr std::size_t kStockIds = 32;
constexpr std::size_t kUlidChars = 26;
constexpr std::int64_t kTimeMaxMs = (std::int64_t{1} << 48) - 1;

constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";

constexpr std::array<signed char, 256> kFromCrockford = [] {
  std::array<signed char, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kCrockford.size(); ++i) {
    const char upper = kCrockford[i];
    values[static_cast<unsigned char>(upper)] = static_cast<signed char>(i);
    if (upper >= 'A') values[static_cast<unsigned char>(upper - 'A' + 'a')] = static_cast<signed char>(i);
  }
  return values;
}();

std::int64_t time_ms(const Ulid& id) {
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < kTimeBytes; ++i) ms = (ms << 8) | id[i];
  return ms;
}

void set_time_ms(Ulid& id, std::int64_t ms) {
  for (std::size_t i = kTimeBytes; i-- > 0; ms >>= 8) id[i] = static_cast<unsigned char>(ms & 0xff);
}

// One more, as a 128-bit number: should the random part run over, the time goes on by a millisecond.
void count_up(Ulid& id) {
  for (std::size_t i = id.size(); i-- > 0;) {
    if (++id[i] != 0) return;
  }
}

}  // namespace

Ulid UlidGenerator::next(WallTime now) {
  const std::int64_t ms = std::clamp<std::int64_t>(to_ms(now), 0, kTimeMaxMs);
  if (ms > time_ms(last_)) {
    set_time_ms(last_, ms);
    draw_random_part();
  } else {
    count_up(last_);
  }
  return last_;
}

void UlidGenerator::draw_random_part() {
  if (stock_.empty()) stock_ = random_bytes(kStockIds * kRandomBytes);
  std::memcpy(last_.data() + kTimeBytes, stock_.data() + stock_.size() - kRandomBytes, kRandomBytes);
  stock_.resize(stock_.size() - kRandomBytes);
}

void append_ulid(std::string& out, const Ulid& id) {
  // 128 bits in 26 characters of 5: two zero bits go in front.
  std::uint32_t bits = 0;
  int held = 2;
  for (const unsigned char byte : id) {
    bits = (bits << 8) | byte;
    held += 8;
    while (held >= 5) {
      held -= 5;
      out += kCrockford[(bits >> held) & 31];
    }
  }
}

std::string format_ulid(const Ulid& id) {
  std::string out;
  out.reserve(kUlidChars);
  append_ulid(out, id);
  return out;
}

std::optional<Ulid> parse_ulid(std::string_view text) {
  if (text.size() != kUlidChars || text.front() > '7') return std::nullopt;
  Ulid id;
  std::uint32_t bits = 0;
  int held = -2;
  std::size_t filled = 0;
  for (const char c : text) {
    const signed char value = kFromCrockford[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = (bits << 5) | static_cast<std::uint32_t>(value);
    held += 5;
    if (held < 8) continue;
    held -= 8;
    id[filled++] = static_cast<unsigned char>((bits >> held) & 0xff);
  }
  return id;
}

std::string random_id(std::size_t chars) {
  std::string id = random_bytes(chars);
  for (char& c : id) c = kBase32[static_cast<unsigned char>(c) & 31];
  return id;
}

}  // namespace parley
