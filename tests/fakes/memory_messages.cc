#include <algorithm>

#include "backend/store/erase_rows.h"
#include "backend/store/notes_rows.h"
#include "base/encoding.h"
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
  Result<Page> thread(const ThreadQuery& query) override;
  Result<std::map<Place, wire::Notes>> notes(std::span<const Place> messages) override;
  Result<> block(const ErasedName& name) override {
    std::lock_guard lock(database_->mutex);
    database_->erased_names.try_emplace(name.digest, name);
    return {};
  }
  Result<EraseStep> erase_some(const ErasedUser& who, const ErasePlace& from, const NoteRooms& note) override;
  Result<std::uint64_t> last_seq(std::uint64_t room_id) override {
    std::lock_guard lock(database_->mutex);
    return last_seq_of(room_id);
  }
  Result<std::uint64_t> message_count() override;

 private:
  void add(const wire::Record& record, StoreOutcome& outcome);
  void insert(const wire::Record& record, MemoryDatabase::RoomRow& row);
  void write_down(const BatchLinks::Effects& effects);
  static ErasableRow erasable(Place place, const MemoryDatabase::MessageRow& row);
  void write_erased(Place place, const ErasedRow& erased, const std::string& key,
                    BatchLinks::Effects& effects);
  void erase(BatchLinks::Place place, const wire::Deletion& deletion);
  std::vector<std::pair<BatchLinks::Reaction, std::uint64_t>> in_order(Place place) const;
  std::optional<wire::Target> target_at(BatchLinks::Place place) const;
  void set_aside(const wire::Record& record, MemoryDatabase::RoomRow& row, StoreOutcome& outcome);
  Page empty_page(std::uint64_t room_id) const {
    const auto last_seq = last_seq_of(room_id);
    if (last_seq == 0) return {};
    return {.through = last_seq, .expired = database_->rooms.at(room_id).room.expired};
  }
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
  ErasedNames names;
  std::vector<ErasedName> all;
  for (const auto& [digest, name] : database_->erased_names) all.push_back(name);
  names.load(all);
  const auto unnamed = names.unnamed(records);
  for (const auto& record : unnamed ? std::span<const wire::Record>(unnamed->records) : records)
    add(record, outcome);
  tell_unnamed(unnamed, outcome);
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
  if (record.seq <= row.room.expired) {
    ++outcome.repeated;
    return;
  }
  auto& messages = database_->messages[record.room_id];
  auto standing = messages.find(record.seq);
  if (standing != messages.end() && standing->second.id == record.id) {
    ++outcome.repeated;
  } else if (standing != messages.end() || row.room.quarantined) {
    set_aside(record, row, outcome);
  } else {
    insert(record, row);
    ++outcome.stored;
    outcome.orphaned += row.orphaned;
    if (row.room.rewritten == record.seq) outcome.rewritten.push_back(record.room_id);
  }
}

// One entry at a time.
void MemoryMessageStore::insert(const wire::Record& record, MemoryDatabase::RoomRow& row) {
  BatchLinks links([this](BatchLinks::Place place) { return target_at(place); });
  const auto entry = wire::read_entry(record);
  auto linked = links.add(record.room_id, record.envelope, entry, row.room.expired);
  row.room.last_seq = std::max(row.room.last_seq, record.seq);
  row.room.counted += entry.countable();
  if (entry.message()) row.room.last_message = std::max(row.room.last_message, record.seq);
  MemoryDatabase::MessageRow message{.id = record.id,
                                     .envelope = std::string(record.envelope),
                                     .sender = std::string(record.from),
                                     .type = std::string(record.type),
                                     .at_ms = record.at_ms,
                                     .links = linked,
                                     .counted = row.room.counted};
  if (!linked.envelope.empty()) {
    database_->keep_aside(record.room_id, record.seq, message.envelope);
    message.envelope = linked.envelope;
    message.deletion = linked.deleted == record.seq
                           ? wire::Deletion{.seq = record.seq, .at_ms = record.at_ms, .by = message.sender}
                           : target_at({record.room_id, entry.target})->deletion;
  }
  database_->messages[record.room_id][record.seq] = std::move(message);
  write_down(links.effects());
}

