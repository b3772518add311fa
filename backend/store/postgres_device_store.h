#pragma once
#include <memory>

#include "backend/store/device_store.h"
#include "backend/store/postgres_pool.h"

namespace parley::backend {

// On the database of accounts and rooms. A forgetting whose commit got no answer is settled (commit_change).
class PostgresDeviceStore final : public DeviceStore {
 public:
  PostgresDeviceStore(std::shared_ptr<PostgresPool> pool, std::uint32_t steps_kept)
      : pool_(std::move(pool)), steps_kept_(steps_kept) {}

  Result<> seen(std::span<const DeviceSeen> devices) override;
  Result<std::vector<DeviceRow>> list(const std::string& user) override;
  Result<Committed<std::vector<std::string>>> forget(const std::string& user,
                                                     const std::string& device) override;

 private:
  std::shared_ptr<PostgresPool> pool_;
  std::uint32_t steps_kept_;
};

}  // namespace parley::backend
