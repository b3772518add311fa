#include "backend/store/sqlite_user_store.h"

#include "backend/store/sqlite_audit_store.h"
#include "backend/store/sqlite_directory_log.h"
#include "backend/store/sqlite_erase_store.h"
#include "base/encoding.h"

namespace parley::backend {
namespace {

Account read_account(const Query& row) {
  return {.name = row.string(0),
          .title = row.string(1),
          .admin = row.integer(2) != 0,
          .disabled = row.integer(3) != 0,
          .scram = row.string(4),
          .created_at = from_ms(row.integer(5))};
}

Result<Account> account_by_name(SqliteConnection& connection, const std::string& name) {
  auto row = connection.query(
      "SELECT name, title, admin, disabled, scram, created_at FROM users WHERE name = ?"
      " AND NOT EXISTS (SELECT 1 FROM erasures e WHERE e.done_at = 0 AND e.user = users.name)",
      name);
  if (!row.step()) return fail(Errc::not_found, "There is no user " + name + ".");
  return read_account(row);
}

wire::UserPut user_put(const Account& account) {
  return {.name = account.name, .admin = account.admin, .disabled = account.disabled, .scram = account.scram};
}

// 0 stands for "never" in the table and on the wire.
Token read_token(const Query& row) {
  Token token{.id = row.string(0),
              .user = row.string(1),
              .label = row.string(2),
              .created_at = from_ms(row.integer(3))};
  if (row.integer(4) != 0) token.expires_at = from_ms(row.integer(4));
  return token;
}

std::int64_t expiry_ms(const std::optional<WallTime>& expires_at) {
  return expires_at ? to_ms(*expires_at) : 0;
}

std::vector<Token> tokens_of(SqliteConnection& connection, const std::string& user) {
  std::vector<Token> tokens;
  auto row = connection.query(
      "SELECT id, user, label, created_at, expires_at FROM tokens WHERE user = ? ORDER BY id", user);
  while (row.step()) tokens.push_back(read_token(row));
  return tokens;
}

// Gives the drops for the Directory.
std::vector<wire::DirectoryChange> remove_expired(SqliteConnection& connection, const std::string& user,
                                                  WallTime now) {
  std::vector<wire::DirectoryChange> drops;
  for (const auto& token : tokens_of(connection, user)) {
    if (!token.expires_at || *token.expires_at > now) continue;
    connection.run("DELETE FROM tokens WHERE id = ?", token.id);
    drops.push_back(wire::TokenDrop{token.id});
  }
  return drops;
}

bool may_hold_another(SqliteConnection& connection, const std::string& user) {
  auto row = connection.query("SELECT count(*) FROM tokens WHERE user = ?", user);
  return row.step() && row.integer(0) < kTokensPerUserMax;
}

Token insert_token(SqliteConnection& connection, const NewToken& draft, WallTime now) {
  connection.run(
      "INSERT INTO tokens(id, user, label, sha256, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
      draft.id, draft.user, draft.label, Blob{draft.sha256}, to_ms(now), expiry_ms(draft.expires_at));
  return {.id = draft.id,
          .user = draft.user,
          .label = draft.label,
          .created_at = now,
          .expires_at = draft.expires_at};
}

wire::TokenPut token_put(const NewToken& draft) {
  return {
      .id = draft.id, .user = draft.user, .sha256 = draft.sha256, .expires_ms = expiry_ms(draft.expires_at)};
}

Result<Token> token_by_id(SqliteConnection& connection, const std::string& id) {
  auto row = connection.query("SELECT id, user, label, created_at, expires_at FROM tokens WHERE id = ?", id);
  if (!row.step()) return fail(Errc::not_found, "There is no such token.");
  return read_token(row);
}

}  // namespace

Result<Account> SqliteUserStore::find(const std::string& name) {
  return database_->read([&](SqliteConnection& connection) { return account_by_name(connection, name); });
}

Result<std::vector<Account>> SqliteUserStore::list(const std::string& after, std::uint32_t limit) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<Account>> {
    std::vector<Account> accounts;
    auto row = connection.query(
        "SELECT name, title, admin, disabled, scram, created_at FROM users WHERE name > ? ORDER BY name "
        "LIMIT ?",
        after, limit);
    while (row.step()) accounts.push_back(read_account(row));
    return accounts;
  });
}

