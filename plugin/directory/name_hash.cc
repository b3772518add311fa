#include "plugin/directory/name_hash.h"

#include <bit>
#include <cstring>

#include "base/crypto.h"

namespace parley::plugin {
namespace {

static_assert(std::endian::native == std::endian::little, "words are loaded as they lie in memory");

constexpr std::uint64_t repeat(std::uint64_t byte) {
  return byte * 0x0101010101010101u;
}

// Adds 0x20 to each byte in A…Z, eight at once; bytes above 0x7f stay.
std::uint64_t fold_word(std::uint64_t word) {
  const std::uint64_t low7 = word & repeat(0x7f);
  const std::uint64_t above_z = low7 + repeat(0x7f - 'Z');
  const std::uint64_t from_a = low7 + repeat(0x80 - 'A');
  const std::uint64_t upper = (from_a ^ above_z) & ~word & repeat(0x80);
  return word | (upper >> 2);
}

template <class Word>
std::uint64_t load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// The 0-7 bytes at `at`, zeros above. Loads that overlap, not a loop or a call: this is on every delivery's
// path.
std::uint64_t load_tail(const char* at, std::size_t size) {
  if (size >= 4) return load<std::uint32_t>(at) | load<std::uint32_t>(at + size - 4) << (8 * (size - 4));
  if (size == 0) return 0;
  const std::size_t middle = size / 2, last = size - 1;
  return load<unsigned char>(at) | load<unsigned char>(at + middle) << (8 * middle) |
         load<unsigned char>(at + last) << (8 * last);
}

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  explicit SipState(const HashKey& key)
      : v0(key.k0 ^ 0x736f6d6570736575u),
        v1(key.k1 ^ 0x646f72616e646f6du),
        v2(key.k0 ^ 0x6c7967656e657261u),
        v3(key.k1 ^ 0x7465646279746573u) {}

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }
  std::uint64_t finish() {
    v2 ^= 0xff;
    round();
    round();
    round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

template <bool kFold>
std::uint64_t sip13(const HashKey& key, std::string_view bytes) {
  SipState state(key);
  const auto word_of = [](std::uint64_t word) { return kFold ? fold_word(word) : word; };
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) state.take(word_of(load<std::uint64_t>(at)));
  state.take(word_of(load_tail(at, left)) | (static_cast<std::uint64_t>(bytes.size()) << 56));
  return state.finish();
}

}  // namespace

HashKey HashKey::random() {
  return {random_u64(), random_u64()};
}

std::uint64_t hash_bytes(const HashKey& key, std::string_view bytes) {
  return sip13<false>(key, bytes);
}

std::uint64_t hash_name(const HashKey& key, std::string_view name) {
  return sip13<true>(key, name);
}

bool equal_folded(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  std::size_t i = 0;
  for (; i + 8 <= a.size(); i += 8) {
    if (fold_word(load<std::uint64_t>(a.data() + i)) != fold_word(load<std::uint64_t>(b.data() + i)))
      return false;
  }
  const std::size_t left = a.size() - i;
  return fold_word(load_tail(a.data() + i, left)) == fold_word(load_tail(b.data() + i, left));
}

}  // namespace parley::plugin
