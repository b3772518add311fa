#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

class MemoryRetentionStore final : public RetentionStore {
 public:
  MemoryRetentionStore(std::shared_ptr<MemoryDatabase> database, const Clock& clock)
      : database_(std::move(database)), clock_(clock) {}

  Result<std::vector<RetainedRoom>> rooms(const RetainedQuery& query) override {
    std::lock_guard lock(database_->mutex);
    std::vector<RetainedRoom> rooms;
    for (const auto& [id, row] : database_->rooms) {
      const auto& messages = database_->messages[id];
      if (id <= query.after || !database_->living(id) || row.room.held || messages.empty()) continue;
      if (!query.all && row.room.retain == Retention{}) continue;
      if (rooms.size() == query.limit) break;
      rooms.push_back({.room_id = id,
                       .own = row.room.retain,
                       .last_seq = row.room.last_seq,
                       .oldest = messages.begin()->first,
                       .oldest_at_ms = messages.begin()->second.at_ms});
    }
    return rooms;
  }
  Result<Expiry> expire(const ExpiryOrder& order) override;
  Result<> hold(std::uint64_t room_id, bool held, const std::optional<Act>& act) override;
  Result<HeldPage> kept_aside(std::uint64_t room_id, std::uint64_t after, std::uint32_t limit) override;

 private:
  void forget(std::uint64_t room_id, std::uint64_t seq);

  std::shared_ptr<MemoryDatabase> database_;
  const Clock& clock_;
};

// One message at a time.
Result<Expiry> MemoryRetentionStore::expire(const ExpiryOrder& order) {
  std::lock_guard lock(database_->mutex);
  auto* row = database_->living(order.room_id);
  if (!row) return Expiry{};
  auto& room = row->room;
  Expiry expiry{.expired = room.expired};
  if (room.held) return expiry;
  const auto line = due_line(order.rules.in_force(room.retain), room.last_seq, order.now);
  auto& messages = database_->messages[order.room_id];
  while (!messages.empty() && line.due(messages.begin()->first, messages.begin()->second.at_ms)) {
    expiry.more = expiry.rows == order.rows_max;
    if (expiry.more) break;
    ++expiry.rows;
    expiry.expired = messages.begin()->first;
    forget(order.room_id, expiry.expired);
    messages.erase(messages.begin());
  }
  room.expired = expiry.expired;
  if (room.last_message <= room.expired) room.last_message = 0;
  return expiry;
}

void MemoryRetentionStore::forget(std::uint64_t room_id, std::uint64_t seq) {
  const BatchLinks::Place place{room_id, seq};
  database_->edits.erase(place);
  database_->threads.erase(place);
  std::erase_if(database_->reactions, [&](const auto& reaction) {
    return BatchLinks::Place{std::get<0>(reaction.first), std::get<1>(reaction.first)} == place;
  });
  for (auto& [name, seqs] : database_->mentions[room_id]) seqs.erase(seq);
  std::erase_if(database_->quarantine[room_id], [&](const auto& item) { return item.first.first <= seq; });
}

Result<> MemoryRetentionStore::hold(std::uint64_t room_id, bool held, const std::optional<Act>& act) {
  std::lock_guard lock(database_->mutex);
  auto* row = database_->living(room_id);
  if (!row) return fail(Errc::not_found, "There is no such room.");
  row->room.held = held;
  if (!held) database_->held.erase(room_id);
  database_->record_act(act, clock_.wall());
  return {};
}

Result<HeldPage> MemoryRetentionStore::kept_aside(std::uint64_t room_id, std::uint64_t after,
                                                  std::uint32_t limit) {
  std::lock_guard lock(database_->mutex);
  HeldPage page;
  const auto& held = database_->held[room_id];
  for (auto at = held.upper_bound(after); at != held.end() && !page.more; ++at) {
    page.more = page.envelopes.size() == limit;
    if (!page.more) page.envelopes.push_back(at->second);
  }
  return page;
}

}  // namespace

void MemoryDatabase::keep_aside(std::uint64_t room_id, std::uint64_t seq, const std::string& envelope) {
  auto* row = living(room_id);
  if (row && row->room.held) held[room_id].try_emplace(seq, envelope);
}

std::unique_ptr<RetentionStore> memory_retention(std::shared_ptr<MemoryDatabase> database,
                                                 const Clock& clock) {
  return std::make_unique<MemoryRetentionStore>(std::move(database), clock);
}

}  // namespace parley::backend
