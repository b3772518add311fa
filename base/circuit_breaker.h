#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley {

enum class BreakerState { closed = 0, half_open = 1, open = 2 };  // the numbers are what /metrics shows
std::string_view breaker_state_name(BreakerState state);

struct BreakerOptions {
  std::uint32_t failures = 5;        // so many one after another open it
  std::uint32_t window = 32;         // or, of the last so many calls (1…64, when there were that many),
  std::uint32_t share_percent = 50;  // this share failed
  std::uint32_t probes = 1;          // calls let through to try it again; all of them must work to close it
  BackoffOptions pause{.least = std::chrono::milliseconds(250),
                       .first = std::chrono::milliseconds(1'000),
                       .max = std::chrono::milliseconds(15'000)};  // from open to the first probe
};

// How a dependency stands, for metrics and people.
struct BreakerReading {
  BreakerState state = BreakerState::closed;
  std::uint64_t opened = 0, half_opened = 0, closed = 0;  // transitions to each state
  std::uint64_t refused = 0;                              // calls not made, for it was open
};

// Whether calling a dependency is worth the wait. One for each dependency: store, cache, …
//
//   closed ──(`failures` in a row, or the share of the window)──→ open
//   open ──(a jittered pause is over and somebody asks)──→ half-open
//   half-open ──(`probes` worked)──→ closed;  ──(one failed)──→ open, with a longer pause
//
// A caller asks enter(); without a permit it does as if the dependency had answered `unavailable`, at no
// cost. With one it makes the call, under its own time limit, and tells the permit how it went. A permit that
// ends untold (an answer that says nothing about the dependency's health) only gives its place back. What is
// told by a permit from before the last transition is too old to count.
// Thread-safe; never blocks but for its own short mutex. Needs its clock to outlive it.
class CircuitBreaker {
 public:
  class Permit {
   public:
    Permit(Permit&& other) noexcept : breaker_(std::exchange(other.breaker_, nullptr)), era_(other.era_) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit() { end(std::nullopt); }
    void succeeded() { end(true); }
    void failed() { end(false); }

   private:
    friend class CircuitBreaker;
    Permit(CircuitBreaker& breaker, std::uint64_t era) : breaker_(&breaker), era_(era) {}
    void end(std::optional<bool> worked) {
      if (auto* breaker = std::exchange(breaker_, nullptr)) breaker->ended(era_, worked);
    }
    CircuitBreaker* breaker_;
    std::uint64_t era_;
  };

  CircuitBreaker(const BreakerOptions& options, const Clock& clock);
  CircuitBreaker(const BreakerOptions& options, const Clock& clock, RandomBits random);

  // nullopt: do not call. The permit must not outlive the breaker.
  std::optional<Permit> enter();

  // Open, and nobody may try yet: what needs the dependency need not be prepared.
  bool resting() const;

  // Makes a call that gives a Result, unless the breaker is open: then that Result is unavailable. Errors for
  // which says_sick is true count as failures, everything else as an answer.
  template <class Call>
  auto call(Call&& make) -> decltype(make()) {
    auto permit = enter();
    if (!permit) return fail(Errc::unavailable, "It failed a moment ago and is left alone for a while.");
    auto result = std::forward<Call>(make)();
    if (!result && says_sick(result.error().code))
      permit->failed();
    else
      permit->succeeded();
    return result;
  }
  // unavailable, timeout, in_doubt: the dependency did not do its work. The others are answers.
  static bool says_sick(Errc code);

  BreakerReading reading() const;

 private:
  void ended(std::uint64_t era, std::optional<bool> worked);
  void note(bool worked);
  void go(BreakerState state);

  const BreakerOptions options_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  Backoff pause_;
  BreakerReading reading_;
  std::uint64_t era_ = 0;          // transitions so far
  std::uint32_t in_a_row_ = 0;     // failures since the last success
  std::uint64_t outcomes_ = 0;     // of the last calls, newest lowest; 1 a failure
  std::uint32_t known_ = 0;        // how many of them
  std::uint32_t probing_ = 0;      // probes under way or done
  std::uint32_t probes_done_ = 0;  // of them, worked
  SteadyTime probe_at_{};          // when open
};

}  // namespace parley