Result<Committed<Account>> SqliteUserStore::create(const NewAccount& draft) {
  return database_->write([&](SqliteConnection& connection) -> Result<Committed<Account>> {
    auto key = fold_case(draft.name);
    if (connection.query("SELECT 1 FROM users WHERE name_key = ?", key).step()) {
      return fail(Errc::already_exists, "There is a user of this name already.");
    }
    if (name_blocked(connection, draft.name)) {
      return fail(Errc::already_exists, "This name was an erased user's; nobody can have it again.");
    }
    Account account{.name = draft.name,
                    .title = draft.title,
                    .admin = draft.admin,
                    .scram = draft.scram,
                    .created_at = clock_.wall()};
    connection.run(
        "INSERT INTO users(name, name_key, title, admin, disabled, scram, created_at) VALUES (?, ?, ?, ?, 0, "
        "?, ?)",
        account.name, key, account.title, account.admin, account.scram, to_ms(account.created_at));
    record_act(connection, draft.act, clock_.wall());
    auto version = write_step(connection, {.changes = {user_put(account)}}, steps_kept_);
    return Committed<Account>{std::move(account), version};
  });
}

// The title is not the plugin's business.
Result<Committed<Account>> SqliteUserStore::update(const std::string& name, const AccountUpdate& update) {
  return database_->write([&](SqliteConnection& connection) -> Result<Committed<Account>> {
    auto account = account_by_name(connection, name);
    if (!account) return std::unexpected(account.error());
    auto before = user_put(*account);
    account->title = update.title.value_or(account->title);
    account->admin = update.admin.value_or(account->admin);
    account->disabled = update.disabled.value_or(account->disabled);
    account->scram = update.scram.value_or(account->scram);
    connection.run("UPDATE users SET title = ?2, admin = ?3, disabled = ?4, scram = ?5 WHERE name = ?1", name,
                   account->title, account->admin, account->disabled, account->scram);
    record_act(connection, update.act, clock_.wall());
    auto after = user_put(*account);
    std::uint64_t version = before == after ? 0 : write_step(connection, {.changes = {after}}, steps_kept_);
    return Committed<Account>{std::move(*account), version};
  });
}

Result<Committed<Token>> SqliteUserStore::create_token(const NewToken& draft) {
  return database_->write([&](SqliteConnection& connection) -> Result<Committed<Token>> {
    if (auto account = account_by_name(connection, draft.user); !account)
      return std::unexpected(account.error());
    StepDraft step{.changes = remove_expired(connection, draft.user, clock_.wall())};
    if (!may_hold_another(connection, draft.user)) {
      return fail(Errc::invalid_argument, "This user holds " + std::to_string(kTokensPerUserMax) +
                                              " tokens, as many as may be: revoke one first.");
    }
    auto token = insert_token(connection, draft, clock_.wall());
    step.changes.push_back(token_put(draft));
    record_act(connection, draft.act, clock_.wall());
    auto version = write_step(connection, step, steps_kept_);
    return Committed<Token>{std::move(token), version};
  });
}

Result<Committed<Token>> SqliteUserStore::revoke_token(const std::string& id, const std::optional<Act>& act) {
  return database_->write([&](SqliteConnection& connection) -> Result<Committed<Token>> {
    auto token = token_by_id(connection, id);
    if (!token) return std::unexpected(token.error());
    connection.run("DELETE FROM tokens WHERE id = ?", id);
    record_act(connection, act, clock_.wall());
    auto version = write_step(connection, {.changes = {wire::TokenDrop{id}}}, steps_kept_);
    return Committed<Token>{std::move(*token), version};
  });
}

Result<Token> SqliteUserStore::find_token(const std::string& id) {
  return database_->read([&](SqliteConnection& connection) { return token_by_id(connection, id); });
}

Result<std::vector<Token>> SqliteUserStore::tokens(const std::string& user) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<Token>> {
    return tokens_of(connection, user);
  });
}

Result<std::uint64_t> SqliteUserStore::count() {
  return database_->read([](SqliteConnection& connection) -> Result<std::uint64_t> {
    auto row = connection.query("SELECT count(*) FROM users");
    row.step();
    return row.number(0);
  });
}

}  // namespace parley::backend
