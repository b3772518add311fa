#include "base/circuit_breaker.h"

#include <algorithm>
#include <bit>

#include "base/crypto.h"

namespace parley {
namespace {

constexpr std::uint32_t kWindowMax = 64;

BreakerOptions sound(BreakerOptions options) {
  options.failures = std::max(options.failures, 1u);
  options.window = std::clamp(options.window, 1u, kWindowMax);
  options.probes = std::max(options.probes, 1u);
  return options;
}

std::uint64_t newest(std::uint32_t count) {
  return count >= kWindowMax ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

}  // namespace

std::string_view breaker_state_name(BreakerState state) {
  switch (state) {
    case BreakerState::closed:
      return "closed";
    case BreakerState::half_open:
      return "half_open";
    case BreakerState::open:
      return "open";
  }
  return "open";
}

bool CircuitBreaker::says_sick(Errc code) {
  return code == Errc::unavailable || code == Errc::timeout || code == Errc::in_doubt;
}

CircuitBreaker::CircuitBreaker(const BreakerOptions& options, const Clock& clock)
    : CircuitBreaker(options, clock, random_u64) {}

CircuitBreaker::CircuitBreaker(const BreakerOptions& options, const Clock& clock, RandomBits random)
    : options_(sound(options)), clock_(clock), pause_(options.pause, std::move(random)) {}

std::optional<CircuitBreaker::Permit> CircuitBreaker::enter() {
  std::lock_guard lock(mutex_);
  if (reading_.state == BreakerState::open && clock_.steady() >= probe_at_) go(BreakerState::half_open);
  const bool probe = reading_.state == BreakerState::half_open && probing_ < options_.probes;
  if (reading_.state != BreakerState::closed && !probe) {
    ++reading_.refused;
    return std::nullopt;
  }
  if (probe) ++probing_;
  return Permit(*this, era_);
}

void CircuitBreaker::ended(std::uint64_t era, std::optional<bool> worked) {
  std::lock_guard lock(mutex_);
  if (era != era_) return;
  if (reading_.state == BreakerState::closed) {
    if (worked) note(*worked);
  } else if (!worked) {
    --probing_;
  } else if (!*worked) {
    go(BreakerState::open);
  } else if (++probes_done_ == options_.probes) {
    pause_.reset();
    go(BreakerState::closed);
  }
}

void CircuitBreaker::note(bool worked) {
  in_a_row_ = worked ? 0 : in_a_row_ + 1;
  outcomes_ = outcomes_ << 1 | (worked ? 0 : 1);
  known_ = std::min(known_ + 1, options_.window);
  const auto failed = static_cast<std::uint32_t>(std::popcount(outcomes_ & newest(options_.window)));
  const bool many = known_ == options_.window && failed * 100 >= options_.share_percent * options_.window;
  if (!worked && (in_a_row_ >= options_.failures || many)) go(BreakerState::open);
}

void CircuitBreaker::go(BreakerState state) {
  reading_.state = state;
  ++era_;
  in_a_row_ = known_ = probing_ = probes_done_ = 0;
  outcomes_ = 0;
  if (state == BreakerState::open) probe_at_ = clock_.steady() + pause_.next();
  ++(state == BreakerState::open        ? reading_.opened
     : state == BreakerState::half_open ? reading_.half_opened
                                        : reading_.closed);
}

bool CircuitBreaker::resting() const {
  std::lock_guard lock(mutex_);
  return reading_.state == BreakerState::open && clock_.steady() < probe_at_;
}

BreakerReading CircuitBreaker::reading() const {
  std::lock_guard lock(mutex_);
  return reading_;
}

}  // namespace parley
