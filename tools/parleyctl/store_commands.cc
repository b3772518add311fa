#include <unistd.h>

#include <cstdlib>

#include "backend/config/store_config.h"
#include "backend/move/store_move.h"
#include "tools/parleyctl/commands.h"
#include "tools/parleyctl/progress.h"
#include "tools/parleyctl/stop_signal.h"

namespace parley::ctl {
namespace {

constexpr const char* kPasswordVariable = "PARLEY_STORE_PASSWORD";

struct MoveOptions {
  std::string from, to;
  SecretSource password;
};

void declare(CLI::App& command, MoveOptions& o) {
  command.add_option("--from", o.from, "The store in use: sqlite:///PATH, as in parleyd.toml")
      ->required()
      ->type_name("URL");
  command.add_option("--to", o.to, "An empty database: postgresql://USER@HOST[:PORT]/DATABASE")
      ->required()
      ->type_name("URL");
  declare_secret(command, o.password);
  command.footer(
      R"(Moves everything parleyd keeps from an SQLite file into a PostgreSQL database. For operators: it
needs no broker, but the file and the database, as parleyd's own user.

Leave everything running. Messages are copied beside parleyd and compared, room by room. At the end parleyd is
locked out for a moment, the last messages and all accounts, rooms and memberships follow, and the old file is
sealed: nothing is written to it any more. Then set `store` to the new database and restart parleyd; chat goes on
meanwhile, and what was said is stored from the broker's journal.

Stop it whenever you like before that: the old store is as it was, and the same command goes on where it stopped.
The password comes from PARLEY_STORE_PASSWORD, --password-file or --password-stdin, never from the URL.

Example: parleyctl migrate-store --from sqlite:///var/lib/parley/parley.db --to postgresql://parley@db/parley)");
}

std::unexpected<Failure> refused(const Error& error) {
  return ctl::refused(std::string(errc_name(error.code)), error.message);
}

Outcome<backend::PostgresAddress> target(const MoveOptions& o) {
  auto address = backend::parse_postgres_url(o.to);
  if (!address) return usage("--to: " + address.error().message);
  if (!address->password.empty())
    return usage("--to: leave the password out, others can read the command line. Set " +
                 std::string(kPasswordVariable) + " or give --password-file.");
  if (o.password.from_stdin || !o.password.file.empty()) {
    auto secret = read_secret(o.password, "Password of the database: ", false);
    if (!secret) return std::unexpected(secret.error());
    address->password = *std::move(secret);
  } else if (const char* set = std::getenv(kPasswordVariable)) {
    address->password = set;
  }
  return *std::move(address);
}

Outcome<> migrate(Context& context, const MoveOptions& o) {
  auto from = backend::sqlite_path(o.from);
  if (!from) return usage("--from: " + from.error().message);
  auto to = target(o);
  if (!to) return std::unexpected(to.error());
  StopSignal stop;
  SystemClock clock;
  std::unique_ptr<Progress> progress;
  auto moved = backend::move_store(*from, *to, clock, [&](const backend::MoveProgress& now) {
    if (!progress)
      progress = std::make_unique<Progress>(context.err, isatty(STDERR_FILENO) != 0,
                                            std::max<std::uint64_t>(1, 2 * now.total));
    progress->show(now.done + (std::string_view(now.what) == "copying" ? 0 : now.total), now.what);
    return !stop.raised();
  });
  progress.reset();
  if (!moved) return refused(moved.error());
  context.done({{"users", moved->users}, {"rooms", moved->rooms}, {"messages", moved->messages}},
               "Moved and compared: " + std::to_string(moved->users) + " users, " +
                   std::to_string(moved->rooms) + " rooms, " + std::to_string(moved->messages) +
                   " messages. Now set `store = \"" + o.to +
                   "\"` in parleyd.toml, with its password in store_password_file, and restart parleyd.");
  return {};
}

}  // namespace

void add_store_commands(CLI::App& app, Context& context) {
  add_command(app, context, "migrate-store", "Move everything from SQLite to PostgreSQL", declare, migrate);
}

}  // namespace parley::ctl
