#pragma once
#include <cstdint>

namespace parley::backend {

// The most a room can be told to keep; more is the same as for ever.
inline constexpr std::uint64_t kRetainSecondsMax = 3'153'600'000;  // a hundred years
inline constexpr std::uint64_t kRetainMessagesMax = 1'000'000'000'000;

}  // namespace parley::backend