std::optional<wire::Target> MemoryMessageStore::target_at(BatchLinks::Place place) const {
  const auto& messages = database_->messages[place.first];
  auto at = messages.find(place.second);
  if (at == messages.end()) return std::nullopt;
  const auto& row = at->second;
  return wire::Target{.seq = place.second,
                      .from = row.sender,
                      .message = wire::is_message(row.type),
                      .thread = row.links.thread,
                      .deletion = row.deletion};
}

void MemoryMessageStore::write_down(const BatchLinks::Effects& effects) {
  for (const auto& [place, seq] : effects.edits) database_->edits[place] = seq;
  for (const auto& [reaction, seq] : effects.reactions) {
    if (seq == 0)
      database_->reactions.erase(reaction);
    else
      database_->reactions[reaction] = seq;
  }
  for (const auto& [place, replies] : effects.replies) {
    auto& thread = database_->threads[place];
    thread.replies += replies.added;
    thread.last_seq = replies.last_seq;
  }
  for (const auto& [place, name] : effects.mentions)
    database_->mentions[place.first][name].insert(place.second);
  for (const auto& [place, deletion] : effects.deletions) erase(place, deletion);
  for (const auto& [place, root] : effects.lost_replies) {
    auto& thread = database_->threads[{place.first, root}] = {};
    for (const auto& [seq, row] : database_->messages[place.first]) {
      if (row.links.thread == root && row.links.deleted == 0) thread = {thread.replies + 1, seq};
    }
  }
  for (const auto& [room_id, seq] : effects.rewritten) database_->rooms[room_id].room.rewritten = seq;
  for (const auto& [room_id, seq] : effects.annotated) {
    auto& highest = database_->rooms[room_id].room.annotated;
    highest = std::max(highest, seq);
  }
}

void MemoryMessageStore::erase(BatchLinks::Place place, const wire::Deletion& deletion) {
  for (auto& [seq, row] : database_->messages[place.first]) {
    const bool said_of_it = row.links.target == place.second && seq > place.second &&
                            (row.type == "edit" || row.type == "reaction");
    if (seq != place.second && (!said_of_it || row.links.deleted != 0)) continue;
    if (row.links.deleted == 0) database_->keep_aside(place.first, seq, row.envelope);
    row.envelope = wire::erased(row.envelope, deletion, row.links.thread);
    row.links.deleted = deletion.seq;
    row.deletion = deletion;
  }
  database_->edits.erase(place);
  std::erase_if(database_->reactions, [&](const auto& reaction) {
    return std::get<0>(reaction.first) == place.first && std::get<1>(reaction.first) == place.second;
  });
  for (auto& [name, seqs] : database_->mentions[place.first]) seqs.erase(place.second);
}

void MemoryMessageStore::set_aside(const wire::Record& record, MemoryDatabase::RoomRow& row,
                                   StoreOutcome& outcome) {
  row.room.quarantined = true;
  auto [at, added] =
      database_->quarantine[record.room_id].try_emplace({record.seq, record.id}, record.envelope);
  ++(added ? outcome.quarantined : outcome.repeated);
}

// All of it in one step.
Result<EraseStep> MemoryMessageStore::erase_some(const ErasedUser& who, const ErasePlace&,
                                                 const NoteRooms& note) {
  const auto of = only(who.user, who.pseudonym);
  std::map<Place, ErasedRow> erased;
  EraseStep step{.finished = true};
  std::unique_lock lock(database_->mutex);
  for (const auto& [room, messages] : database_->messages)
    for (const auto& [seq, row] : messages)
      if (auto after = erase_row(erasable({room, seq}, row), of)) {
        if (database_->rooms[room].room.held)
          step.held = true;
        else
          erased.emplace(Place{room, seq}, *after);
      }
  for (const auto& [place, after] : erased)
    if (step.rooms.empty() || step.rooms.back() != place.first) step.rooms.push_back(place.first);
  step.changed = erased.size();
  lock.unlock();
  if (!step.rooms.empty())
    if (auto noted = note(step.rooms); !noted) return std::unexpected(noted.error());
  lock.lock();
  BatchLinks::Effects effects;
  for (const auto& [place, after] : erased) write_erased(place, after, fold_case(who.user), effects);
  write_down(effects);
  for (const auto room : step.rooms) database_->rooms[room].room.rewritten += kErasedOnce;
  return step;
}

