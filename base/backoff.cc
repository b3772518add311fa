#include "base/backoff.h"

#include <algorithm>

#include "base/crypto.h"

namespace parley {

using std::chrono::milliseconds;

Backoff::Backoff(const BackoffOptions& options) : Backoff(options, random_u64) {}

Backoff::Backoff(const BackoffOptions& options, RandomBits random)
    : options_(options), random_(std::move(random)), bound_(options.first) {}

milliseconds Backoff::next() {
  const auto bound = std::max(milliseconds(0), std::min(bound_, options_.max));
  const auto least = std::clamp(options_.least, milliseconds(0), bound);
  bound_ = bound > options_.max / 2 ? options_.max : bound * 2;
  const auto choices = static_cast<std::uint64_t>((bound - least).count()) + 1;
  return least + milliseconds(static_cast<milliseconds::rep>(random_() % choices));
}

}  // namespace parley
