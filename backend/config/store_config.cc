#include "backend/config/store_config.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "base/file.h"

namespace parley::backend {
namespace {

constexpr std::uint32_t kOtherConnections =
    4;  // beyond the request threads: feed, control, room states, HTTP

bool others_may_read(const std::string& file) {
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 && (info.st_mode & S_IROTH) != 0;
}

struct NamedUrl {
  std::string_view key;
  const std::string* url;
};
std::vector<NamedUrl> store_urls(const Config& config) {
  std::vector<NamedUrl> urls{{"store", &config.store}};
  for (const auto& url : config.store_shards) urls.push_back({"store_shards", &url});
  for (const auto& url : config.store_replicas) urls.push_back({"store_replicas", &url});
  return urls;
}

// "" when neither is given.
Result<std::string> given_password(const Config& config) {
  if (const char* given = std::getenv("PARLEY_STORE_PASSWORD"); given && *given) return std::string(given);
  if (config.store_password_file.empty()) return "";
  return read_secret_file(config.store_password_file);
}

std::string ways_to_give_it() {
  return " Put it into PARLEY_STORE_PASSWORD or the file store_password_file names.";
}

}  // namespace

Result<> check_store(const Config& config) {
  if (!is_postgres_url(config.store)) {
    if (auto path = sqlite_path(config.store); !path)
      return fail(Errc::invalid_argument, "store: " + path.error().message);
    if (!config.store_shards.empty() || !config.store_replicas.empty())
      return fail(Errc::invalid_argument, "store_shards and store_replicas are for a PostgreSQL store.");
    return {};
  }
  for (const auto& [key, url] : store_urls(config)) {
    if (auto address = parse_postgres_url(*url); !address)
      return fail(Errc::invalid_argument, std::string(key) + ": " + address.error().message);
  }
  if (!config.store_shards.empty() && !config.store_replicas.empty())
    return fail(Errc::invalid_argument, "store_shards and store_replicas are not for use together.");
  return {};
}

Result<> check_store_secrecy(const Config& config, const std::string& file,
                             const std::vector<std::string>& overrides) {
  for (const auto& [key, url] : store_urls(config)) {
    auto address = parse_postgres_url(*url);
    if (!address || address->password.empty()) continue;
    auto sets_it = [&](const std::string& given) { return given.starts_with(std::string(key) + "="); };
    if (std::ranges::any_of(overrides, sets_it)) {
      return fail(Errc::permission_denied, "--set " + std::string(key) +
                                               ": everyone on this machine can read a password there." +
                                               ways_to_give_it());
    }
    if (others_may_read(file)) {
      return fail(Errc::permission_denied, std::string(key) +
                                               ": the URL holds a password, and others may read " + file +
                                               ": chmod o-r." + ways_to_give_it());
    }
  }
  return {};
}

Result<std::string> sqlite_path(const std::string& store) {
  constexpr std::string_view kScheme = "sqlite://";
  auto path = store.starts_with(kScheme) ? store.substr(kScheme.size()) : store;
  if (path.find("://") != std::string::npos) {
    return fail(Errc::invalid_argument,
                "This kind of store is not known. Expected: sqlite:///absolute/path or "
                "postgresql://user@host:port/database.");
  }
  if (path.empty()) return fail(Errc::invalid_argument, "No path is given.");
  return path;
}

Result<PostgresStoreConfig> postgres_store(const Config& config) {
  auto password = given_password(config);
  if (!password) return std::unexpected(password.error());
  PostgresStoreConfig store;
  for (const auto& [key, url] : store_urls(config)) {
    auto address = parse_postgres_url(*url);
    if (!address) return std::unexpected(address.error());
    bool main = key == "store";
    if (!password->empty() && (main || address->password.empty())) address->password = *password;
    if (main)
      store.main = *std::move(address);
    else
      (key == "store_shards" ? store.shards : store.replicas).push_back(*std::move(address));
  }
  return store;
}

std::uint32_t store_connections(const Config& config) {
  return config.store_connections ? config.store_connections : config.requests.threads + kOtherConnections;
}

}  // namespace parley::backend
