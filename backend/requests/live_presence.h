#pragma once
#include <string>
#include <vector>

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
};

}  // namespace parley::backend
