#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "backend/app/backend.h"
#include "backend/app/logging.h"
#include "backend/app/open_cache.h"
#include "backend/app/open_stores.h"
#include "backend/config/config.h"
#include "backend/config/reload.h"
#include "backend/config/store_config.h"
#include "backend/notify/providers/make_providers.h"
#include "backend/requests/create_admin.h"
#include "base/backoff.h"
#include "base/private_memory.h"
#include "base/tls/library.h"

// Exit codes: 0 done, 2 the command line or the configuration is wrong, 1 anything else.
namespace {

using namespace parley;
using namespace parley::backend;
using std::chrono::milliseconds;

constexpr int kOk = 0, kFailed = 1, kWrong = 2;

constexpr const char* kAbout =
    "parleyd: the backend of Parley, a chat system in an ordinary Eclipse Mosquitto.\n"
    "It keeps history, rooms and accounts, answers requests, and serves /healthz, /readyz and /metrics.\n"
    "It needs a Mosquitto with the plugin mosquitto_parley.so, and the database `store` names. While the\n"
    "broker, or a PostgreSQL, does not answer, it waits and tries again.";

constexpr const char* kExamples =
    "Examples:\n"
    "  parleyd --print-default-config > parleyd.toml     every key, explained\n"
    "  parleyd --config parleyd.toml --check-config      ok, or all that is wrong\n"
    "  parleyd --config parleyd.toml --create-admin ada  makes an administrator and prints a token for them\n"
    "  parleyd --config parleyd.toml migrate --check     0 when the database is as this parleyd needs it\n"
    "  parleyd --config parleyd.toml --set log.level=debug\n"
    "\n"
    "Environment: PARLEY_BROKER_SECRET, when set, is used instead of broker.secret_file,\n"
    "PARLEY_STORE_PASSWORD instead of store_password_file, PARLEY_CACHE_PASSWORD instead of "
    "cache_password_file.\n"
    "Signals: SIGTERM and SIGINT stop it, after what was begun is finished (stop_timeout_ms). SIGHUP reads "
    "the\n"
    "configuration again: keys that say so in --print-default-config change at once, the log tells of the "
    "others.\n"
    "A second parleyd at the same broker waits as standby and takes over when the first one ends.\n"
    "Exit codes: 0 done, 2 command line or configuration wrong, 1 anything else.";

struct Arguments {
  std::string config;
  std::vector<std::string> set;
  bool check = false, print = false;
  bool migrate = false, migrate_check = false;
  std::string create_admin;
};

int fail_with(int code, const std::string& why) {
  std::cerr << "parleyd: " << why << '\n';
  return code;
}

int wrong_config(const ConfigErrors& errors) {
  for (const auto& error : errors) std::cerr << error << '\n';
  return kWrong;
}

int check(const Config& config) {
  if (auto sound = parley::check(config.broker.at); !sound)
    return wrong_config({"broker." + sound.error().message});
  if (!config.broker.secret_file.empty())
    if (auto secret = broker_secret(config); !secret)
      return wrong_config({"broker.secret_file: " + secret.error().message});
  if (is_postgres_url(config.store))
    if (auto store = postgres_store(config); !store)
      return wrong_config({"store_password_file: " + store.error().message});
  if (auto cache = try_cache(config, SystemClock()); !cache) return wrong_config({cache.error().message});
  if (auto notify = try_providers(config, SystemClock()); !notify)
    return wrong_config({notify.error().message});
  std::cout << "ok\n";
  return kOk;
}

int make_admin(const Config& config, const std::string& name) {
  SystemClock clock;
  auto stores = open_stores(config, clock);
  if (!stores) return fail_with(kFailed, stores.error().message);
  const auto token = create_admin(*stores, name, clock);
  if (!token) return fail_with(kFailed, token.error().message);
  std::cout << *token << '\n';
  return kOk;
}

int show_migrations(const Result<std::vector<std::string>>& migrations, const char* each, const char* none) {
  if (!migrations) return fail_with(kFailed, migrations.error().message);
  for (const auto& line : *migrations) std::cout << each << line << '\n';
  if (migrations->empty()) std::cout << none << '\n';
  return kOk;
}

int migrate(const Config& config, bool only_check) {
  SystemClock clock;
  if (!only_check) return show_migrations(migrate_store(config, clock), "done ", "nothing to do");
  const auto pending = pending_store_migrations(config, clock);
  if (auto code = show_migrations(pending, "pending ", "nothing to do"); code != kOk) return code;
  return pending->empty() ? kOk : kFailed;
}

// Whether a signal to stop came in time.
bool stopped_within(milliseconds time, const sigset_t& stops) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const timespec left{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(time - seconds).count()};
  const int signal = sigtimedwait(&stops, nullptr, &left);
  return signal == SIGTERM || signal == SIGINT;
}

