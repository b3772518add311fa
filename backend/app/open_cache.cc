#include "backend/app/open_cache.h"

#include "backend/config/cache_config.h"

namespace parley::backend {
namespace {

Result<CacheSettings> settings_of(const Config& config) {
  auto password = cache_password(config);
  if (!password) return fail(password.error().code, "cache_password_file: " + password.error().message);
  return CacheSettings{.url = config.cache,
                       .password = *std::move(password),
                       .ca_file = config.cache_ca_file,
                       .memory_bytes = std::size_t{config.cache_memory_mib} << 20,
                       .connections = config.cache_connections,
                       .timeout = config.cache_timeout};
}

Result<MadeCache> make(const CacheSettings& settings, const Clock& clock, const LogSink& log) {
  auto made = make_cache(settings, clock, log);
  if (!made) return fail(made.error().code, "cache: " + made.error().message);
  return made;
}

}  // namespace

Result<MadeCache> open_cache(const Config& config, Stores& stores, const Clock& clock, const LogSink& log) {
  auto settings = settings_of(config);
  if (!settings) return std::unexpected(settings.error());
  auto installation = stores.directory->directory_id();
  if (!installation) return std::unexpected(installation.error());
  settings->installation = *std::move(installation);
  return make(*settings, clock, log);
}

Result<> try_cache(const Config& config, const Clock& clock) {
  const auto settings = settings_of(config);
  if (!settings) return std::unexpected(settings.error());
  if (auto made = make(*settings, clock, {}); !made) return std::unexpected(made.error());
  return {};
}

}  // namespace parley::backend
