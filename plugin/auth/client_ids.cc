#include "plugin/auth/client_ids.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/encoding.h"
#include "wire/names.h"

namespace parley::plugin {
namespace {

constexpr std::chrono::seconds kOnDiskBy{40};  // what was written is with the disk by then, as kernels go
constexpr int kLapsedDroppedAtOnce = 64;       // of a flood that lapses together; the rest at the next calls
constexpr int kCopiedAtOnce = 32;              // entries a call goes through while the log is rotated
constexpr std::chrono::seconds kDiskRetry{10};

}  // namespace

Result<std::unique_ptr<ClientIds>> ClientIds::open(const std::filesystem::path& dir, ClientIdOptions options,
                                                   WallTime now, LogSink log) {
  auto opened = ClientIdLog::open(dir, now);
  if (!opened) return std::unexpected(opened.error());
  if (opened->cut_bytes > 0) {
    log(LogLevel::warning,
        "client ids: the log in " + dir.string() + " was damaged; " + std::to_string(opened->cut_bytes) +
            " bytes were cut off, " + std::to_string(opened->held.size()) +
            " ids kept. Ids of sleeping sessions that were cut off can be claimed by anyone.");
  }
  std::unique_ptr<ClientIds> ids(new ClientIds(options, std::move(log), std::move(opened->log)));
  ids->restore(std::move(opened->held), now);
  return ids;
}

ClientIds::ClientIds(ClientIdOptions options, LogSink log, std::unique_ptr<ClientIdLog> disk)
    : options_(options), log_(std::move(log)), disk_(std::move(disk)) {}

void ClientIds::restore(std::vector<ClientIdLog::Held> held, WallTime now) {
  // By id too, so that the order is the same whatever order a hash table gave.
  std::ranges::sort(held, {}, [](const ClientIdLog::Held& each) { return std::tie(each.since_ms, each.id); });
  for (const ClientIdLog::Held& each : held) {
    Slot slot = add(each.id, each.user);
    Entry& entry = entries_[slot];
    entry.persistent = true;
    entry.offline_since = from_ms(each.since_ms);
    entry.place = offline_.insert(offline_.end(), slot);
  }
  drop_lapsed(now);
}

ClientIds::Claim ClientIds::claim(std::string_view client_id, std::string_view user, bool persistent,
                                  WallTime now) {
  if (!wire::valid_name(client_id)) return Claim::illegal;
  drop_lapsed(now);
  std::optional<Slot> slot = find_live(client_id, now);
  if (slot && entries_[*slot].user->first != user) return Claim::owned_by_other;
  if (!slot) {
    if (!make_room(user)) return Claim::quota;
    slot = add(client_id, user);
  } else if (entries_[*slot].connections == 0) {
    offline_.erase(entries_[*slot].place);
  }
  go_online(entries_[*slot], client_id, persistent);
  tend_log(now);
  return Claim::ok;
}

void ClientIds::go_online(Entry& entry, std::string_view client_id, bool persistent) {
  ++entry.connections;
  entry.forgotten = false;
  if (entry.id != client_id) entry.other_spellings = true;
  if (persistent) {
    bool known_on_disk = entry.persistent && entry.connections > 1;
    entry.persistent = true;
    if (!known_on_disk) write_held(entry);
  } else if (entry.persistent && !entry.other_spellings) {
    write_dropped(entry);  // a clean session ends the one that slept under this id
    entry.persistent = false;
  } else if (entry.persistent && entry.connections == 1) {
    write_held(entry);
  }
}

void ClientIds::released(std::string_view client_id, std::string_view user, WallTime now) {
  auto it = by_id_.find(fold_case(client_id));
  if (it == by_id_.end()) return;
  Entry& entry = entries_[it->second];
  if (entry.user->first != user || entry.connections == 0 || --entry.connections > 0) return;
  go_offline(it->second, now);
  drop_lapsed(now);
  tend_log(now);
}

void ClientIds::go_offline(Slot slot, WallTime now) {
  Entry& entry = entries_[slot];
  entry.offline_since = now;
  entry.place = offline_.insert(offline_.end(), slot);
  if (entry.persistent && !entry.forgotten) {
    write_held(entry);
  } else {
    rotation_due_ = rotation_due_ || entry.forgotten;
    remove(slot);
  }
}

void ClientIds::forget(std::string_view client_id, std::string_view user) {
  auto it = by_id_.find(fold_case(client_id));
  if (it == by_id_.end() || entries_[it->second].user->first != user) return;
  if (entries_[it->second].connections > 0)
    entries_[it->second].forgotten = true;
  else
    remove(it->second);
}

void ClientIds::forget_user(std::string_view user) {
  if (const auto owner = by_user_.find(user); owner != by_user_.end()) {
    const auto slots = owner->second;
    for (const Slot slot : slots) {
      if (entries_[slot].connections > 0)
        entries_[slot].forgotten = true;
      else
        remove(slot);
    }
  }
  rotation_due_ = true;
}

std::optional<std::string_view> ClientIds::owner(std::string_view client_id, WallTime now) {
  std::optional<Slot> slot = find_live(client_id, now);
  if (!slot) return std::nullopt;
  return entries_[*slot].user->first;
}

std::optional<ClientIds::Slot> ClientIds::find_live(std::string_view client_id, WallTime now) {
  auto it = by_id_.find(fold_case(client_id));
  if (it == by_id_.end()) return std::nullopt;
  if (!lapsed(entries_[it->second], now)) return it->second;
  remove(it->second);
  return std::nullopt;
}

bool ClientIds::lapsed(const Entry& entry, WallTime now) const {
  return entry.connections == 0 && now - entry.offline_since >= options_.hold;
}

void ClientIds::drop_lapsed(WallTime now) {
  for (int i = 0; i < kLapsedDroppedAtOnce; ++i) {
    if (offline_.empty() || !lapsed(entries_[offline_.front()], now)) return;
    remove(offline_.front());
  }
}

// False when neither the user nor, at the whole's bound, anybody has an id to give up.
bool ClientIds::make_room(std::string_view user) {
  auto it = by_user_.find(user);
  if (it != by_user_.end() && it->second.size() >= options_.per_user_max) {
    std::optional<Slot> oldest = longest_offline(it->second);
    if (!oldest) return false;
    remove(*oldest);
    ++given_up_;
  }
  if (by_id_.size() < options_.total_max) return true;
  if (offline_.empty()) return false;
  remove(offline_.front());
  ++given_up_;
  return true;
}

std::optional<ClientIds::Slot> ClientIds::longest_offline(const std::vector<Slot>& slots) const {
  std::optional<Slot> oldest;
  for (Slot slot : slots) {
    const Entry& entry = entries_[slot];
    if (entry.connections > 0) continue;
    if (!oldest || entry.offline_since < entries_[*oldest].offline_since) oldest = slot;
  }
  return oldest;
}

ClientIds::Slot ClientIds::add(std::string_view client_id, std::string_view user) {
  Slot slot = static_cast<Slot>(entries_.size());
  if (free_.empty()) {
    entries_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  auto owner = by_user_.find(user);
  if (owner == by_user_.end()) owner = by_user_.emplace(std::string(user), std::vector<Slot>{}).first;
  owner->second.push_back(slot);
  Entry& entry = entries_[slot];
  entry.id = client_id;
  entry.key = &by_id_.emplace(fold_case(client_id), slot).first->first;
  entry.user = &*owner;
  return slot;
}

// The entry must be offline.
void ClientIds::remove(Slot slot) {
  Entry& entry = entries_[slot];
  if (entry.persistent) write_dropped(entry);
  offline_.erase(entry.place);
  std::erase(entry.user->second, slot);
  if (entry.user->second.empty()) by_user_.erase(by_user_.find(entry.user->first));
  by_id_.erase(by_id_.find(*entry.key));
  entry = Entry{};
  free_.push_back(slot);
}

void ClientIds::write_held(const Entry& entry) {
  std::int64_t since_ms = entry.connections > 0 ? 0 : to_ms(entry.offline_since);
  note_write(disk_->put({entry.id, entry.user->first, since_ms}));
}

void ClientIds::write_dropped(const Entry& entry) {
  note_write(disk_->drop(entry.id));
}

void ClientIds::note_write(const Result<>& result) {
  if (result) return;
  ++write_errors_;
  if (disk_behind_) return;
  disk_behind_ = true;
  log_(LogLevel::error, "client ids: can't write the log, its newest claims would not survive a crash: " +
                            result.error().message);
}

bool ClientIds::wants_rotation(WallTime now) const {
  if (disk_behind_) return std::chrono::abs(now - last_rotation_try_) >= kDiskRetry;
  if (rotation_due_ || (drop_old_log_at_ && now >= *drop_old_log_at_)) return !disk_->rotating();
  return !disk_->rotating() &&
         disk_->size() >= std::max(options_.log_rotate_bytes, 2 * disk_->compacted_size());
}

void ClientIds::tend_log(WallTime now) {
  if (wants_rotation(now)) {
    last_rotation_try_ = now;
    bool was_behind = std::exchange(disk_behind_, false);
    Result<> begun = disk_->begin_rotation();
    if (!begun) {
      disk_behind_ = was_behind;
      note_write(begun);
      return;
    }
    copied_ = 0;
    drop_old_log_at_.reset();
    if (std::exchange(rotation_due_, false)) drop_old_log_at_ = now + kOnDiskBy;
  }
  if (!disk_->rotating() || disk_behind_) return;
  for (int i = 0; i < kCopiedAtOnce && copied_ < entries_.size(); ++i, ++copied_) {
    if (entries_[copied_].persistent && !entries_[copied_].forgotten) write_held(entries_[copied_]);
  }
  if (copied_ == entries_.size() && !disk_behind_) disk_->end_rotation();
}

}  // namespace parley::plugin
