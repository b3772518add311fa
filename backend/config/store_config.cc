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

std::string ways_to_give_it() {
  return " Put it into PARLEY_STORE_PASSWORD or the file store_password_file names.";
}

}  // namespace

Result<> check_store(const Config& config) {
  if (is_postgres_url(config.store)) {
    auto address = parse_postgres_url(config.store);
    if (!address) return fail(Errc::invalid_argument, "store: " + address.error().message);
    return {};
  }
  auto path = sqlite_path(config.store);
  if (!path) return fail(Errc::invalid_argument, "store: " + path.error().message);
  return {};
}

Result<> check_store_secrecy(const Config& config, const std::string& file,
                             const std::vector<std::string>& overrides) {
  auto address = parse_postgres_url(config.store);
  if (!address || address->password.empty()) return {};
  auto sets_store = [](const std::string& given) { return given.starts_with("store="); };
  if (std::ranges::any_of(overrides, sets_store)) {
    return fail(Errc::permission_denied,
                "--set store: everyone on this machine can read a password there." + ways_to_give_it());
  }
  if (!others_may_read(file)) return {};
  return fail(Errc::permission_denied, "store: the URL holds a password, and others may read " + file +
                                           ": chmod o-r." + ways_to_give_it());
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

Result<PostgresAddress> postgres_store(const Config& config) {
  auto address = parse_postgres_url(config.store);
  if (!address) return address;
  if (const char* given = std::getenv("PARLEY_STORE_PASSWORD"); given && *given) {
    address->password = given;
  } else if (!config.store_password_file.empty()) {
    auto secret = read_secret_file(config.store_password_file);
    if (!secret) return std::unexpected(secret.error());
    address->password = *secret;
  }
  return address;
}

std::uint32_t store_connections(const Config& config) {
  return config.store_connections ? config.store_connections : config.requests.threads + kOtherConnections;
}

}  // namespace parley::backend
