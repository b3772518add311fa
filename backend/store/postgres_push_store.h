#pragma once
#include <memory>

#include "backend/store/postgres_pool.h"
#include "backend/store/push_store.h"

namespace parley::backend {

// On the database of accounts and rooms. `clock` must outlive it.
class PostgresPushStore final : public PushStore {
 public:
  PostgresPushStore(std::shared_ptr<PostgresPool> pool, const Clock& clock)
      : pool_(std::move(pool)), clock_(clock) {}

  Result<Registration> put(const Registration& registration) override;
  Result<std::vector<Registration>> list(const std::string& user) override;
  Result<std::optional<Registration>> get(const std::string& id) override;
  Result<std::uint32_t> remove(const std::string& user, const std::string& device,
                               const std::string& provider) override;
  Result<bool> prune(const std::string& id, const std::string& address) override;
  Result<QuietHours> quiet_hours(const std::string& user) override;
  Result<> set_quiet_hours(const std::string& user, const QuietHours& hours) override;
  Result<RoomNotify> room(const std::string& user, std::uint64_t room_id) override;
  Result<> set_room(const std::string& user, std::uint64_t room_id, const RoomNotify& notify) override;
  Result<std::vector<std::string>> blocked(const std::string& user) override;
  Result<> set_blocked(const std::string& user, const std::string& whom, bool blocked) override;

 private:
  Result<std::optional<Registration>> put(const Registration& draft, bool removes);

  std::shared_ptr<PostgresPool> pool_;
  const Clock& clock_;
};

}  // namespace parley::backend
