#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/cache/cache.h"
#include "backend/cache/mark_copies.h"
#include "backend/metrics/metrics.h"
#include "backend/store/mark_store.h"

namespace parley::backend {

// A MarkStore before which receipts that tell nothing new end at a copy of the member's marks: devices repeat theirs after each
// reconnect, and those of one user tell the same. Only receipts do (checked, of a room by its name); requests have just read the
// marks in the database.
//
// A copy is what a raise left behind, put there after its commit, so it may be lower than what the database has and is never
// higher: a receipt at or below it changes nothing there. Whether its member is still one decides its name (MarkCopies), which a
// wiped cache, an old copy of it, or another process can't forge. What remains is a database that forgets a commit and goes
// on under the same lease (an asynchronous replica was promoted): receipts at or below the forgotten marks are lost then until the
// copy expires, kExpiry after it was put.
// `unchanged` from a copy tells the copy's marks as `now`. A cache that is away costs its time limit and nothing else.
//
// Thread-safe as a MarkStore is. All references must outlive it.
class CachedMarkStore final : public MarkStore {
 public:
  static constexpr std::chrono::milliseconds kExpiry{600'000};

  CachedMarkStore(MarkStore& store, const MarkCopies& copies, Cache& cache, Metrics& metrics);

  Result<std::vector<MarkOutcome>> raise(std::span<const MarkRaise> raises) override;
  Result<std::vector<std::string>> mentioned(std::uint64_t room_id, const std::vector<std::string>& keys,
                                             std::uint32_t everyone_max) override {
    return store_.mentioned(room_id, keys, everyone_max);
  }

 private:
  using Names = std::vector<std::string>;  // of copies, one for each raise
  using Known = std::vector<std::optional<MarkOutcome>>;

  Known look_up(std::span<const MarkRaise> raises, const Names& names);
  void copy(const Names& names, const std::vector<MarkOutcome>& outcomes);

  MarkStore& store_;
  const MarkCopies& copies_;
  Cache& cache_;
  Counter hits_, misses_;
};

}  // namespace parley::backend
