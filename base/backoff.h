#pragma once
#include <chrono>
#include <cstdint>
#include <functional>

namespace parley {

// Where jitter comes from: any 64 random bits a call. A test gives its own sequence.
using RandomBits = std::function<std::uint64_t()>;

struct BackoffOptions {
  std::chrono::milliseconds least{1};    // no pause is shorter, unless `first` or `max` is
  std::chrono::milliseconds first{100};  // bound of the first pause, doubled with each one more
  std::chrono::milliseconds max{5'000};  // where doubling ends
};

// How long to wait before the next attempt at something that failed: exponential, bounded, with full jitter
// (each pause is drawn evenly from `least` to the bound), so that those who failed together do not come back
// together. It only tells the pause and reads no clock: how to wait, and how often to try, is the caller's.
// Not thread-safe.
class Backoff {
 public:
  explicit Backoff(const BackoffOptions& options);  // jitter from the system's random numbers
  Backoff(const BackoffOptions& options, RandomBits random);

  // The pause before the next attempt.
  std::chrono::milliseconds next();
  // An attempt worked: the next pause is a first one again.
  void reset() { bound_ = options_.first; }

 private:
  BackoffOptions options_;
  RandomBits random_;
  std::chrono::milliseconds bound_;
};

}  // namespace parley
