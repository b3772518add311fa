#include "backend/config/cache_config.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "base/file.h"

namespace parley::backend {
namespace {

bool others_may_read(const std::string& file) {
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 && (info.st_mode & S_IROTH) != 0;
}

constexpr const char* kWays = " Put it into PARLEY_CACHE_PASSWORD or the file cache_password_file names.";

}  // namespace

Result<> check_cache(const Config& config) {
  auto url = parse_cache_url(config.cache);
  if (!url) return fail(Errc::invalid_argument, "cache: " + url.error().message);
  return {};
}

Result<> check_cache_secrecy(const Config& config, const std::string& file,
                             const std::vector<std::string>& overrides) {
  auto url = parse_cache_url(config.cache);
  if (!url || url->redis.password.empty()) return {};
  auto sets_cache = [](const std::string& given) { return given.starts_with("cache="); };
  if (std::ranges::any_of(overrides, sets_cache)) {
    return fail(Errc::permission_denied,
                std::string("--set cache: everyone on this machine can read a password there.") + kWays);
  }
  if (!others_may_read(file)) return {};
  return fail(Errc::permission_denied,
              "cache: the URL holds a password, and others may read " + file + ": chmod o-r." + kWays);
}

Result<std::string> cache_password(const Config& config) {
  if (const char* given = std::getenv("PARLEY_CACHE_PASSWORD"); given && *given) return std::string(given);
  if (config.cache_password_file.empty()) return std::string();
  return read_secret_file(config.cache_password_file);
}

}  // namespace parley::backend
