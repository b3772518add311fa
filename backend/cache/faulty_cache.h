#pragma once
#include <functional>
#include <mutex>
#include <random>
#include <vector>

#include "backend/cache/cache.h"

namespace parley::backend {

// For tests: a cache that loses what it is given, carries it out late or twice, goes back to what it had
// before, or is away, at random. It never invents anything.
class FaultyCache final : public Cache {
 public:
  FaultyCache(Cache& inner, unsigned seed) : inner_(inner), random_(seed) {}

  Result<std::vector<std::string>> find(const RoomKey& key, std::uint64_t newest, SeqRange range) override {
    if (away()) return gone();
    return inner_.find(key, newest, range);
  }
  Result<> fill(const RoomKey& key, std::uint64_t first, std::span<const std::string> envelopes) override {
    return write([this, key, first, kept = std::vector(envelopes.begin(), envelopes.end())] {
      (void)inner_.fill(key, first, kept);
    });
  }
  Result<> extend(std::uint64_t lease, std::span<const wire::Record> records) override {
    std::vector<std::string> envelopes;
    for (const auto& record : records) envelopes.emplace_back(record.envelope);
    return write([this, lease, kept = std::vector(records.begin(), records.end()),
                  envelopes = std::move(envelopes)]() mutable {
      for (std::size_t i = 0; i < kept.size(); ++i) kept[i].envelope = envelopes[i];
      (void)inner_.extend(lease, kept);
    });
  }
  Result<> drop(std::uint64_t lease, std::span<const std::uint64_t> rooms) override {
    return write(
        [this, lease, kept = std::vector(rooms.begin(), rooms.end())] { (void)inner_.drop(lease, kept); });
  }
  Result<> put_values(std::span<const NamedValue> values, std::chrono::milliseconds expiry) override {
    return write([this, kept = std::vector(values.begin(), values.end()), expiry] {
      (void)inner_.put_values(kept, expiry);
    });
  }
  Result<std::vector<std::optional<std::string>>> values(std::span<const std::string> names) override {
    if (away()) return gone();
    return inner_.values(names);
  }
  bool take(const std::string& counter, const Rate& rate) override { return inner_.take(counter, rate); }
  Dependency dependency() override { return inner_.dependency(); }

 private:
  using Write = std::function<void()>;
  static std::unexpected<Error> gone() { return fail(Errc::unavailable, "The cache is away."); }
  bool chance(unsigned percent) { return random_() % 100 < percent; }
  bool away() {
    if (chance(3)) away_ = !away_;
    return away_;
  }

  Result<> write(Write what) {
    if (away()) {
      if (chance(50)) what();  // done, though it could not be told
      return gone();
    }
    past_.push_back(what);
    if (chance(10)) return {};                          // lost
    if (chance(10)) past_[random_() % past_.size()]();  // an old one comes (again) before it
    what();
    if (chance(10)) what();                             // twice
    if (chance(10)) past_[random_() % past_.size()]();  // or after it
    return {};
  }

  Cache& inner_;
  std::mt19937 random_;
  bool away_ = false;
  std::vector<Write> past_;
};

}  // namespace parley::backend
