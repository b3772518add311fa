#include <algorithm>

#include "base/encoding.h"
#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

class MemoryUserStore final : public UserStore {
 public:
  MemoryUserStore(std::shared_ptr<MemoryDatabase> database, std::uint32_t steps_kept, const Clock& clock)
      : database_(std::move(database)), steps_kept_(steps_kept), clock_(clock) {}

  Result<Account> find(const std::string& name) override;
  Result<std::vector<Account>> list(const std::string& after, std::uint32_t limit) override;
  Result<Committed<Account>> create(const NewAccount& account) override;
  Result<Committed<Account>> update(const std::string& name, const AccountUpdate& update) override;
  Result<Committed<Token>> create_token(const NewToken& token) override;
  Result<Committed<Token>> revoke_token(const std::string& id, const std::optional<Act>& act) override;
  Result<Token> find_token(const std::string& id) override;
  Result<std::vector<Token>> tokens(const std::string& user) override;
  Result<std::uint64_t> count() override {
    std::lock_guard lock(database_->mutex);
    return database_->accounts.size();
  }

 private:
  std::shared_ptr<MemoryDatabase> database_;
  std::uint32_t steps_kept_;
  const Clock& clock_;
};

std::unexpected<Error> missing() {
  return fail(Errc::not_found, "It is not there.");
}

wire::UserPut user_put(const Account& account) {
  return {.name = account.name, .admin = account.admin, .disabled = account.disabled, .scram = account.scram};
}

Result<Account> MemoryUserStore::find(const std::string& name) {
  std::lock_guard lock(database_->mutex);
  auto account = database_->accounts.find(name);
  if (account == database_->accounts.end() || database_->being_erased(name)) return missing();
  return account->second;
}

Result<std::vector<Account>> MemoryUserStore::list(const std::string& after, std::uint32_t limit) {
  std::lock_guard lock(database_->mutex);
  std::vector<Account> accounts;
  auto& all = database_->accounts;
  for (auto at = all.upper_bound(after); at != all.end() && accounts.size() < limit; ++at)
    accounts.push_back(at->second);
  return accounts;
}

Result<Committed<Account>> MemoryUserStore::create(const NewAccount& draft) {
  std::lock_guard lock(database_->mutex);
  for (const auto& [name, account] : database_->accounts)
    if (fold_case(name) == fold_case(draft.name)) return fail(Errc::already_exists, "The name is taken.");
  if (database_->name_blocked(draft.name)) return fail(Errc::already_exists, "An erased user had the name.");
  Account account{.name = draft.name,
                  .title = draft.title,
                  .admin = draft.admin,
                  .scram = draft.scram,
                  .created_at = clock_.wall()};
  database_->accounts[draft.name] = account;
  database_->record_act(draft.act, clock_.wall());
  return Committed<Account>{account, database_->write_step({.changes = {user_put(account)}}, steps_kept_)};
}

Result<Committed<Account>> MemoryUserStore::update(const std::string& name, const AccountUpdate& update) {
  std::lock_guard lock(database_->mutex);
  auto at = database_->accounts.find(name);
  if (at == database_->accounts.end() || database_->being_erased(name)) return missing();
  auto& account = at->second;
  auto before = user_put(account);
  account.title = update.title.value_or(account.title);
  account.admin = update.admin.value_or(account.admin);
  account.disabled = update.disabled.value_or(account.disabled);
  account.scram = update.scram.value_or(account.scram);
  database_->record_act(update.act, clock_.wall());
  auto after = user_put(account);
  auto version = before == after ? 0 : database_->write_step({.changes = {after}}, steps_kept_);
  return Committed<Account>{account, version};
}

Result<Committed<Token>> MemoryUserStore::create_token(const NewToken& draft) {
  std::lock_guard lock(database_->mutex);
  if (!database_->accounts.contains(draft.user) || database_->being_erased(draft.user)) return missing();
  auto& tokens = database_->tokens;
  auto expired = [&](const auto& item) {
    const auto& token = item.second.token;
    return token.user == draft.user && token.expires_at && *token.expires_at <= clock_.wall();
  };
  auto of_user = [&](const auto& item) { return item.second.token.user == draft.user; };
  if (std::ranges::count_if(tokens, of_user) - std::ranges::count_if(tokens, expired) >= kTokensPerUserMax)
    return fail(Errc::invalid_argument, "This user holds as many as may be.");
  StepDraft step;
  for (const auto& item : tokens)
    if (expired(item)) step.changes.push_back(wire::TokenDrop{item.first});
  std::erase_if(tokens, expired);
  Token token{.id = draft.id,
              .user = draft.user,
              .label = draft.label,
              .created_at = clock_.wall(),
              .expires_at = draft.expires_at};
  tokens[draft.id] = {token, draft.sha256};
  database_->record_act(draft.act, clock_.wall());
  auto expires = draft.expires_at ? to_ms(*draft.expires_at) : 0;
  step.changes.push_back(
      wire::TokenPut{.id = draft.id, .user = draft.user, .sha256 = draft.sha256, .expires_ms = expires});
  return Committed<Token>{token, database_->write_step(step, steps_kept_)};
}

Result<Committed<Token>> MemoryUserStore::revoke_token(const std::string& id, const std::optional<Act>& act) {
  std::lock_guard lock(database_->mutex);
  auto at = database_->tokens.find(id);
  if (at == database_->tokens.end()) return missing();
  auto token = at->second.token;
  database_->tokens.erase(at);
  database_->record_act(act, clock_.wall());
  return Committed<Token>{token, database_->write_step({.changes = {wire::TokenDrop{id}}}, steps_kept_)};
}

Result<Token> MemoryUserStore::find_token(const std::string& id) {
  std::lock_guard lock(database_->mutex);
  auto at = database_->tokens.find(id);
  if (at == database_->tokens.end()) return missing();
  return at->second.token;
}

Result<std::vector<Token>> MemoryUserStore::tokens(const std::string& user) {
  std::lock_guard lock(database_->mutex);
  std::vector<Token> tokens;
  for (const auto& [id, row] : database_->tokens)
    if (row.token.user == user) tokens.push_back(row.token);
  return tokens;
}

}  // namespace

std::unique_ptr<UserStore> memory_users(std::shared_ptr<MemoryDatabase> database, std::uint32_t steps_kept,
                                        const Clock& clock) {
  return std::make_unique<MemoryUserStore>(std::move(database), steps_kept, clock);
}

}  // namespace parley::backend
