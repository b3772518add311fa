#pragma once
#include <memory>

#include "backend/store/sqlite_database.h"
#include "backend/store/user_store.h"

namespace parley::backend {

class SqliteUserStore final : public UserStore {
 public:
  SqliteUserStore(std::shared_ptr<SqliteDatabase> database, std::uint32_t steps_kept, const Clock& clock)
      : database_(std::move(database)), steps_kept_(steps_kept), clock_(clock) {}

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
  std::shared_ptr<SqliteDatabase> database_;
  std::uint32_t steps_kept_;
  const Clock& clock_;
};

}  // namespace parley::backend
