#pragma once
#include <cstdint>

namespace parley::backend {

// How far a member has got a room's messages, and has read them: seqs; read ≤ received.
struct Marks {
  std::uint64_t received = 0;
  std::uint64_t read = 0;
  bool operator==(const Marks&) const = default;
};

}  // namespace parley::backend
