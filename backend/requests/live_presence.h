#pragma once
#include <string>
#include <vector>

#include "backend/store/device_store.h"

namespace parley::backend {

struct LiveDevice {
  std::string device;
  bool connected = false;
  std::string says;  // online, away, offline; "" for nothing
};

// What is known of connections at this moment; nothing of it lasts. Thread-safe, never blocks.
class LivePresence {
 public:
  virtual ~LivePresence() = default;
  // Devices that are connected or have said something; of somebody who is not here, none.
  virtual std::vector<LiveDevice> devices(const std::string& user) = 0;
  // The store was told that `user` wants to be invisible, or no more.
  virtual void invisible_changed(const std::string& user, bool invisible) = 0;
  // The store is about to forget this device. Gives the sights of it that it was not told of yet, and will not
  // be: they may name tokens.
  virtual std::vector<DeviceSeen> forget_device(const std::string& user, const std::string& device) = 0;
};

}  // namespace parley::backend
