#include "backend/requests/create_admin.h"

#include "backend/requests/secret_token.h"
#include "wire/names.h"

namespace parley::backend {
namespace {

Result<> make_admin(UserStore& users, const std::string& name) {
  auto account = users.find(name);
  if (!account && account.error().code != Errc::not_found) return std::unexpected(account.error());
  auto done = account ? users.update(name, {.admin = true, .disabled = false})
                      : users.create({.name = name, .title = "", .admin = true, .scram = ""});
  if (!done) return std::unexpected(done.error());
  return {};
}

}  // namespace

Result<std::string> create_admin(Stores& stores, const std::string& name, const Clock& clock) {
  if (!wire::valid_name(name)) return fail(Errc::invalid_argument, "`" + name + "` is not a legal name.");
  if (auto made = make_admin(*stores.users, name); !made) return std::unexpected(made.error());
  auto secret = make_secret_token(clock.wall());
  auto token = stores.users->create_token(
      {.id = secret.id, .user = name, .label = "create-admin", .sha256 = secret.sha256});
  if (!token) return std::unexpected(token.error());
  return secret.text;
}

}  // namespace parley::backend
