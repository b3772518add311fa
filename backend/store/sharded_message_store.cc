#include "backend/store/sharded_message_store.h"

#include <algorithm>
#include <thread>

namespace parley::backend {

Result<FeedPosition> ShardedMessageStore::position() {
  auto whole = shards_.front()->position();
  for (std::size_t i = 1; whole && i < shards_.size(); ++i) {
    auto position = shards_[i]->position();
    if (!position) return position;
    if (whole->journal != position->journal) whole->journal += "|" + position->journal;
    whole->offset = std::min(whole->offset, position->offset);
    whole->generation = std::max(whole->generation, position->generation);
  }
  return whole;
}

// After an error some have begun and some not; position() tells it, and it is called again.
Result<> ShardedMessageStore::begin(std::uint64_t generation, const std::string& journal,
                                    std::optional<std::uint64_t> restart_at) {
  for (auto& shard : shards_)
    if (auto begun = shard->begin(generation, journal, restart_at); !begun) return begun;
  return {};
}

Result<std::vector<std::vector<wire::Record>>> ShardedMessageStore::split(
    std::span<const wire::Record> records) {
  std::vector<std::uint64_t> rooms;
  for (const auto& record : records) rooms.push_back(record.room_id);
  std::ranges::sort(rooms);
  auto twice = std::ranges::unique(rooms);
  rooms.erase(twice.begin(), twice.end());
  auto located = locate_(rooms);
  if (!located) return std::unexpected(located.error());
  std::vector<std::vector<wire::Record>> parts(shards_.size());
  for (const auto& record : records) parts[located->at(record.room_id)].push_back(record);
  return parts;
}

Result<StoreOutcome> ShardedMessageStore::store(std::uint64_t generation, std::uint64_t from,
                                                std::uint64_t to, std::span<const wire::Record> records) {
  auto parts = split(records);
  if (!parts) return std::unexpected(parts.error());
  std::vector<Result<StoreOutcome>> outcomes(shards_.size());
  {
    std::vector<std::jthread> others;
    auto store_part = [&](std::size_t i) {
      outcomes[i] = shards_[i]->store(generation, from, to, (*parts)[i]);
    };
    for (std::size_t i = 1; i < shards_.size(); ++i) others.emplace_back(store_part, i);
    store_part(0);
  }
  StoreOutcome whole;
  for (const auto& outcome : outcomes) {
    if (!outcome) return outcome;
    whole.stored += outcome->stored;
    whole.repeated += outcome->repeated;
    whole.orphaned += outcome->orphaned;
    whole.dropped += outcome->dropped;
    whole.quarantined += outcome->quarantined;
    whole.unnamed.insert(whole.unnamed.end(), outcome->unnamed.begin(), outcome->unnamed.end());
    whole.rewritten.insert(whole.rewritten.end(), outcome->rewritten.begin(), outcome->rewritten.end());
  }
  return whole;
}

Result<MessageStore*> ShardedMessageStore::shard_of(std::uint64_t room_id) {
  auto located = locate_({room_id});
  if (!located) return std::unexpected(located.error());
  return shards_[located->at(room_id)].get();
}

Result<Page> ShardedMessageStore::page(const PageQuery& query) {
  auto shard = shard_of(query.room_id);
  if (!shard) return std::unexpected(shard.error());
  return (*shard)->page(query);
}

Result<Page> ShardedMessageStore::thread(const ThreadQuery& query) {
  auto shard = shard_of(query.room_id);
  if (!shard) return std::unexpected(shard.error());
  return (*shard)->thread(query);
}

Result<std::map<Place, wire::Notes>> ShardedMessageStore::notes(std::span<const Place> messages) {
  std::vector<std::uint64_t> rooms;
  for (const auto& [room, seq] : messages) rooms.push_back(room);
  auto located = locate_(rooms);
  if (!located) return std::unexpected(located.error());
  std::vector<std::vector<Place>> parts(shards_.size());
  for (const auto& place : messages) parts[located->at(place.first)].push_back(place);
  std::map<Place, wire::Notes> whole;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (parts[i].empty()) continue;
    auto notes = shards_[i]->notes(parts[i]);
    if (!notes) return notes;
    whole.merge(*notes);
  }
  return whole;
}

Result<> ShardedMessageStore::block(const ErasedName& name) {
  for (auto& shard : shards_)
    if (auto blocked = shard->block(name); !blocked) return blocked;
  return {};
}

Result<EraseStep> ShardedMessageStore::erase_some(const ErasedUser& who, const ErasePlace& from,
                                                  const NoteRooms& note) {
  if (from.shard >= shards_.size()) return fail(Errc::invalid_argument, "There are not as many databases.");
  auto step = shards_[from.shard]->erase_some(who, from, note);
  if (!step) return step;
  step->next.shard = from.shard;
  if (!step->finished || from.shard + 1 == shards_.size()) return step;
  step->finished = false;
  step->next = {.shard = from.shard + 1};
  return step;
}

Result<std::uint64_t> ShardedMessageStore::last_seq(std::uint64_t room_id) {
  auto shard = shard_of(room_id);
  if (!shard) return std::unexpected(shard.error());
  return (*shard)->last_seq(room_id);
}

Result<std::uint64_t> ShardedMessageStore::message_count() {
  std::uint64_t whole = 0;
  for (auto& shard : shards_) {
    auto count = shard->message_count();
    if (!count) return count;
    whole += *count;
  }
  return whole;
}

}  // namespace parley::backend
