#pragma once
#include <cstdint>
#include <string>

namespace parley::backend {

struct EraseProgress {
  std::string pseudonym{};    // of the erase under way; "": none is
  std::string stage{};        // UserEraser tells which there are
  std::uint64_t changed = 0;  // messages, since this process began with it
};

// Whoever carries erases out. Thread-safe, never blocks.
class EraseWork {
 public:
  virtual ~EraseWork() = default;
  virtual void begun() = 0;  // the store has one more
  virtual EraseProgress progress() = 0;
};

}  // namespace parley::backend
