#include "base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace parley {
namespace {

constexpr std::uint32_t kPolynomialReflected = 0x82f63b78;

using Table = std::array<std::uint32_t, 256>;

// kTables[k][b]: what byte b does to the checksum when k more bytes follow it. Eight of them take eight bytes
// a step.
constexpr std::array<Table, 8> make_tables() {
  std::array<Table, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomialReflected : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr std::array<Table, 8> kTables = make_tables();

std::uint32_t eight_by_table(const std::byte* p, std::uint32_t crc) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    const std::uint32_t mixed = i < 4 ? (crc >> (8 * i)) & 0xff : 0;
    sum ^= kTables[7 - i][std::to_integer<std::uint32_t>(p[i]) ^ mixed];
  }
  return sum;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_sse42(std::span<const std::byte> data,
                                                                std::uint32_t crc) {
  const std::byte* p = data.data();
  std::size_t left = data.size();
  std::uint64_t sum = ~crc;
  for (; left >= 8; p += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    sum = _mm_crc32_u64(sum, word);
  }
  std::uint32_t sum32 = static_cast<std::uint32_t>(sum);
  if (left >= 4) {
    std::uint32_t word;
    std::memcpy(&word, p, 4);
    sum32 = _mm_crc32_u32(sum32, word);
    p += 4;
    left -= 4;
  }
  for (; left > 0; ++p, --left) sum32 = _mm_crc32_u8(sum32, std::to_integer<unsigned char>(*p));
  return ~sum32;
}
#endif

using Implementation = std::uint32_t (*)(std::span<const std::byte>, std::uint32_t);

Implementation choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return crc32c_by_sse42;
#endif
  return crc32c_by_table;
}

}  // namespace

std::uint32_t crc32c_by_table(std::span<const std::byte> data, std::uint32_t crc) {
  crc = ~crc;
  while (data.size() >= 8) {
    crc = eight_by_table(data.data(), crc);
    data = data.subspan(8);
  }
  for (const std::byte b : data)
    crc = (crc >> 8) ^ kTables[0][(crc ^ std::to_integer<std::uint32_t>(b)) & 0xff];
  return ~crc;
}

std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t crc) {
  static const Implementation implementation = choose();
  return implementation(data, crc);
}

}  // namespace parley
