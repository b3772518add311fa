#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "backend/presence/presence_fold.h"
#include "backend/store/presence_store.h"
#include "base/clock.h"

namespace parley::backend {

struct PresenceTimes {
  std::chrono::milliseconds settle{1'000};        // so long a change must stand before it is shown
  std::chrono::milliseconds leave_grace{15'000};  // and so long somebody must be gone
};

// A connection of somebody's device.
struct PresenceSession {
  std::uint64_t number = 0;
  std::string user, device;
};

struct DevicePresence {
  std::string device;
  bool connected = false;
  DeviceSays says = DeviceSays::nothing;
};

// Who is connected with what, and what is to be shown of it. The rule:
//   offline  when no device is connected, whatever a status says: a will that comes late tells nothing new
//   away     when every connected device says away
//   online   otherwise: a connected device that says nothing, or still offline, is online
// and offline for whoever wants to be invisible. What is shown follows once the change has stood for its time
// (PresenceTimes); a change to or from invisible follows at once.
//
// Learns of connections from begin() on, as of a broker that has just been attached to: sessions listed by it
// and events of sessions, in any order; complete() ends the list. Before that nothing is due.
// Not thread-safe. Memory: connections, and users who are not shown as offline.
class PresenceBook {
 public:
  explicit PresenceBook(const PresenceTimes& times) : times_(times) {}

  // Forgets all. `shown`: everybody who is not offline or is invisible (PresenceStore::watched), who
  // were so until `watched_at` at least.
  void begin(const std::vector<PresenceRow>& shown, WallTime watched_at);
  void complete(SteadyTime now);
  void end();  // nothing is known any more

  void listed(const PresenceSession& session, SteadyTime now);
  void connected(const PresenceSession& session, SteadyTime now);
  void disconnected(std::uint64_t session, WallTime at, SteadyTime now);
  // `payload` of a device's status; "" when there is none (any more).
  void status(const std::string& user, const std::string& device, std::string_view payload, SteadyTime now);
  void set_invisible(const std::string& user, bool invisible, WallTime wall, SteadyTime now);

  // What is to be shown from now on, of at most `most` users; due until shown() is told of it.
  std::vector<PresenceRow> due(SteadyTime now, WallTime wall, std::size_t most) const;
  void shown(const PresenceRow& row, SteadyTime now);

  // Devices gone for leave_grace whose status says otherwise: to be cleared. Each is given once.
  std::vector<std::pair<std::string, std::string>> take_stale(SteadyTime now, std::size_t most);

  std::optional<SteadyTime> next_due() const;
  // Those connected, or with a status; empty for somebody unknown.
  std::vector<DevicePresence> devices(const std::string& user) const;
  bool invisible(const std::string& user) const;
  std::size_t sessions() const { return sessions_.size(); }
  PresenceCounts shown_counts() const { return counts_; }  // users shown as online, as away
  // More sessions ended before complete() than are remembered: begin() again.
  bool overflowed() const { return gone_.size() > kGoneMax; }

 private:
  static constexpr std::size_t kGoneMax = 100'000;

  struct Device {
    std::set<std::uint64_t> sessions;  // two during a takeover
    DeviceSays says = DeviceSays::nothing;
    std::uint32_t cleared = 0;  // of its status by us, not seen yet
    std::optional<SteadyTime> stale_at;
  };
  struct User {
    std::map<std::string, Device> devices;
    PresenceStatus shown = PresenceStatus::offline;
    bool invisible = false;
    WallTime last_connected{};
    PresenceStatus wanted = PresenceStatus::offline;
    std::optional<SteadyTime> due_at;  // wanted is to be shown then
  };

  static PresenceStatus fold(const User& user);
  void count(PresenceStatus status, std::int32_t by);
  void add(const PresenceSession& session, SteadyTime now);
  void judge(const std::string& name, SteadyTime now, bool at_once = false);
  void judge_device(const std::string& user, const std::string& name, Device& device, SteadyTime now);
  void set_due(const std::string& name, User& user, std::optional<SteadyTime> at);
  void drop_idle(const std::string& name);

  const PresenceTimes times_;
  bool begun_ = false, complete_ = false;
  PresenceCounts counts_;
  std::map<std::string, User> users_;
  std::unordered_map<std::uint64_t, std::pair<std::string, std::string>> sessions_;  // user, device
  std::unordered_set<std::uint64_t> gone_;  // ended before complete(): the list may still name them
  std::set<std::pair<SteadyTime, std::string>> due_;
  std::set<std::tuple<SteadyTime, std::string, std::string>> stale_;
};

}  // namespace parley::backend
