#include "backend/cache/make_cache.h"

#include "backend/cache/cache_url.h"
#include "backend/cache/memory_cache.h"
#include "backend/cache/redis_cache.h"

namespace parley::backend {
namespace {

std::unique_ptr<Cache> redis_cache(RedisTarget target, const CacheSettings& settings, const Clock& clock,
                                   const LogSink& log) {
  RedisTls tls{.on = target.tls, .ca_file = settings.ca_file};
  const RedisPoolOptions options{.connections = settings.connections,
                                 .times = {.connect = settings.timeout, .command = settings.timeout}};
  auto pool = std::make_unique<RedisPool>(std::move(target), std::move(tls), options, clock, log);
  return std::make_unique<RedisCache>(
      std::move(pool), RedisCacheOptions{.prefix = "parley:" + settings.installation, .tail = settings.tail},
      clock);
}

}  // namespace

Result<MadeCache> make_cache(const CacheSettings& settings, const Clock& clock, const LogSink& log) {
  auto url = parse_cache_url(settings.url);
  if (!url) return std::unexpected(url.error());
  if (url->kind != CacheUrl::Kind::redis) {
    const bool keeps = url->kind == CacheUrl::Kind::memory;
    return MadeCache{std::make_unique<MemoryCache>(settings.memory_bytes, settings.tail, clock), keeps};
  }
  auto& target = url->redis;
  if (target.tls && !RedisConnection::has_tls())
    return fail(Errc::invalid_argument,
                "rediss:// needs hiredis 1.0 or later with hiredis_ssl; this parleyd was built without.");
  if (!settings.password.empty()) target.password = settings.password;
  return MadeCache{redis_cache(std::move(target), settings, clock, log)};
}

}  // namespace parley::backend
