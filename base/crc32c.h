#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace parley {

// CRC-32C (Castagnoli, RFC 3720 §B.4) of `data`, continuing from `crc` (0 to begin). Hardware (SSE4.2) where
// the CPU has it, a table otherwise; both give the same number. Thread-safe.
std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t crc = 0);

// The table's way, on any CPU: what crc32c() is compared with.
std::uint32_t crc32c_by_table(std::span<const std::byte> data, std::uint32_t crc = 0);

}  // namespace parley
