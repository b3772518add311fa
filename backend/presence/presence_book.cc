#include "backend/presence/presence_book.h"

#include <algorithm>

namespace parley::backend {

void PresenceBook::begin(const std::vector<PresenceRow>& shown, WallTime watched_at) {
  end();
  begun_ = true;
  for (const auto& row : shown) {
    users_[row.user] = User{.shown = row.status,
                            .invisible = row.invisible,
                            .last_connected = std::max(row.last_seen, watched_at)};
    count(row.status, 1);
  }
}

void PresenceBook::end() {
  begun_ = complete_ = false;
  users_.clear();
  counts_ = {};
  sessions_.clear();
  gone_.clear();
  due_.clear();
  stale_.clear();
}

void PresenceBook::complete(SteadyTime now) {
  complete_ = true;
  gone_.clear();
  std::vector<std::string> names;
  for (const auto& [name, user] : users_) names.push_back(name);
  for (const auto& name : names) {
    auto& user = users_[name];
    for (auto& [device, entry] : user.devices) judge_device(name, device, entry, now);
    judge(name, now);
  }
}

void PresenceBook::listed(const PresenceSession& session, SteadyTime now) {
  if (begun_ && !gone_.contains(session.number)) add(session, now);
}

void PresenceBook::connected(const PresenceSession& session, SteadyTime now) {
  if (begun_) add(session, now);
}

void PresenceBook::add(const PresenceSession& session, SteadyTime now) {
  if (!sessions_.emplace(session.number, std::pair(session.user, session.device)).second) return;
  auto& device = users_[session.user].devices[session.device];
  device.sessions.insert(session.number);
  judge_device(session.user, session.device, device, now);
  judge(session.user, now);
}

void PresenceBook::disconnected(std::uint64_t session, WallTime at, SteadyTime now) {
  if (!begun_) return;
  if (!complete_) gone_.insert(session);
  const auto known = sessions_.extract(session);
  if (!known) return;
  const auto& [user_name, device_name] = known.mapped();
  auto& user = users_[user_name];
  user.last_connected = at;
  auto& device = user.devices[device_name];
  device.sessions.erase(session);
  judge_device(user_name, device_name, device, now);
  judge(user_name, now);
}

void PresenceBook::status(const std::string& user, const std::string& name, std::string_view payload,
                          SteadyTime now) {
  if (!begun_) return;
  auto& device = users_[user].devices[name];
  if (payload.empty() && device.cleared > 0)
    --device.cleared;  // what was said since stands
  else
    device.says = read_device_status(payload);
  judge_device(user, name, device, now);
  judge(user, now);
}

void PresenceBook::set_invisible(const std::string& name, bool invisible, WallTime wall, SteadyTime now) {
  if (!begun_) return;
  auto& user = users_[name];
  if (std::exchange(user.invisible, invisible) == invisible) return drop_idle(name);
  if (fold(user) != PresenceStatus::offline || invisible) user.last_connected = wall;
  judge(name, now, true);
}

PresenceStatus PresenceBook::fold(const User& user) {
  if (user.invisible) return PresenceStatus::offline;
  bool any = false, all_away = true;
  for (const auto& [name, device] : user.devices) {
    if (device.sessions.empty()) continue;
    any = true;
    all_away = all_away && device.says == DeviceSays::away;
  }
  if (!any) return PresenceStatus::offline;
  return all_away ? PresenceStatus::away : PresenceStatus::online;
}

void PresenceBook::count(PresenceStatus status, std::int32_t by) {
  if (status == PresenceStatus::online) counts_.online += static_cast<std::uint32_t>(by);
  if (status == PresenceStatus::away) counts_.away += static_cast<std::uint32_t>(by);
}

// When what is wanted now is to be shown, if it differs from what is.
void PresenceBook::judge(const std::string& name, SteadyTime now, bool at_once) {
  if (!complete_) return;
  auto& user = users_[name];
  const auto wanted = fold(user);
  const bool turned = std::exchange(user.wanted, wanted) != wanted;
  if (wanted == user.shown)
    set_due(name, user, std::nullopt);
  else if (at_once || user.invisible)
    set_due(name, user, now);
  else if (turned || !user.due_at)
    set_due(name, user, now + (wanted == PresenceStatus::offline ? times_.leave_grace : times_.settle));
  drop_idle(name);
}

void PresenceBook::judge_device(const std::string& user, const std::string& name, Device& device,
                                SteadyTime now) {
  if (!complete_) return;
  const bool stale =
      device.sessions.empty() && (device.says == DeviceSays::online || device.says == DeviceSays::away);
  if (stale == device.stale_at.has_value()) return;
  if (stale)
    stale_.emplace(now + times_.leave_grace, user, name);
  else
    stale_.erase({*device.stale_at, user, name});
  device.stale_at = stale ? std::optional(now + times_.leave_grace) : std::nullopt;
}

void PresenceBook::set_due(const std::string& name, User& user, std::optional<SteadyTime> at) {
  if (user.due_at) due_.erase({*user.due_at, name});
  user.due_at = at;
  if (at) due_.emplace(*at, name);
}

// Keeps what tells more than that nobody is there.
void PresenceBook::drop_idle(const std::string& name) {
  const auto at = users_.find(name);
  auto& user = at->second;
  std::erase_if(user.devices, [](const auto& entry) {
    const auto& device = entry.second;
    const bool says = device.says == DeviceSays::online || device.says == DeviceSays::away;
    return device.sessions.empty() && !says && device.cleared == 0;
  });
  if (user.devices.empty() && user.shown == PresenceStatus::offline && !user.invisible && !user.due_at)
    users_.erase(at);
}

std::vector<PresenceRow> PresenceBook::due(SteadyTime now, WallTime wall, std::size_t most) const {
  std::vector<PresenceRow> rows;
  for (const auto& [at, name] : due_) {
    if (at > now || rows.size() >= most) break;
    const auto& user = users_.at(name);
    const bool here = user.wanted != PresenceStatus::offline;
    rows.push_back({.user = name,
                    .status = user.wanted,
                    .last_seen = here ? wall : user.last_connected,
                    .invisible = user.invisible});
  }
  return rows;
}

void PresenceBook::shown(const PresenceRow& row, SteadyTime now) {
  const auto at = users_.find(row.user);
  if (at == users_.end()) return;
  count(std::exchange(at->second.shown, row.status), -1);
  count(row.status, 1);
  judge(row.user, now);
}

std::vector<std::pair<std::string, std::string>> PresenceBook::take_stale(SteadyTime now, std::size_t most) {
  std::vector<std::pair<std::string, std::string>> taken;
  while (!stale_.empty() && std::get<0>(*stale_.begin()) <= now && taken.size() < most) {
    auto [at, user, name] = *stale_.begin();
    stale_.erase(stale_.begin());
    auto& device = users_[user].devices[name];
    device.stale_at.reset();
    device.says = DeviceSays::nothing;
    ++device.cleared;
    taken.emplace_back(std::move(user), std::move(name));
  }
  return taken;
}

std::optional<SteadyTime> PresenceBook::next_due() const {
  std::optional<SteadyTime> due;
  if (!due_.empty()) due = due_.begin()->first;
  if (!stale_.empty() && (!due || std::get<0>(*stale_.begin()) < *due)) due = std::get<0>(*stale_.begin());
  return due;
}

std::vector<DevicePresence> PresenceBook::devices(const std::string& user) const {
  std::vector<DevicePresence> all;
  const auto at = users_.find(user);
  if (at == users_.end()) return all;
  for (const auto& [name, device] : at->second.devices)
    all.push_back({name, !device.sessions.empty(), device.says});
  return all;
}

bool PresenceBook::invisible(const std::string& user) const {
  const auto at = users_.find(user);
  return at != users_.end() && at->second.invisible;
}

}  // namespace parley::backend
