#include <algorithm>

#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

class MemoryDeviceStore final : public DeviceStore {
 public:
  MemoryDeviceStore(std::shared_ptr<MemoryDatabase> database, std::uint32_t steps_kept)
      : database_(std::move(database)), steps_kept_(steps_kept) {}

  Result<> seen(std::span<const DeviceSeen> devices) override {
    std::lock_guard lock(database_->mutex);
    for (const auto& seen : devices) {
      auto& of_user = database_->devices[seen.user];
      if (!seen.connected && !of_user.contains(seen.device)) continue;
      auto [at, added] = of_user.try_emplace(seen.device);
      auto& device = at->second;
      if (added) device.row = {seen.device, seen.at, seen.at};
      device.row.last_seen = std::max(device.row.last_seen, seen.at);
      if (!seen.token.empty()) device.tokens.insert(seen.token);
      if (of_user.size() > kDevicesPerUserMax)
        of_user.erase(std::ranges::min_element(of_user, {},
                                               [](const auto& item) { return item.second.row.last_seen; }));
    }
    return {};
  }
  Result<std::vector<DeviceRow>> list(const std::string& user) override {
    std::lock_guard lock(database_->mutex);
    std::vector<DeviceRow> rows;
    for (const auto& [name, device] : database_->devices[user]) rows.push_back(device.row);
    return rows;
  }
  Result<Committed<std::vector<std::string>>> forget(const std::string& user,
                                                     const std::string& device) override {
    std::lock_guard lock(database_->mutex);
    auto node = database_->devices[user].extract(device);
    const auto reached = database_->drop_registrations(
        [&](const Registration& one) { return one.user == user && one.device == device; });
    if (!node && reached == 0) return fail(Errc::not_found, "It is not there.");
    Committed<std::vector<std::string>> revoked{};
    StepDraft step;
    const auto tokens = node ? node.mapped().tokens : std::set<std::string>();
    for (const auto& id : tokens) {
      const auto at = database_->tokens.find(id);
      if (at == database_->tokens.end() || at->second.token.user != user) continue;
      database_->tokens.erase(at);
      revoked.value.push_back(id);
      step.changes.push_back(wire::TokenDrop{id});
    }
    if (!revoked.value.empty()) revoked.version = database_->write_step(step, steps_kept_);
    return revoked;
  }

 private:
  std::shared_ptr<MemoryDatabase> database_;
  std::uint32_t steps_kept_;
};

}  // namespace

std::unique_ptr<DeviceStore> memory_devices(std::shared_ptr<MemoryDatabase> database,
                                            std::uint32_t steps_kept) {
  return std::make_unique<MemoryDeviceStore>(std::move(database), steps_kept);
}

}  // namespace parley::backend
