#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "backend/cache/cache.h"
#include "backend/cache/local_counters.h"
#include "backend/cache/lru.h"
#include "backend/cache/redis_pool.h"

namespace parley::backend {

struct RedisCacheOptions {
  std::string prefix = "parley";  // of every key: one for each installation
  TailLimits tail{};
  std::size_t rooms_max = 10'000;             // kept up to date by this process; about 200 bytes each
  std::chrono::milliseconds expiry{600'000};  // of a room nothing was added to
};

// The cache in a Redis (5 or later), over RedisPool: each call is one round trip.
//
//   {prefix}:room:{lease}:{room id}:{epoch}   list of messages, oldest first. Each is 8 bytes of seq and 4 of
//                                             CRC-32C over room id, seq and envelope, little-endian, then the
//                                             envelope's bytes
//   {prefix}:value:{name}                     a small value, with its expiry
//   {prefix}:rate:{counter}                   when it will have paid for all that was taken, in µs of Redis' time
//
// Only rooms this process has filled are extended: those alone it will look for. A message is believed only if
// its number is the one looked for and its sum is right, so that lists which lost messages, got them twice, or
// came back from an old dump give less, not wrong. A room's list is cut to its limit of messages with each
// extension, and dropped, to be filled again, when it may hold twice its limit of bytes.
// Thread-safe.
class RedisCache final : public Cache {
 public:
  RedisCache(std::unique_ptr<RedisPool> pool, RedisCacheOptions options, const Clock& clock);

  Result<std::vector<std::string>> find(const RoomKey& key, std::uint64_t newest, SeqRange range) override;
  Result<> fill(const RoomKey& key, std::uint64_t first, std::span<const std::string> envelopes) override;
  Result<> extend(std::uint64_t lease, std::span<const wire::Record> records) override;
  Result<> drop(std::uint64_t lease, std::span<const std::uint64_t> rooms) override;
  Result<> put_values(std::span<const NamedValue> values, std::chrono::milliseconds expiry) override;
  Result<std::vector<std::optional<std::string>>> values(std::span<const std::string> names) override;
  bool take(const std::string& counter, const Rate& rate) override;
  Dependency dependency() override;

 private:
  struct Filled {  // what a list in Redis is held to be
    RoomKey key;
    std::size_t bytes = 0;  // at most
    std::uint64_t end = 0;  // one after the last seq it was filled with
  };
  struct Addition {
    std::string name;  // of the list
    std::vector<const wire::Record*> records;
  };
  using Additions = std::map<std::uint64_t, Addition>;  // by room

  std::string name_of(const RoomKey& key) const;
  Result<std::vector<std::string>> not_filled() const;
  void note_filled(const RoomKey& key, std::size_t bytes, std::uint64_t end);
  void forget(const Additions& additions);
  Additions additions_of(std::uint64_t lease, std::span<const wire::Record> records);
  std::vector<RedisCommand> commands_for(const Additions& additions);
  bool grows_too_large(std::uint64_t room_id, std::size_t bytes);

  const std::unique_ptr<RedisPool> pool_;
  const RedisCacheOptions options_;
  std::mutex mutex_;
  Lru<std::uint64_t, Filled> filled_;
  LocalCounters local_;
};

}  // namespace parley::backend
