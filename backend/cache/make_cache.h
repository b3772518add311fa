#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "backend/cache/cache.h"
#include "base/clock.h"
#include "base/log.h"

namespace parley::backend {

struct CacheSettings {
  std::string url = "memory://";           // cache_url.h
  std::string password;                    // of Redis, instead of the URL's; "" for that
  std::string ca_file;                     // of rediss://; "" for the system's authorities
  std::string installation;                // what keys in a shared Redis begin with: the Directory's id
  std::size_t memory_bytes = 64 << 20;     // of memory://
  std::uint32_t connections = 4;           // to Redis, at most
  std::chrono::milliseconds timeout{100};  // of connecting to Redis, and of each call
  TailLimits tail{};
};

struct MadeCache {
  std::unique_ptr<Cache> cache;
  bool keeps_messages = true;  // false: only counts (none://)
};

// Errors: invalid_argument (the URL; TLS without hiredis 1.0 and its hiredis_ssl). A Redis that is away is no
// error. Does not block. `clock` must outlive the cache.
Result<MadeCache> make_cache(const CacheSettings& settings, const Clock& clock, const LogSink& log);

}  // namespace parley::backend
