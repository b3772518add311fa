#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "backend/cache/redis_dialer.h"
#include "base/circuit_breaker.h"
#include "base/log.h"

namespace parley::backend {

struct RedisPoolOptions {
  std::uint32_t connections = 4;  // at most; made when they are needed
  RedisTimes times{};
  BreakerOptions breaker{.failures = 3,
                         .pause = {.least = std::chrono::milliseconds(200),
                                   .first = std::chrono::milliseconds(1'000),
                                   .max = std::chrono::milliseconds(10'000)}};
};

// A bounded number of connections to one Redis, behind a breaker: while Redis is away a call costs nothing.
// Thread-safe. run() blocks at most for a free connection (times.command), a new one (RedisDialer), and the
// commands (RedisTimes), the latter two twice when Redis had been restarted under a kept connection. Errors:
// unavailable, timeout: the commands may have been carried out or not.
class RedisPool {
 public:
  RedisPool(RedisTarget target, RedisTls tls, const RedisPoolOptions& options, const Clock& clock,
            LogSink log);

  // A reply to each. Errors of Redis are among them only as far as they are about the command itself
  // (WRONGTYPE, NOSCRIPT); one that tells of the server's health is a failure.
  Result<std::vector<RedisReply>> run(const std::vector<RedisCommand>& commands);

  // A call now would be refused unmade.
  bool resting() const { return breaker_.resting(); }
  BreakerReading reading() const { return breaker_.reading(); }

 private:
  using Connection = std::unique_ptr<RedisConnection>;
  using Replies = Result<std::vector<RedisReply>>;

  bool take_place();
  void give_place_back(Connection connection);
  Connection take_idle();
  void drop_idle();
  Replies run_placed(const std::vector<RedisCommand>& commands, Connection& connection);
  Replies run_on_new(const std::vector<RedisCommand>& commands, Connection& connection);
  void tell(const Replies& replies);

  RedisDialer dialer_;
  const RedisPoolOptions options_;
  LogSink log_;
  CircuitBreaker breaker_;
  std::mutex mutex_;
  std::condition_variable place_free_;
  std::uint32_t places_taken_ = 0;
  std::vector<Connection> idle_;
  bool works_ = true;  // what was told last
};

}  // namespace parley::backend
