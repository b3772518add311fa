#include "backend/store/postgres_user_store.h"

#include "backend/store/postgres_audit_store.h"
#include "backend/store/postgres_change.h"
#include "backend/store/postgres_erase_store.h"
#include "base/encoding.h"

namespace parley::backend {
namespace {

#define PARLEY_ACCOUNTS "SELECT name, title, admin, disabled, scram, created_at FROM users"
#define PARLEY_TOKENS "SELECT id, user_name, label, created_at, expires_at FROM tokens"

Account read_account(const PostgresRows::Row& row) {
  return {.name = row.string(0),
          .title = row.string(1),
          .admin = row.flag(2),
          .disabled = row.flag(3),
          .scram = row.string(4),
          .created_at = from_ms(row.integer(5))};
}

Result<Account> account_by_name(PostgresConnection& connection, const std::string& name) {
  auto rows = connection.query(PARLEY_ACCOUNTS
                               " WHERE name = $1 AND NOT EXISTS"
                               " (SELECT 1 FROM erasures e WHERE e.done_at = 0 AND e.user_name = users.name)",
                               name);
  if (rows.empty()) return fail(Errc::not_found, "There is no user " + name + ".");
  return read_account(rows[0]);
}

wire::UserPut user_put(const Account& account) {
  return {.name = account.name, .admin = account.admin, .disabled = account.disabled, .scram = account.scram};
}

// 0 stands for "never" in the table and on the wire.
Token read_token(const PostgresRows::Row& row) {
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

// Gives the drops for the Directory.
std::vector<wire::DirectoryChange> remove_expired(PostgresConnection& connection, const std::string& user,
                                                  WallTime now) {
  std::vector<wire::DirectoryChange> drops;
  auto removed =
      connection.query("DELETE FROM tokens WHERE user_name = $1 AND expires_at BETWEEN 1 AND $2 RETURNING id",
                       user, to_ms(now));
  for (auto row : removed) drops.push_back(wire::TokenDrop{row.string(0)});
  return drops;
}

bool may_hold_another(PostgresConnection& connection, const std::string& user) {
  auto held = connection.query("SELECT count(*) FROM tokens WHERE user_name = $1", user)[0].number(0);
  return held < kTokensPerUserMax;
}

Token insert_token(PostgresConnection& connection, const NewToken& draft, WallTime now) {
  connection.query(
      "INSERT INTO tokens(id, user_name, label, sha256, created_at, expires_at)"
      " VALUES ($1, $2, $3, $4, $5, $6)",
      draft.id, draft.user, draft.label, draft.sha256, to_ms(now), expiry_ms(draft.expires_at));
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

Result<Token> token_by_id(PostgresConnection& connection, const std::string& id) {
  auto rows = connection.query(PARLEY_TOKENS " WHERE id = $1", id);
  if (rows.empty()) return fail(Errc::not_found, "There is no such token.");
  return read_token(rows[0]);
}

}  // namespace

Result<Account> PostgresUserStore::find(const std::string& name) {
  return pool_->read([&](PostgresConnection& connection) { return account_by_name(connection, name); });
}

Result<std::vector<Account>> PostgresUserStore::list(const std::string& after, std::uint32_t limit) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<Account>> {
    std::vector<Account> accounts;
    auto rows = connection.query(PARLEY_ACCOUNTS " WHERE name > $1 ORDER BY name LIMIT $2", after, limit);
    for (auto row : rows) accounts.push_back(read_account(row));
    return accounts;
  });
}

Result<Committed<Account>> PostgresUserStore::create(const NewAccount& draft) {
  return commit_change(
      *pool_, steps_kept_,
      [&](PostgresConnection& connection, PostgresChange& change) -> Result<Committed<Account>> {
        auto key = fold_case(draft.name);
        if (!connection.query("SELECT 1 FROM users WHERE name_key = $1", key).empty())
          return fail(Errc::already_exists, "There is a user of this name already.");
        if (name_blocked(connection, draft.name))
          return fail(Errc::already_exists, "This name was an erased user's; nobody can have it again.");
        Account account{.name = draft.name,
                        .title = draft.title,
                        .admin = draft.admin,
                        .scram = draft.scram,
                        .created_at = clock_.wall()};
        connection.query(
            "INSERT INTO users(name, name_key, title, admin, disabled, scram, created_at)"
            " VALUES ($1, $2, $3, $4, false, $5, $6)",
            account.name, key, account.title, account.admin, account.scram, to_ms(account.created_at));
        record_act(connection, draft.act, clock_.wall());
        auto version = change.write_step({.changes = {user_put(account)}});
        return Committed<Account>{std::move(account), version};
      });
}

Result<Committed<Account>> PostgresUserStore::update(const std::string& name, const AccountUpdate& update) {
  return commit_change(
      *pool_, steps_kept_,
      [&](PostgresConnection& connection, PostgresChange& change) -> Result<Committed<Account>> {
        auto account = account_by_name(connection, name);
        if (!account) return std::unexpected(account.error());
        auto before = user_put(*account);
        account->title = update.title.value_or(account->title);
        account->admin = update.admin.value_or(account->admin);
        account->disabled = update.disabled.value_or(account->disabled);
        account->scram = update.scram.value_or(account->scram);
        connection.query("UPDATE users SET title = $2, admin = $3, disabled = $4, scram = $5 WHERE name = $1",
                         name, account->title, account->admin, account->disabled, account->scram);
        record_act(connection, update.act, clock_.wall());
        auto after = user_put(*account);
        std::uint64_t version = before == after ? 0 : change.write_step({.changes = {after}});
        return Committed<Account>{std::move(*account), version};
      });
}

Result<Committed<Token>> PostgresUserStore::create_token(const NewToken& draft) {
  return commit_change(
      *pool_, steps_kept_,
      [&](PostgresConnection& connection, PostgresChange& change) -> Result<Committed<Token>> {
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
        auto version = change.write_step(step);
        return Committed<Token>{std::move(token), version};
      });
}

Result<Committed<Token>> PostgresUserStore::revoke_token(const std::string& id,
                                                         const std::optional<Act>& act) {
  return commit_change(
      *pool_, steps_kept_,
      [&](PostgresConnection& connection, PostgresChange& change) -> Result<Committed<Token>> {
        auto token = token_by_id(connection, id);
        if (!token) return std::unexpected(token.error());
        connection.query("DELETE FROM tokens WHERE id = $1", id);
        record_act(connection, act, clock_.wall());
        auto version = change.write_step({.changes = {wire::TokenDrop{id}}});
        return Committed<Token>{std::move(*token), version};
      });
}

Result<Token> PostgresUserStore::find_token(const std::string& id) {
  return pool_->read([&](PostgresConnection& connection) { return token_by_id(connection, id); });
}

Result<std::vector<Token>> PostgresUserStore::tokens(const std::string& user) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<Token>> {
    std::vector<Token> tokens;
    for (auto row : connection.query(PARLEY_TOKENS " WHERE user_name = $1 ORDER BY id", user))
      tokens.push_back(read_token(row));
    return tokens;
  });
}

Result<std::uint64_t> PostgresUserStore::count() {
  return pool_->read([](PostgresConnection& connection) -> Result<std::uint64_t> {
    return connection.query("SELECT count(*) FROM users")[0].number(0);
  });
}

#undef PARLEY_ACCOUNTS
#undef PARLEY_TOKENS

}  // namespace parley::backend
