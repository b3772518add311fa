#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>

namespace parley {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

// Where time comes from. Thread-safe, never blocks. Wall time may step; steady time never goes back.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;
  virtual SteadyTime steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  WallTime wall() const override;
  SteadyTime steady() const override;
};

// Time that moves only when a test moves it. Thread-safe; each of the two times by itself.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(WallTime start = WallTime{std::chrono::milliseconds{1'795'314'673'123}})
      : wall_ms_(start.time_since_epoch().count()) {}
  WallTime wall() const override { return WallTime{std::chrono::milliseconds{wall_ms_.load()}}; }
  SteadyTime steady() const override { return SteadyTime{std::chrono::milliseconds{steady_ms_.load()}}; }
  void advance(std::chrono::milliseconds by) {
    step_wall(by);
    steady_ms_ += by.count();
  }
  // A clock set by hand: steady time does not notice.
  void step_wall(std::chrono::milliseconds by) { wall_ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> wall_ms_;
  std::atomic<std::int64_t> steady_ms_{std::chrono::milliseconds{std::chrono::hours{1}}.count()};
};

inline std::int64_t to_ms(WallTime t) {
  return t.time_since_epoch().count();
}
inline WallTime from_ms(std::int64_t ms) {
  return WallTime{std::chrono::milliseconds{ms}};
}

}  // namespace parley
