#pragma once
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

// Time that moves only when a test moves it. Not thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(WallTime start = WallTime{std::chrono::milliseconds{1'795'314'673'123}}) : wall_(start) {}
  WallTime wall() const override { return wall_; }
  SteadyTime steady() const override { return steady_; }
  void advance(std::chrono::milliseconds by) { wall_ += by; steady_ += by; }
  void step_wall(std::chrono::milliseconds by) { wall_ += by; }  // a clock set by hand: steady time does not notice

 private:
  WallTime wall_;
  SteadyTime steady_{std::chrono::hours{1}};
};

inline std::int64_t to_ms(WallTime t) { return t.time_since_epoch().count(); }
inline WallTime from_ms(std::int64_t ms) { return WallTime{std::chrono::milliseconds{ms}}; }

}  // namespace parley