ErasableRow MemoryMessageStore::erasable(Place place, const MemoryDatabase::MessageRow& row) {
  return {.place = place,
          .at_ms = row.at_ms,
          .sender = row.sender,
          .type = row.type,
          .ref = "",
          .flags = 0,
          .target = row.links.target,
          .thread = row.links.thread,
          .deleted = row.links.deleted,
          .envelope = row.envelope};
}

void MemoryMessageStore::write_erased(Place place, const ErasedRow& erased, const std::string& key,
                                      BatchLinks::Effects& effects) {
  auto& row = database_->messages[place.first][place.second];
  add_effects(erasable(place, row), erased, effects);
  if (!erased.after.own) {
    database_->mentions[place.first][key].erase(place.second);
  } else if (row.type == "reaction") {
    std::erase_if(database_->reactions, [&](const auto& reaction) {
      return Place{std::get<0>(reaction.first), std::get<1>(reaction.first)} ==
                 Place{place.first, row.links.target} &&
             std::get<3>(reaction.first) == row.sender;
    });
  }
  row.sender = erased.after.from;
  row.type = erased.after.type;
  row.envelope = erased.after.envelope;
  if (erased.loses_content) row.links.deleted = place.second;
}

Result<Page> MemoryMessageStore::page(const PageQuery& query) {
  std::lock_guard lock(database_->mutex);
  auto page = empty_page(query.room_id);
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

Result<Page> MemoryMessageStore::thread(const ThreadQuery& query) {
  std::lock_guard lock(database_->mutex);
  auto page = empty_page(query.room_id);
  const auto& messages = database_->messages[query.room_id];
  auto root = messages.find(query.root);
  if (page.through == 0 || (root != messages.end() && !wire::is_message(root->second.type))) return page;
  std::size_t bytes = 0;
  for (const auto& [seq, row] : messages) {
    if (seq <= query.after || (seq != query.root && row.links.thread != query.root)) continue;
    bytes += row.envelope.size();
    page.more = page.envelopes.size() == query.limit || (bytes > query.max_bytes && !page.envelopes.empty());
    if (page.more) break;
    page.envelopes.push_back(row.envelope);
  }
  return page;
}

Result<std::map<Place, wire::Notes>> MemoryMessageStore::notes(std::span<const Place> messages) {
  std::lock_guard lock(database_->mutex);
  NotesRows rows;
  for (const auto& place : messages) {
    if (auto edit = database_->edits.find(place); edit != database_->edits.end()) {
      const auto& row = database_->messages[place.first][edit->second];
      rows.edit(place, edit->second, row.at_ms, row.envelope);
    }
    if (auto thread = database_->threads.find(place); thread != database_->threads.end())
      rows.thread(place, thread->second.replies, thread->second.last_seq);
    for (const auto& [reaction, seq] : in_order(place)) {
      const auto& [room, target, key, user] = reaction;
      rows.reaction(place, key, user, 1);
    }
  }
  return std::move(rows).finish();
}

// The reactions to one message that stand, by seq.
std::vector<std::pair<BatchLinks::Reaction, std::uint64_t>> MemoryMessageStore::in_order(Place place) const {
  std::vector<std::pair<BatchLinks::Reaction, std::uint64_t>> all;
  for (const auto& [reaction, seq] : database_->reactions) {
    if (Place{std::get<0>(reaction), std::get<1>(reaction)} == place) all.emplace_back(reaction, seq);
  }
  std::ranges::sort(all, {}, [](const auto& one) { return one.second; });
  return all;
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
