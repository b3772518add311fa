#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backend/store/directory_change.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

// A device that was there.
struct DeviceSeen {
  std::string user, device;
  std::string token{};  // id of the device token it came with; "" for none
  WallTime at{};
  bool connected = false;  // at that moment; else it left, and one that is not known stays unknown
};

struct DeviceRow {
  std::string device;
  WallTime first_seen{}, last_seen{};
};

inline constexpr std::uint32_t kDevicesPerUserMax = 200;

// Which devices users have connected with, and by which tokens: until they are forgotten, or are the longest
// unseen of more than kDevicesPerUserMax. Thread-safe; calls block on the database. Errors of all: unavailable
// (nothing was changed, retry), corrupt, internal.
class DeviceStore {
 public:
  virtual ~DeviceStore() = default;

  // Any number, in the order in which they were seen. Doing it again changes nothing.
  virtual Result<> seen(std::span<const DeviceSeen> devices) = 0;

  virtual Result<std::vector<DeviceRow>> list(const std::string& user) = 0;  // in byte order of names

  // Removes the device, revokes the tokens it came with, each of this user's, and gives their ids; its registrations
  // (PushStore) and their jobs go too. not_found: this user has no such device, and none is registered. version 0: there
  // was no token.
  virtual Result<Committed<std::vector<std::string>>> forget(const std::string& user,
                                                             const std::string& device) = 0;
};

}  // namespace parley::backend
