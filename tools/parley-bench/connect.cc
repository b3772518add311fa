#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "tools/parley-bench/contender.h"
#include "tools/parley-bench/population.h"
#include "tools/parley-bench/scenarios.h"
#include "tools/parley-bench/storm.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr const char* kPassword = "benchmark-password";

struct Options {
  std::size_t at_once = 20;
  std::size_t first = 200;
};

std::vector<Login> with_password(std::size_t first, std::size_t count) {
  std::vector<Login> logins;
  for (auto i = first; i < first + count; ++i)
    logins.push_back({.client_id = user_name(i) + "-bench", .user = user_name(i), .password = kPassword});
  return logins;
}

std::string jwt(const std::string& user, const std::string& secret) {
  const auto expires = to_ms(SystemClock().wall()) / 1000 + 3600;
  const auto text = base64url_encode(R"({"alg":"HS256","typ":"JWT"})") + "." +
                    base64url_encode(nlohmann::json{{"sub", user}, {"exp", expires}}.dump());
  return text + "." + base64url_encode(as_view(hmac_sha256(secret, text)));
}

Result<Broker> start_password_file(Run& run, std::size_t users) {
  const auto folder = run.folder / "password-file";
  PARLEY_TRY(make_folder(folder));
  std::string lines;
  for (const auto& login : with_password(0, users)) lines += login.user + ":" + login.password + "\n";
  PARLEY_TRY(write_text(folder / "passwords", lines));
  PARLEY_TRY(run_to_end({run.settings.programs.mosquitto_passwd, "-U", folder / "passwords"},
                        folder / "passwd.log"));
  auto broker = PARLEY_TRY(Broker::prepare(
      run, folder, {"allow_anonymous false", "password_file " + (folder / "passwords").string()}));
  PARLEY_TRY(broker.start());
  return broker;
}

// Parley with users of every kind of login.
struct ParleyLogins {
  ParleyServer server;
  std::vector<Login> tokens, jwts, passwords;
  std::size_t users = 0;

  Result<std::vector<Login>> new_passwords(std::size_t count) {
    std::vector<Call> calls;
    const auto logins = with_password(users, count);
    for (const auto& login : logins)
      calls.push_back({"user.create", {{"user", login.user}, {"password", login.password}}});
    PARLEY_TRY(server.request(calls));
    users += count;
    return logins;
  }
};

Result<ParleyLogins> start_parley_logins(Run& run, std::size_t at_once) {
  const auto key = run.folder / "jwt.key";
  const auto secret = hex_encode(random_bytes(32));
  PARLEY_TRY(write_text(key, secret));
  auto server = PARLEY_TRY(ParleyServer::start(run, run.folder / "parley",
                                               {"jwt_key_file " + key.string(), "jwt_algorithm HS256",
                                                "password_checks_per_second 10000", "flap_connects 0"}));
  ParleyLogins parley{std::move(server), {}, {}, {}, at_once};
  parley.tokens = PARLEY_TRY(create_users(parley.server, 0, at_once));
  for (auto login : parley.tokens) {
    login.password = jwt(login.user, secret);
    parley.jwts.push_back(std::move(login));
  }
  parley.passwords = PARLEY_TRY(parley.new_passwords(at_once));
  return parley;
}

void tell(Report& report, const char* contender, const StormResult& result) {
  report.add("connects", "1/s", contender, result.logins_per_second);
  report.add("broker CPU a connect", "us", contender, result.broker_cpu_us);
}

Result<> connect(Run& run, const Options& options) {
  run.report.parameter("connections at once", std::to_string(options.at_once));
  run.report.parameter("MQTT", run.settings.version5 ? "5" : "3.1.1");
  std::vector<Login> nobody;
  for (std::size_t i = 0; i < options.at_once; ++i)
    nobody.push_back({.client_id = user_name(i) + "-bench", .user = "", .password = ""});
  auto bare = PARLEY_TRY(start_bare(run));
  auto password_file = PARLEY_TRY(start_password_file(run, options.at_once));
  auto parley = PARLEY_TRY(start_parley_logins(run, options.at_once));
  auto& parley_broker = parley.server.broker();
  const auto file_logins = with_password(0, options.at_once);
  struct Kind {
    const char* name;
    Broker& broker;
    const std::vector<Login>& logins;
  };
  const Kind kinds[] = {{"bare", bare->broker(), nobody},
                        {"Mosquitto password_file", password_file, file_logins},
                        {"parley token", parley_broker, parley.tokens},
                        {"parley JWT HS256", parley_broker, parley.jwts},
                        {"parley password, cached", parley_broker, parley.passwords}};
  for (unsigned round = 1; round <= run.settings.rounds; ++round) {
    run.say("round " + std::to_string(round) + " of " + std::to_string(run.settings.rounds));
    for (const auto& kind : kinds) {
      Storm storm(run, kind.broker, options.at_once);
      tell(run.report, kind.name, PARLEY_TRY(storm.repeat(kind.logins)));
    }
    const auto fresh = PARLEY_TRY(parley.new_passwords(options.first));
    Storm storm(run, parley_broker, options.at_once);
    tell(run.report, "parley password, first", PARLEY_TRY(storm.once(fresh)));
  }
  return {};
}

}  // namespace

void add_connect(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("connect", "Logins per second, by token, JWT and password");
  auto options = std::make_shared<Options>();
  command->add_option("--at-once", options->at_once, "Connections that log in and out again side by side")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      ->add_option("--first", options->first,
                   "New users each round whose password is checked for the first time")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->footer(
      "CONNECT, CONNACK, DISCONNECT, until the broker has closed; then again. `first` is a SCRAM verifier of "
      "4,096\n"
      "rounds computed on the broker's thread, as many as asked for (password_checks_per_second 10000); in "
      "service\n"
      "the option bounds them.");
  command->final_callback([&chosen, options] {
    chosen = {"connect", [options](Run& run) { return connect(run, *options); }};
  });
}

}  // namespace parley::bench
