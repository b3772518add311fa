#pragma once
#include <deque>
#include <string>
#include <vector>

#include "backend/metrics/metrics.h"
#include "backend/store/device_store.h"
#include "base/clock.h"

namespace parley::backend {

// Sights of devices on their way to the DeviceStore, many in one transaction. Bounded: beyond kWaitingMax new
// ones are dropped and counted; whoever is still connected is seen again at the next attach. Not thread-safe.
class DeviceRegister {
 public:
  static constexpr std::size_t kWaitingMax = 100'000;

  explicit DeviceRegister(Metrics& metrics)
      : dropped_(metrics.counter("parley_device_sights_dropped_total",
                                 "Sights of devices not written down: too many waited.")) {}

  void seen(DeviceSeen device) {
    if (waiting_.size() >= kWaitingMax) return dropped_.add();
    waiting_.push_back(std::move(device));
  }
  // Nothing is to be written of this one any more; gives what was.
  std::vector<DeviceSeen> forget(const std::string& user, const std::string& device) {
    std::vector<DeviceSeen> of_it;
    std::erase_if(waiting_, [&](const auto& seen) {
      const bool is = seen.user == user && seen.device == device;
      if (is) of_it.push_back(seen);
      return is;
    });
    return of_it;
  }
  // The oldest, at most `most`; to be given back when they could not be written.
  std::vector<DeviceSeen> take(std::size_t most) {
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(most, waiting_.size()));
    std::vector<DeviceSeen> taken(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
    return taken;
  }
  void give_back(std::vector<DeviceSeen> taken) {
    waiting_.insert(waiting_.begin(), std::make_move_iterator(taken.begin()),
                    std::make_move_iterator(taken.end()));
  }
  bool empty() const { return waiting_.empty(); }

 private:
  const Counter dropped_;
  std::deque<DeviceSeen> waiting_;
};

}  // namespace parley::backend
