#pragma once
#include <atomic>
#include <cstdint>

#include "backend/cache/cache.h"
#include "backend/cache/page_cut.h"
#include "backend/metrics/metrics.h"
#include "backend/store/message_store.h"

namespace parley::backend {

// A MessageStore whose newest pages come from a Cache: read through it, written through after each store().
//
// A page from the cache is right at the moment it is asked for, whatever happened to the cache, because
// nothing in the cache says what a room's newest message is:
// - The caller tells what it has just read in the database: the room is there, its epoch, its last seq
//   (PageQuery::head). Without that, the store answers. A room deleted, stored to by another process, or put
//   back to an older state shows in it.
// - The cache gives messages by number, and a page is made only of all numbers without a hole that it must
//   hold, so an old, cut or holed copy is not enough for one.
// - What lies under a number was read from the store, or stored successfully, under the present lease. The
//   lease is drawn at random by each begin(): a journal that was renewed, a machine put back to an earlier day,
//   or another parleyd's time as the consumer ends it. So the cache begins cold with each attach.
// - Messages change when one of the room is deleted, or an erased user's are. The head tells the last time that happened, and it is part
//   of the key: whoever knows of the deletion finds nothing of before. Rooms in which store() deleted something
//   are dropped at once, too; what a reader puts there who began before that lies there unread until it expires.
// - Messages expire from the front. How far is in the head and part of the key, too, and the room is dropped (expired()).
// Anything else, and any failure of the cache, is answered by the store.
//
// Thread-safe as a MessageStore is. `store`, `cache` and `metrics` must outlive it.
class CachedMessageStore final : public MessageStore {
 public:
  CachedMessageStore(MessageStore& store, Cache& cache, const TailLimits& tail, Metrics& metrics);

  Result<FeedPosition> position() override { return store_.position(); }
  Result<> begin(std::uint64_t generation, const std::string& journal,
                 std::optional<std::uint64_t> restart_at) override;
  Result<StoreOutcome> store(std::uint64_t generation, std::uint64_t from, std::uint64_t to,
                             std::span<const wire::Record> records) override;
  // Messages of the room have expired: takes away what the cache has of it.
  void expired(std::uint64_t room_id) { (void)cache_.drop(lease_, {&room_id, 1}); }

  Result<Page> page(const PageQuery& query) override;
  Result<Page> thread(const ThreadQuery& query) override { return store_.thread(query); }
  Result<std::map<Place, wire::Notes>> notes(std::span<const Place> messages) override {
    return store_.notes(messages);
  }
  Result<> block(const ErasedName& name) override { return store_.block(name); }
  Result<EraseStep> erase_some(const ErasedUser& who, const ErasePlace& from, const NoteRooms& note) override;
  Result<std::uint64_t> last_seq(std::uint64_t room_id) override { return store_.last_seq(room_id); }
  Result<std::uint64_t> message_count() override { return store_.message_count(); }

 private:
  void pass_on_the_rest(std::uint64_t lease, std::span<const wire::Record> records,
                        std::span<const std::uint64_t> rewritten, bool all_new);
  Result<Page> refill(const PageQuery& query, const RoomKey& key);

  MessageStore& store_;
  Cache& cache_;
  const TailLimits tail_;
  std::atomic<std::uint64_t> lease_ = 0;  // 0: not the consumer yet, the cache is left alone
  Counter hits_, misses_, bypassed_;
};

}  // namespace parley::backend
