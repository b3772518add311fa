#include <algorithm>

#include "base/ids.h"
#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

class MemoryMessageStore final : public MessageStore {
 public:
  explicit MemoryMessageStore(std::shared_ptr<MemoryDatabase> database) : database_(std::move(database)) {}

  Result<FeedPosition> position() override {
    std::lock_guard lock(database_->mutex);
    return database_->position;
  }
  Result<> begin(std::uint64_t generation, const std::string& journal,
                 std::optional<std::uint64_t> restart_at) override;
  Result<StoreOutcome> store(std::uint64_t generation, std::uint64_t from, std::uint64_t to,
                             std::span<const wire::Record> records) override;
  Result<Page> page(const PageQuery& query) override;
  Result<std::uint64_t> last_seq(std::uint64_t room_id) override {
    std::lock_guard lock(database_->mutex);
    return last_seq_of(room_id);
  }
  Result<std::uint64_t> message_count() override;

 private:
  void add(const wire::Record& record, StoreOutcome& outcome);
  void set_aside(const wire::Record& record, MemoryDatabase::RoomRow& row, StoreOutcome& outcome);
  std::uint64_t last_seq_of(std::uint64_t room_id) const {
    auto row = database_->rooms.find(room_id);
    return row == database_->rooms.end() || row->second.deleted ? 0 : row->second.room.last_seq;
  }

  std::shared_ptr<MemoryDatabase> database_;
};

Result<> MemoryMessageStore::begin(std::uint64_t generation, const std::string& journal,
                                   std::optional<std::uint64_t> restart_at) {
  std::lock_guard lock(database_->mutex);
  auto& position = database_->position;
  bool same = position.journal == journal;
  if (same && generation < position.generation)
    return fail(Errc::permission_denied, "A newer one has begun.");
  if (!same && !restart_at && !position.journal.empty())
    return fail(Errc::invalid_argument, "Another journal is followed.");
  position = {journal, restart_at.value_or(position.offset), generation};
  return {};
}

Result<StoreOutcome> MemoryMessageStore::store(std::uint64_t generation, std::uint64_t from, std::uint64_t to,
                                               std::span<const wire::Record> records) {
  std::lock_guard lock(database_->mutex);
  auto& position = database_->position;
  if (generation < position.generation) return fail(Errc::permission_denied, "A newer one has begun.");
  if (from > position.offset || to < from) return fail(Errc::invalid_argument, "There is a hole.");
  StoreOutcome outcome;
  for (const auto& record : records) add(record, outcome);
  position.offset = std::max(position.offset, to);
  position.generation = generation;
  return outcome;
}

void MemoryMessageStore::add(const wire::Record& record, StoreOutcome& outcome) {
  auto [at, unknown] = database_->rooms.try_emplace(record.room_id);
  auto& row = at->second;
  if (unknown) row = {.room = {.id = record.room_id}, .orphaned = true};
  if (row.deleted) {
    ++outcome.dropped;
    return;
  }
  auto& messages = database_->messages[record.room_id];
  auto standing = messages.find(record.seq);
  if (standing != messages.end() && standing->second.id == record.id) {
    ++outcome.repeated;
  } else if (standing != messages.end() || row.room.quarantined) {
    set_aside(record, row, outcome);
  } else {
    messages[record.seq] = {record.id, std::string(record.envelope)};
    row.room.last_seq = std::max(row.room.last_seq, record.seq);
    ++outcome.stored;
    outcome.orphaned += row.orphaned;
  }
}

void MemoryMessageStore::set_aside(const wire::Record& record, MemoryDatabase::RoomRow& row,
                                   StoreOutcome& outcome) {
  row.room.quarantined = true;
  auto [at, added] =
      database_->quarantine[record.room_id].try_emplace({record.seq, record.id}, record.envelope);
  ++(added ? outcome.quarantined : outcome.repeated);
}

Result<Page> MemoryMessageStore::page(const PageQuery& query) {
  std::lock_guard lock(database_->mutex);
  Page page{.through = last_seq_of(query.room_id)};
  if (page.through == 0) return page;
  std::vector<std::string> wanted;  // in the direction asked for
  for (const auto& [seq, message] : database_->messages[query.room_id]) {
    if (query.after ? seq > *query.after : !query.before || seq < *query.before)
      wanted.push_back(message.envelope);
  }
  if (!query.after) std::ranges::reverse(wanted);
  std::size_t bytes = 0;
  for (auto& envelope : wanted) {
    bytes += envelope.size();
    page.more = page.envelopes.size() == query.limit || (bytes > query.max_bytes && !page.envelopes.empty());
    if (page.more) break;
    page.envelopes.push_back(std::move(envelope));
  }
  if (!query.after) std::ranges::reverse(page.envelopes);
  return page;
}

Result<std::uint64_t> MemoryMessageStore::message_count() {
  std::lock_guard lock(database_->mutex);
  std::uint64_t count = 0;
  for (const auto& [room_id, messages] : database_->messages)
    if (!database_->rooms[room_id].deleted) count += messages.size();
  return count;
}

}  // namespace

std::unique_ptr<MessageStore> memory_messages(std::shared_ptr<MemoryDatabase> database) {
  return std::make_unique<MemoryMessageStore>(std::move(database));
}

}  // namespace parley::backend
