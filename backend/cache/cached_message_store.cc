#include "backend/cache/cached_message_store.h"

#include <algorithm>

#include "base/crypto.h"

namespace parley::backend {

CachedMessageStore::CachedMessageStore(MessageStore& store, Cache& cache, const TailLimits& tail,
                                       Metrics& metrics)
    : store_(store), cache_(cache), tail_(tail) {
  const auto pages = [&](const char* from) {
    return metrics.counter("parley_cache_pages_total",
                           "Pages of history by where they came from: hit, the cache; miss, the store, which "
                           "filled the cache; bypass, the store alone.",
                           {{"result", from}});
  };
  hits_ = pages("hit");
  misses_ = pages("miss");
  bypassed_ = pages("bypass");
}

Result<> CachedMessageStore::begin(std::uint64_t generation, const std::string& journal,
                                   std::optional<std::uint64_t> restart_at) {
  lease_ = 0;
  auto begun = store_.begin(generation, journal, restart_at);
  if (begun) lease_ = random_u64() | 1;
  return begun;
}

// Only what is new for certain goes on to the cache: of a repeat, or a room in quarantine, the store's word on
// each message is not known.
Result<StoreOutcome> CachedMessageStore::store(std::uint64_t generation, std::uint64_t from, std::uint64_t to,
                                               std::span<const wire::Record> records) {
  const auto lease = lease_.load();
  auto outcome = store_.store(generation, from, to, records);
  const bool all_new = outcome && outcome->stored == records.size() && outcome->quarantined == 0;
  if (lease == 0) return outcome;
  if (outcome && !outcome->rewritten.empty())
    pass_on_the_rest(lease, records, outcome->rewritten, all_new);
  else if (all_new)
    (void)cache_.extend(lease, records);
  return outcome;
}

// What was deleted must not stay behind, though no reader would be given it any more.
void CachedMessageStore::pass_on_the_rest(std::uint64_t lease, std::span<const wire::Record> records,
                                          std::span<const std::uint64_t> rewritten, bool all_new) {
  (void)cache_.drop(lease, rewritten);
  if (!all_new) return;
  std::vector<wire::Record> rest;
  for (const auto& record : records)
    if (std::ranges::find(rewritten, record.room_id) == rewritten.end()) rest.push_back(record);
  if (!rest.empty()) (void)cache_.extend(lease, rest);
}

Result<EraseStep> CachedMessageStore::erase_some(const ErasedUser& who, const ErasePlace& from,
                                                 const NoteRooms& note) {
  auto step = store_.erase_some(who, from, note);
  if (const auto lease = lease_.load(); step && lease != 0 && !step->rooms.empty())
    (void)cache_.drop(lease, step->rooms);
  return step;
}

Result<Page> CachedMessageStore::page(const PageQuery& query) {
  const auto lease = lease_.load();
  const auto head = query.head.value_or(RoomHead{});
  const auto newest = head.last_seq;
  const auto seqs = newest > head.expired ? seqs_for(query, newest, head.expired + 1) : std::nullopt;
  if (lease == 0 || !seqs || newest - seqs->first >= tail_.messages) {
    bypassed_.add();
    return store_.page(query);
  }
  const RoomKey key{
      .lease = lease,
      .room_id = query.room_id,
      .epoch = head.epoch + "." + std::to_string(head.rewritten) + "." + std::to_string(head.expired)};
  const auto found = cache_.find(key, newest, *seqs);
  if (!found) {
    bypassed_.add();
    return store_.page(query);
  }
  if (auto page = cut_page(query, newest, seqs->last, *found, head.expired + 1)) {
    hits_.add();
    return *std::move(page);
  }
  misses_.add();
  return refill(query, key);
}

// The store gives all that the cache keeps of a room, which as a rule has the page in it.
Result<Page> CachedMessageStore::refill(const PageQuery& query, const RoomKey& key) {
  const auto tail = store_.page(
      {.room_id = query.room_id, .limit = tail_.messages, .max_bytes = tail_.bytes, .head = query.head});
  if (!tail) return std::unexpected(tail.error());
  const auto count = dense_tail(tail->envelopes, tail->through);
  const auto dense = std::span(tail->envelopes).last(count);
  if (count > 0) (void)cache_.fill(key, tail->through - count + 1, dense);
  const auto oldest = tail->expired + 1;
  const auto seqs = count > 0 ? seqs_for(query, tail->through, oldest) : std::nullopt;
  if (seqs && seqs->last >= tail->through - count + 1)
    if (auto page = cut_page(query, tail->through, seqs->last,
                             dense.first(dense.size() - (tail->through - seqs->last)), oldest))
      return *std::move(page);
  return store_.page(query);
}

}  // namespace parley::backend
