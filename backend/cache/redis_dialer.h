#pragma once
#include <atomic>
#include <memory>

#include "backend/cache/redis_connection.h"

namespace parley::backend {

// Makes connections that are logged in, with their database selected: to the server named, or to the one that
// a sentinel calls master and that says of itself that it is. Sentinels are asked for each connection, the one
// that last knew first. Thread-safe. Blocks for the times of one connection, times two with sentinels, and
// once for each sentinel that does not answer. Errors as of RedisConnection; permission_denied never: a wrong
// password is unavailable, for it may be mended on the server.
class RedisDialer {
 public:
  RedisDialer(RedisTarget target, const RedisTimes& times, RedisTls tls);
  Result<std::unique_ptr<RedisConnection>> dial();

 private:
  using Dialed = Result<std::unique_ptr<RedisConnection>>;
  Dialed dial_server(const RedisAddress& address);
  Dialed dial_master(const RedisAddress& sentinel);

  const RedisTarget target_;
  const RedisTimes times_;
  const RedisTls tls_;
  std::atomic<std::size_t> knowing_ = 0;  // index of the sentinel that last knew
};

}  // namespace parley::backend