// Null: a signal came before the database did. A PostgreSQL that is away is waited for, as it is later on.
Result<std::unique_ptr<Backend>> start(const Config& config, const std::string& secret, const Clock& clock,
                                       const LogSink& log, const EventLog& events, const sigset_t& stops) {
  Backoff pause({.least = milliseconds(200), .first = milliseconds(500), .max = milliseconds(10'000)});
  const auto away = [&] {
    if (!is_postgres_url(config.store)) return false;
    const auto there = migrate_store(config, clock);
    if (there || there.error().code != Errc::unavailable) return false;
    log(LogLevel::warning, there.error().message + " It is waited for.");
    return true;
  };
  while (true) {
    if (!away()) {
      auto backend = Backend::start(config, secret, clock, log, events);
      if (backend || !away()) return backend;  // it may have gone in between
    }
    if (stopped_within(pause.next(), stops)) return nullptr;
  }
}

std::string list(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

// SIGHUP. `running` becomes what is in force; a file with a mistake changes nothing.
void reload(const Arguments& arguments, Config& running, Backend& backend, Log& lines, const LogSink& log) {
  const auto read = load_config(arguments.config, arguments.set);
  if (!read) {
    for (const auto& error : read.error()) log(LogLevel::error, error);
    return log(LogLevel::error, "the configuration stays as it was");
  }
  auto plan = plan_reload(running, *read);
  running = std::move(plan.config);
  lines.set_level(running.log.level);
  backend.apply(running);
  log(LogLevel::info, "the configuration was read again; changed: " +
                          (plan.changed.empty() ? "nothing" : list(plan.changed)));
  if (!plan.need_restart.empty())
    log(LogLevel::warning,
        "these need a restart of parleyd, which loses nothing: " + list(plan.need_restart));
}

int run(const Arguments& arguments, Config config, const sigset_t& stops) {
  const auto secret = broker_secret(config);
  if (!secret) return fail_with(kWrong, secret.error().message);
  if (auto sound = parley::check(config.broker.at); !sound)
    return fail_with(kWrong, "broker." + sound.error().message);
  Log lines(config.log.level, config.log.format);
  const auto log = lines.sink();
  SystemClock clock;
  log(LogLevel::info, "parleyd " PARLEY_VERSION " starts");
  auto backend = start(config, *secret, clock, log, lines.events(), stops);
  if (!backend) {
    log(LogLevel::error, backend.error().message);
    return kFailed;
  }
  if (!*backend) return kOk;
  int signal = 0;
  while (signal != SIGTERM && signal != SIGINT) {
    sigwait(&stops, &signal);
    if (signal == SIGHUP) reload(arguments, config, **backend, lines, log);
  }
  log(LogLevel::info, "stopping");
  (*backend)->stop();
  log(LogLevel::info, "stopped");
  return kOk;
}

// Signals are taken by run() alone: blocked before any thread begins.
sigset_t block_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t stops;
  sigemptyset(&stops);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&stops, signal);
  sigprocmask(SIG_BLOCK, &stops, nullptr);
  return stops;
}

int begin(const Arguments& arguments) {
  if (arguments.print) {
    std::cout << default_config();
    return kOk;
  }
  const auto config = load_config(arguments.config, arguments.set);
  if (!config) return wrong_config(config.error());
  if (arguments.check) return check(*config);
  if (arguments.migrate) return migrate(*config, arguments.migrate_check);
  if (!arguments.create_admin.empty()) return make_admin(*config, arguments.create_admin);
  return run(arguments, *config, block_signals());
}

}  // namespace

int main(int argc, char** argv) {
  parley::keep_memory_private();
  parley::leave_cleaning_to_the_kernel();
  CLI::App app(kAbout, "parleyd");
  Arguments arguments;
  app.add_option("-c,--config", arguments.config,
                 "Configuration file (TOML); without it all keys have their defaults")
      ->type_name("FILE");
  app.add_option("--set", arguments.set, "Sets one key, after the file; may be given several times")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  auto* check =
      app.add_flag("--check-config", arguments.check, "Looks for errors in the configuration and ends");
  auto* print = app.add_flag("--print-default-config", arguments.print,
                             "Prints a configuration with every key and ends");
  auto* admin =
      app.add_option("--create-admin", arguments.create_admin,
                     "Makes an administrator of this name (or makes the account of this name one), prints a\n"
                     "new token of theirs, and ends")
          ->type_name("NAME");
  auto* migrate = app.add_subcommand(
      "migrate", "Brings the database's schema up to date (as a start does), tells what was done, and ends");
  migrate->fallthrough();
  migrate->add_flag("--check", arguments.migrate_check,
                    "Changes nothing: exit code 0 when there is nothing to do, 1 and what it is otherwise");
  check->excludes(print)->excludes(admin);
  print->excludes(admin);
  app.set_version_flag("--version", "parleyd " PARLEY_VERSION);
  app.footer(kExamples);
  try {
    app.parse(argc, argv);
    arguments.migrate = migrate->parsed();
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kOk : kWrong;
  }
  try {
    return begin(arguments);
  } catch (const std::exception& e) {
    return fail_with(kFailed, e.what());
  }
}
