#include "backend/cache/redis_pool.h"

namespace parley::backend {
namespace {

bool about_the_command(const RedisReply& reply) {
  const auto word = reply.error_word();
  return word == "WRONGTYPE" || word == "NOSCRIPT";
}

Result<> healthy(const std::vector<RedisReply>& replies) {
  for (const auto& reply : replies)
    if (reply.type == RedisReply::Type::error && !about_the_command(reply))
      return fail(Errc::unavailable, "Redis answers " + reply.error_word() + ".");
  return {};
}

}  // namespace

RedisPool::RedisPool(RedisTarget target, RedisTls tls, const RedisPoolOptions& options, const Clock& clock,
                     LogSink log)
    : dialer_(std::move(target), options.times, std::move(tls)),
      options_(options),
      log_(std::move(log)),
      breaker_(options.breaker, clock) {}

RedisPool::Replies RedisPool::run(const std::vector<RedisCommand>& commands) {
  auto permit = breaker_.enter();
  if (!permit) return fail(Errc::unavailable, "Redis failed a moment ago and is left alone for a while.");
  if (!take_place()) return fail(Errc::unavailable, "All connections to Redis are busy.");
  Connection connection;
  auto replies = run_placed(commands, connection);
  give_place_back(replies ? std::move(connection) : nullptr);
  if (!replies) drop_idle();
  replies ? permit->succeeded() : permit->failed();
  tell(replies);
  return replies;
}

// A kept connection may be one to a Redis that was restarted since: then the next one is new.
RedisPool::Replies RedisPool::run_placed(const std::vector<RedisCommand>& commands, Connection& connection) {
  connection = take_idle();
  if (!connection) return run_on_new(commands, connection);
  auto replies = connection->run(commands);
  if (!replies && replies.error().code == Errc::unavailable) return run_on_new(commands, connection);
  if (!replies) return replies;
  if (auto ok = healthy(*replies); !ok) return std::unexpected(ok.error());
  return replies;
}

RedisPool::Replies RedisPool::run_on_new(const std::vector<RedisCommand>& commands, Connection& connection) {
  auto dialed = dialer_.dial();
  if (!dialed) return std::unexpected(dialed.error());
  connection = *std::move(dialed);
  auto replies = connection->run(commands);
  if (!replies) return replies;
  if (auto ok = healthy(*replies); !ok) return std::unexpected(ok.error());
  return replies;
}

bool RedisPool::take_place() {
  std::unique_lock lock(mutex_);
  const bool free = place_free_.wait_for(lock, options_.times.command,
                                         [&] { return places_taken_ < options_.connections; });
  if (free) ++places_taken_;
  return free;
}

void RedisPool::give_place_back(Connection connection) {
  {
    std::lock_guard lock(mutex_);
    --places_taken_;
    if (connection) idle_.push_back(std::move(connection));
  }
  place_free_.notify_one();
}

RedisPool::Connection RedisPool::take_idle() {
  std::lock_guard lock(mutex_);
  if (idle_.empty()) return nullptr;
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void RedisPool::drop_idle() {
  std::vector<Connection> dropped;
  std::lock_guard lock(mutex_);
  dropped.swap(idle_);
}

void RedisPool::tell(const Replies& replies) {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(works_, replies.has_value()) == replies.has_value()) return;
  }
  if (replies)
    log_(LogLevel::info, "cache: Redis works again");
  else
    log_(LogLevel::warning, "cache: " + replies.error().message + " Answers come from the store meanwhile.");
}

}  // namespace parley::backend
