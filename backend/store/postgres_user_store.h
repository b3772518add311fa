#pragma once
#include <memory>

#include "backend/store/postgres_pool.h"
#include "backend/store/user_store.h"

namespace parley::backend {

// A change whose commit got no answer is settled (commit_change); in_doubt only when the database stays away.
class PostgresUserStore final : public UserStore {
 public:
  PostgresUserStore(std::shared_ptr<PostgresPool> pool, std::uint32_t steps_kept, const Clock& clock)
      : pool_(std::move(pool)), steps_kept_(steps_kept), clock_(clock) {}

  Result<Account> find(const std::string& name) override;
  Result<std::vector<Account>> list(const std::string& after, std::uint32_t limit) override;
  Result<Committed<Account>> create(const NewAccount& account) override;
  Result<Committed<Account>> update(const std::string& name, const AccountUpdate& update) override;
  Result<Committed<Token>> create_token(const NewToken& token) override;
  Result<Committed<Token>> revoke_token(const std::string& id, const std::optional<Act>& act) override;
  Result<Token> find_token(const std::string& id) override;
  Result<std::vector<Token>> tokens(const std::string& user) override;
  Result<std::uint64_t> count() override;

 private:
  std::shared_ptr<PostgresPool> pool_;
  std::uint32_t steps_kept_;
  const Clock& clock_;
};

}  // namespace parley::backend
