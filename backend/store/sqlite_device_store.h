#pragma once
#include <memory>

#include "backend/store/device_store.h"
#include "backend/store/sqlite_database.h"

namespace parley::backend {

class SqliteDeviceStore final : public DeviceStore {
 public:
  SqliteDeviceStore(std::shared_ptr<SqliteDatabase> database, std::uint32_t steps_kept)
      : database_(std::move(database)), steps_kept_(steps_kept) {}

  Result<> seen(std::span<const DeviceSeen> devices) override;
  Result<std::vector<DeviceRow>> list(const std::string& user) override;
  Result<Committed<std::vector<std::string>>> forget(const std::string& user,
                                                     const std::string& device) override;

 private:
  std::shared_ptr<SqliteDatabase> database_;
  std::uint32_t steps_kept_;
};

}  // namespace parley::backend
