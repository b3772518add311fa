#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backend/cache/cache.h"
#include "backend/cache/lru.h"
#include "backend/metrics/metrics.h"
#include "backend/store/presence_store.h"

namespace parley::backend {

// A PresenceStore whose rows of single users come from a Cache: read through it, written through after each
// put(). Copies expire unless they are renewed by being put or read from the store again.
//
// A copy is believed only when its mark is the one this process drew when it wrote the row last, whatever
// happened to the cache since: an old copy, another process's, or one written while a newer row was stored
// has another mark. Users this process has written or read lately are all it looks for, `users_max` of them.
// Only one backend writes presence at a time, the one that is attached: forget() when that begins anew.
//
// Thread-safe as a PresenceStore is. `store`, `cache` and `metrics` must outlive it.
class CachedPresenceStore final : public PresenceStore {
 public:
  static constexpr std::size_t kUsersMax = 100'000;  // about 150 bytes each
  static constexpr std::chrono::milliseconds kExpiry{600'000};

  CachedPresenceStore(PresenceStore& store, Cache& cache, Metrics& metrics,
                      std::size_t users_max = kUsersMax);

  void forget();  // what others may have written meanwhile is read from the store

  Result<> put(std::span<const PresenceRow> rows) override;
  Result<> set_invisible(const std::string& user, bool invisible) override;
  Result<> remove(const std::string& user) override;
  Result<std::vector<PresenceRow>> get(std::span<const std::string> users) override;
  Result<std::vector<PresenceRow>> watched(const std::string& after, std::uint32_t limit) override {
    return store_.watched(after, limit);
  }
  Result<std::vector<PresenceRow>> of_room(std::uint64_t room_id, const std::string& after,
                                           std::uint32_t limit) override {
    return store_.of_room(room_id, after, limit);
  }
  Result<PresenceCounts> counts(std::uint64_t room_id) override { return store_.counts(room_id); }
  Result<bool> share_a_room(const std::string& one, const std::string& other) override {
    return store_.share_a_room(one, other);
  }
  Result<WallTime> watched_at() override { return store_.watched_at(); }
  Result<> set_watched_at(WallTime at) override { return store_.set_watched_at(at); }

 private:
  using Mark = std::uint64_t;

  Mark draw(const std::string& user);  // with the lock held
  void drop(std::span<const std::string> users);
  std::vector<PresenceRow> find(std::span<const std::string> users, std::vector<std::string>& missing);
  Result<> read(const std::vector<std::string>& users, std::vector<PresenceRow>& rows);
  void copy(std::span<const PresenceRow> rows, std::span<const Mark> marks);

  PresenceStore& store_;
  Cache& cache_;
  const std::size_t users_max_;
  Counter hits_, misses_;

  std::mutex mutex_;
  Mark last_;                     // begins at random: no other process's marks are likely to be ours
  std::uint64_t changes_ = 0;     // of rows, so that one read before is not copied after
  Lru<std::string, Mark> marks_;  // of the copies, by user
};

}  // namespace parley::backend
