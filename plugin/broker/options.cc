#include "plugin/broker/options.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "base/file.h"
#include "wire/limits.h"

namespace parley::plugin {
namespace {

struct Setter {
  std::function<std::string(Options&, const std::string&)> set;  // returns what is wrong, "" when nothing
  bool live = false;                                             // may change while the broker runs
};

// One that may stand in the reload file.
Setter live(Setter setter) {
  setter.live = true;
  return setter;
}

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> scaled(std::string_view text, const std::map<char, std::uint64_t>& units) {
  std::uint64_t unit = 1;
  if (!text.empty())
    if (auto it = units.find(text.back()); it != units.end()) {
      unit = it->second;
      text.remove_suffix(1);
    }
  auto value = number<std::uint64_t>(text);
  if (!value || *value > UINT64_MAX / unit) return std::nullopt;
  return *value * unit;
}

std::optional<std::uint64_t> bytes(std::string_view text) {
  static const std::map<char, std::uint64_t> kUnits{{'K', 1ull << 10}, {'M', 1ull << 20}, {'G', 1ull << 30}};
  return scaled(text, kUnits);
}

Setter path(std::filesystem::path Options::*member) {
  return {[member](Options& o, const std::string& v) -> std::string {
    if (v.empty()) return "takes a path";
    o.*member = v;
    return "";
  }};
}

Setter text(std::string Options::*member) {
  return {[member](Options& o, const std::string& v) -> std::string {
    if (v.empty()) return "takes a text";
    o.*member = v;
    return "";
  }};
}

Setter flag(bool Options::*member) {
  return {[member](Options& o, const std::string& v) -> std::string {
    if (v != "true" && v != "false") return "takes true or false";
    o.*member = v == "true";
    return "";
  }};
}

Setter rate(double Options::*member) {
  return {[member](Options& o, const std::string& v) -> std::string {
    auto n = number<double>(v);
    if (!n || !(*n >= 0) || *n > 1e9) return "takes a number from 0 to 1000000000";
    o.*member = *n;
    return "";
  }};
}

Setter part(double Options::*member) {
  return {[member](Options& o, const std::string& v) -> std::string {
    auto n = number<double>(v);
    if (!n || !(*n >= 0) || *n > 1) return "takes a number from 0 to 1";
    o.*member = *n;
    return "";
  }};
}

template <class T>
Setter size(T Options::*member, std::uint64_t min, std::uint64_t max) {
  return {[=](Options& o, const std::string& v) -> std::string {
    auto n = bytes(v);
    if (!n || *n < min || *n > max)
      return "takes a number from " + std::to_string(min) + " to " + std::to_string(max) +
             " (K, M, G may follow)";
    o.*member = static_cast<T>(*n);
    return "";
  }};
}

Setter seconds(std::chrono::seconds Options::*member, std::uint64_t max) {
  return {[=](Options& o, const std::string& v) -> std::string {
    static const std::map<char, std::uint64_t> kUnits{{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    auto n = scaled(v, kUnits);
    if (!n || *n > max)
      return "takes a time of at most " + std::to_string(max) + " s (s, m, h, d may follow)";
    o.*member = std::chrono::seconds(*n);
    return "";
  }};
}

// "none", or networks with blanks between.
std::string set_trusted_networks(Options& o, const std::string& v) {
  constexpr std::size_t kMost = 100;
  o.trusted_networks.clear();
  if (v == "none") return "";
  std::istringstream words(v);
  for (std::string word; words >> word;) {
    const auto network = wire::parse_network(word);
    if (!network || o.trusted_networks.size() >= kMost)
      return "takes none, or up to " + std::to_string(kMost) +
             " addresses or networks such as 10.0.0.0/8, with blanks between";
    o.trusted_networks.push_back(*network);
  }
  return o.trusted_networks.empty() ? "takes none, or addresses and networks" : "";
}

std::string set_other_topics(Options& o, const std::string& v) {
  if (v == "allow")
    o.other_topics = AclDecision::allow;
  else if (v == "defer")
    o.other_topics = AclDecision::defer;
  else if (v == "deny")
    o.other_topics = AclDecision::deny;
  else
    return "takes allow, defer or deny";
  return "";
}

std::string set_log_level(Options& o, const std::string& v) {
  static const std::map<std::string, LogLevel> kLevels{{"debug", LogLevel::debug},
                                                       {"info", LogLevel::info},
                                                       {"warning", LogLevel::warning},
                                                       {"error", LogLevel::error}};
  const auto it = kLevels.find(v);
  if (it == kLevels.end()) return "takes debug, info, warning or error";
  o.log_level = it->second;
  return "";
}

std::string set_other_users(Options& o, const std::string& v) {
  if (v != "defer" && v != "deny") return "takes defer or deny";
  o.defer_other_users = v == "defer";
  return "";
}

std::string set_journal_sync(Options& o, const std::string& v) {
  if (v == "off") {
    o.journal_sync = SyncPolicy::off;
  } else if (v == "always") {
    o.journal_sync = SyncPolicy::always;
  } else {
    auto ms =
        v.starts_with("interval ") ? number<std::uint32_t>(std::string_view(v).substr(9)) : std::nullopt;
    if (!ms || *ms < 1 || *ms > 60'000)
      return "takes off, always, or interval and milliseconds from 1 to 60000";
    o.journal_sync = SyncPolicy::interval;
    o.journal_sync_interval = std::chrono::milliseconds(*ms);
  }
  return "";
}

std::string set_algorithm(Options& o, const std::string& v) {
  if (v != "HS256" && v != "RS256" && v != "ES256") return "takes HS256, RS256 or ES256";
  o.jwt_algorithm = v;
  return "";
}

const std::map<std::string, Setter>& setters() {
  constexpr std::uint64_t kYear = 366ull * 86400;
  static const std::map<std::string, Setter> kSetters{
      {"data_dir", path(&Options::data_dir)},
      {"backend_secret_file", path(&Options::backend_secret_file)},
      {"reload_file", path(&Options::reload_file)},
      {"log_level", live({set_log_level})},
      {"other_topics", live({set_other_topics})},
      {"other_users", {set_other_users}},
      {"user_rate", live(rate(&Options::user_rate))},
      {"user_burst", live(rate(&Options::user_burst))},
      {"flood_refusals", live(size(&Options::flood_refusals, 0, 1'000'000'000))},
      {"flood_ban", live(seconds(&Options::flood_ban, kYear))},
      {"room_rate", live(rate(&Options::room_rate))},
      {"room_burst", live(rate(&Options::room_burst))},
      {"typing_rate", live(rate(&Options::typing_rate))},
      {"typing_burst", live(rate(&Options::typing_burst))},
      {"typing_room_max", live(size(&Options::typing_room_max, 0, 1'000'000))},
      {"max_content_bytes", live(size(&Options::max_content_bytes, 1, wire::kContentMaxLimit))},
      {"max_subscriptions", live(size(&Options::max_subscriptions, 1, 10'000'000))},
      {"trace_rate", live(rate(&Options::trace_rate))},
      {"trace_sample", live(part(&Options::trace_sample))},
      {"journal_max_bytes", size(&Options::journal_max_bytes, 1ull << 20, 1ull << 44)},
      {"journal_segment_bytes", size(&Options::journal_segment_bytes, 1ull << 20, 1ull << 30)},
      {"journal_sync", {set_journal_sync}},
      {"ref_window", seconds(&Options::ref_window, kYear)},
      {"ref_max", size(&Options::ref_max, 1000, 1ull << 28)},
      {"jwt_key_file", path(&Options::jwt_key_file)},
      {"jwt_algorithm", {set_algorithm}},
      {"jwt_jwks_file", path(&Options::jwt_jwks_file)},
      {"jwt_issuer", text(&Options::jwt_issuer)},
      {"jwt_audience", text(&Options::jwt_audience)},
      {"jwt_leeway", seconds(&Options::jwt_leeway, 3600)},
      {"jwt_warn", live(seconds(&Options::jwt_warn, 24 * 3600))},
      {"jwt_admins", flag(&Options::jwt_admins)},
      {"jwt_auto_user", flag(&Options::jwt_auto_user)},
      {"scram", live(flag(&Options::scram))},
      {"password_checks_per_second", live(size(&Options::password_checks_per_second, 1, 10'000))},
      {"sessions_per_user", live(size(&Options::sessions_per_user, 0, 100'000))},
      {"client_ids_per_user", live(size(&Options::client_ids_per_user, 1, 100'000))},
      {"client_id_hold", live(seconds(&Options::client_id_hold, kYear))},
      {"connect_rate", live(rate(&Options::connect_rate))},
      {"connect_burst", live(rate(&Options::connect_burst))},
      {"trusted_networks", live({set_trusted_networks})},
      {"websocket_forwarded_for", flag(&Options::websocket_forwarded_for)},
      {"login_failures", live(size(&Options::login_failures, 0, 1'000'000))},
      {"login_failures_address", live(size(&Options::login_failures_address, 0, 1'000'000))},
      {"login_failures_user", live(size(&Options::login_failures_user, 0, 1'000'000))},
      {"login_lock", live(seconds(&Options::login_lock, 24 * 3600))},
      {"login_lock_max", live(seconds(&Options::login_lock_max, 24 * 3600))},
      {"flap_connects", live(size(&Options::flap_connects, 0, 1'000'000))},
      {"flap_window", live(seconds(&Options::flap_window, 3600))},
      {"flap_ban", live(seconds(&Options::flap_ban, kYear))},
  };
  return kSetters;
}

// What options say only together.
std::string contradiction(const Options& o) {
  if (o.data_dir.empty())
    return "plugin_opt_data_dir is missing: say where the journal and the Directory are kept";
  if (o.backend_secret_file.empty())
    return "plugin_opt_backend_secret_file is missing: say which file holds the secret parleyd logs in with";
  if (o.jwt_key_file.empty() != o.jwt_algorithm.empty())
    return "plugin_opt_jwt_key_file and plugin_opt_jwt_algorithm go together";
  if (!o.jwt_key_file.empty() && !o.jwt_jwks_file.empty())
    return "plugin_opt_jwt_key_file and plugin_opt_jwt_jwks_file exclude each other";
  const bool jwt = !o.jwt_key_file.empty() || !o.jwt_jwks_file.empty();
  if (!jwt && (o.jwt_auto_user || o.jwt_admins || !o.jwt_issuer.empty() || !o.jwt_audience.empty()))
    return "plugin_opt_jwt_… options need plugin_opt_jwt_key_file or plugin_opt_jwt_jwks_file";
  if (o.journal_max_bytes < 2 * o.journal_segment_bytes)
    return "plugin_opt_journal_max_bytes must be at least twice plugin_opt_journal_segment_bytes";
  return "";
}

}  // namespace

std::string option_names(bool only_live) {
  std::string names;
  for (const auto& [name, setter] : setters())
    if (setter.live || !only_live) names += (names.empty() ? "" : ", ") + name;
  return names;
}

std::vector<wire::Network> Options::default_trusted() {
  return {*wire::parse_network("127.0.0.1"), *wire::parse_network("::1")};
}

Result<Options> parse_options(const GivenOptions& given) {
  Options options;
  std::set<std::string> seen;
  for (const auto& [name, value] : given) {
    auto it = setters().find(name);
    if (it == setters().end())
      return fail(Errc::invalid_argument,
                  "plugin_opt_" + name + " is unknown; there are: " + option_names(false));
    if (!seen.insert(name).second)
      return fail(Errc::invalid_argument, "plugin_opt_" + name + " is given twice");
    if (auto wrong = it->second.set(options, value); !wrong.empty())
      return fail(Errc::invalid_argument, "plugin_opt_" + name + " " + wrong + ", not \"" + value + "\"");
  }
  if (auto wrong = contradiction(options); !wrong.empty()) return fail(Errc::invalid_argument, wrong);
  if (options.user_rate > 0 && options.user_burst == 0)
    options.user_burst = std::max(1.0, 2 * options.user_rate);
  if (options.room_rate > 0 && options.room_burst == 0)
    options.room_burst = std::max(1.0, 2 * options.room_rate);
  return options;
}

bool is_live_option(std::string_view name) {
  const auto it = setters().find(std::string(name));
  return it != setters().end() && it->second.live;
}

std::optional<bool> says_per_listener_settings(const std::filesystem::path& conf) {
  std::ifstream in(conf);
  if (!in) return std::nullopt;
  bool said = false;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string key, value;
    words >> key >> value;
    if (key == "per_listener_settings") said = value == "true" || value == "1";
    if (key != "include_dir") continue;
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(value, ec))
      if (entry.path().extension() == ".conf" && says_per_listener_settings(entry.path()).value_or(false))
        said = true;
  }
  return said;
}

std::filesystem::path own_config_file() {
  std::ifstream in("/proc/self/cmdline", std::ios::binary);
  std::string arg;
  while (std::getline(in, arg, '\0'))
    if ((arg == "-c" || arg == "--config-file") && std::getline(in, arg, '\0')) return arg;
  return {};
}

}  // namespace parley::plugin
