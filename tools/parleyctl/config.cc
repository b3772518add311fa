#include "tools/parleyctl/config.h"

#include <toml++/toml.h>

#include <array>
#include <optional>
#include <string_view>

#include "base/file.h"

namespace parley::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 13> kKeys{
    "host", "port",  "tls",        "ca_file",  "cert_file",     "key_file",  "websocket",
    "user", "token", "token_file", "password", "password_file", "timeout_ms"};

std::unexpected<Failure> bad(const fs::path& path, const std::string& what) {
  return std::unexpected(Failure{Exit::usage, "config", path.string() + ": " + what});
}

Outcome<> check_keys(const fs::path& path, const toml::table& table) {
  for (const auto& [key, node] : table) {
    bool known = false;
    for (auto name : kKeys) known = known || key.str() == name;
    if (!known) {
      std::string names;
      for (auto name : kKeys) names += (names.empty() ? "" : ", ") + std::string(name);
      return bad(path, "unknown key '" + std::string(key.str()) + "'; known are " + names);
    }
    if (!node.is_string() && !node.is_integer() && !node.is_boolean()) {
      return bad(path, "'" + std::string(key.str()) + "' must be a string, a number, true or false");
    }
  }
  return {};
}

Outcome<std::int64_t> integer(const fs::path& path, const toml::table& table, std::string_view key,
                              std::int64_t fallback, std::int64_t low, std::int64_t high) {
  if (!table.contains(key)) return fallback;
  auto value = table[key].value_exact<std::int64_t>();
  if (!value || *value < low || *value > high) {
    return bad(path, "'" + std::string(key) + "' must be a number from " + std::to_string(low) + " to " +
                         std::to_string(high));
  }
  return *value;
}

Outcome<std::string> text(const fs::path& path, const toml::table& table, std::string_view key) {
  if (!table.contains(key)) return std::string{};
  auto value = table[key].value_exact<std::string>();
  if (!value || value->empty())
    return bad(path, "'" + std::string(key) + "' must be a string that is not empty");
  return *value;
}

Outcome<bool> yes_or_no(const fs::path& path, const toml::table& table, std::string_view key) {
  if (!table.contains(key)) return false;
  if (auto value = table[key].value_exact<bool>()) return *value;
  return bad(path, "'" + std::string(key) + "' must be true or false");
}

Outcome<Endpoint> broker_from(const fs::path& path, const toml::table& table) {
  Endpoint broker;
  const auto host = text(path, table, "host");
  if (!host) return std::unexpected(host.error());
  if (!host->empty()) broker.host = *host;
  const auto port = integer(path, table, "port", broker.port, 1, 65'535);
  if (!port) return std::unexpected(port.error());
  broker.port = static_cast<std::uint16_t>(*port);
  for (const auto& [key, field] : {std::pair("tls", &broker.tls), {"websocket", &broker.websocket}}) {
    const auto value = yes_or_no(path, table, key);
    if (!value) return std::unexpected(value.error());
    *field = *value;
  }
  for (const auto& [key, field] : {std::pair("ca_file", &broker.ca_file),
                                   {"cert_file", &broker.cert_file},
                                   {"key_file", &broker.key_file}}) {
    const auto value = text(path, table, key);
    if (!value) return std::unexpected(value.error());
    if (!value->empty()) *field = (path.parent_path() / *value).string();
  }
  if (auto sound = check(broker); !sound) return bad(path, sound.error().message);
  return broker;
}

Outcome<std::string> secret_from(const fs::path& path, const toml::table& table,
                                 const std::string& secret_here) {
  int given = 0;
  for (auto key : {"token", "token_file", "password", "password_file"}) given += table.contains(key) ? 1 : 0;
  if (given == 0 && table.contains("cert_file")) return std::string{};
  if (given != 1) return bad(path, "exactly one of token, token_file, password, password_file is needed");
  if (!secret_here.empty()) {
    std::error_code ignored;
    auto mode = fs::status(path, ignored).permissions();
    if ((mode & fs::perms::others_all) != fs::perms::none) {
      return bad(path, "holds a secret but others may read it; chmod 600 it");
    }
    return secret_here;
  }
  auto key = table.contains("token_file") ? "token_file" : "password_file";
  auto name = text(path, table, key);
  if (!name) return std::unexpected(name.error());
  auto secret = read_secret_file(path.parent_path() / *name);
  if (!secret) return bad(path, std::string(key) + ": " + secret.error().message);
  return *secret;
}

Outcome<Config> from_table(const fs::path& path, const toml::table& table) {
  if (auto ok = check_keys(path, table); !ok) return std::unexpected(ok.error());
  Config config;
  auto broker = broker_from(path, table);
  if (!broker) return std::unexpected(broker.error());
  config.broker = std::move(*broker);
  auto user = text(path, table, "user");
  auto inside = text(path, table, table.contains("token") ? "token" : "password");
  for (const auto* value : {&user, &inside}) {
    if (!*value) return std::unexpected(value->error());
  }
  if (user->empty()) return bad(path, "'user' is missing");
  config.user = *user;
  auto timeout = integer(path, table, "timeout_ms", config.timeout.count(), 100, 600'000);
  if (!timeout) return std::unexpected(timeout.error());
  config.timeout = std::chrono::milliseconds{*timeout};
  auto secret = secret_from(path, table, *inside);
  if (!secret) return std::unexpected(secret.error());
  config.secret = std::move(*secret);
  return config;
}

}  // namespace

Outcome<Config> load_config(const fs::path& path) {
  auto text = read_file(path);
  if (!text) return std::unexpected(Failure{Exit::usage, "config", text.error().message});
  try {
    return from_table(path, toml::parse(*text, path.string()));
  } catch (const toml::parse_error& e) {
    return bad(path, "line " + std::to_string(e.source().begin.line) + ": " + std::string(e.description()));
  }
}

}  // namespace parley::ctl
