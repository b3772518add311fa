#include "plugin/directory/directory.h"

#include <string>
#include <vector>

namespace parley::plugin {
namespace {

void add(Effects& effects, Effect::Kind kind, Effect::Reason reason, std::string_view name) {
  effects.push_back({kind, reason, std::string(name)});
}

void kick_user(Effects& effects, Effect::Reason reason, std::string_view name) {
  add(effects, Effect::Kind::kick_user, reason, name);
}

}  // namespace

std::string_view reason_name(Effect::Reason reason) {
  switch (reason) {
    case Effect::Reason::disabled:
      return "disabled";
    case Effect::Reason::password_changed:
      return "password changed";
    case Effect::Reason::admin_lost:
      return "no longer an administrator";
    case Effect::Reason::removed:
      return "removed from a room";
    case Effect::Reason::banned:
      return "banned from a room";
    case Effect::Reason::gone:
      return "gone";
    case Effect::Reason::token_changed:
      return "token changed";
  }
  return "";
}

Directory::Directory(std::size_t provisional_users_max)
    : key_(HashKey::random()),
      users_(key_),
      tokens_(key_),
      rooms_(key_),
      members_(key_),
      provisional_(key_, provisional_users_max) {}

Result<> Directory::apply(const wire::DirectoryChange& change, Effects& effects) {
  if (auto ok = check_change(*this, change); !ok) return ok;
  std::visit([&](const auto& c) { put(c, effects); }, change);
  return {};
}

Result<> Directory::check(std::span<const wire::DirectoryChange> changes) const {
  return check_changes(*this, changes);
}

void Directory::put(const wire::UserPut& c, Effects& effects) {
  if (const std::string_view provisional = provisional_.find_any_case(c.name); !provisional.empty()) {
    if (provisional != c.name) kick_user(effects, Effect::Reason::gone, provisional);
    provisional_.remove(c.name);
  }
  const auto known = users_.find_any_case(c.name);
  const UserRef ref = known ? *known : users_.add(c.name);
  const UserView old = users_.view(ref);
  const std::string_view old_scram = users_.scram(ref);
  if (c.disabled && !old.disabled) {
    kick_user(effects, Effect::Reason::disabled, c.name);
  } else if (!old_scram.empty() && old_scram != c.scram) {
    kick_user(effects, Effect::Reason::password_changed, c.name);
  } else if (old.admin && !c.admin) {
    kick_user(effects, Effect::Reason::admin_lost, c.name);
  }
  users_.set(ref, c.admin, c.disabled, c.scram);
}

void Directory::put(const wire::TokenPut& c, Effects& effects) {
  const UserRef user = *users_.find_any_case(c.user);
  if (const TokenTable::Entry* old = tokens_.find_id(c.id)) {
    if (old->user == user && old->secret() == c.sha256 && old->expires_ms == c.expires_ms) return;
    add(effects, Effect::Kind::kick_token, Effect::Reason::token_changed, c.id);
  }
  tokens_.put(c.id, c.sha256, user, c.expires_ms);
}

void Directory::put(const wire::TokenDrop& c, Effects& effects) {
  if (tokens_.drop(c.id)) add(effects, Effect::Kind::kick_token, Effect::Reason::gone, c.id);
}

void Directory::put(const wire::RoomPut& c, Effects&) {
  rooms_.put(c.id, c.name, c.kind, c.epoch, c.last_seq, c.slow_s);
}

void Directory::put(const wire::RoomDrop& c, Effects&) {
  if (const auto room = rooms_.find(c.id)) mutes_.drop(room->ref);
  rooms_.drop(c.id);
}

void Directory::put(const wire::MutePut& c, Effects&) {
  const auto room = rooms_.find(c.room);
  const auto user = find_user(c.user);
  if (!room || !user || user->ref == kNoUser) return;  // nothing to take away, say the rules
  mutes_.set(user->ref, room->ref, c.until_ms);
}

void Directory::put(const wire::NameBlock& c, Effects& effects) {
  blocks_.add(c.salt, c.digest);
  std::vector<std::string> gone;
  provisional_.for_each([&](std::string_view name) {
    if (blocks_.contains(name)) gone.emplace_back(name);
  });
  for (const auto& name : gone) {
    kick_user(effects, Effect::Reason::gone, name);
    provisional_.remove(name);
  }
}

void Directory::put(const wire::MemberPut& c, Effects& effects) {
  const auto room = rooms_.find(c.room);
  const auto user = find_user(c.user);
  if (!room || !user || user->ref == kNoUser) return;  // a removal, say the rules
  const Standing old = members_.find(user->ref, room->ref);
  const Standing now{c.role, c.banned};
  if (old == now) return;
  const bool any_dropped = rooms_.any_dropped();
  members_.set(user->ref, room->ref, now, [&](RoomRef r) { return any_dropped && rooms_.dropped(r); });
  const bool was_in = old.role != wire::Role::none, is_in = now.role != wire::Role::none;
  rooms_.add_members(room->ref, static_cast<int>(is_in) - static_cast<int>(was_in));
  if (now.banned) {
    kick_user(effects, Effect::Reason::banned, c.user);
  } else if (was_in && !is_in) {
    kick_user(effects, Effect::Reason::removed, c.user);
  }
}

UserKey Directory::begin(std::string_view user) const {
  const UserKey key{user, users_.hash(user)};
  users_.prefetch(key.hash);
  return key;
}

Place Directory::find(const UserKey& user, std::string_view room) const {
  const std::uint64_t room_hash = rooms_.hash(room);
  rooms_.prefetch(room_hash);
  const UserRef likely_user = users_.likely(user.hash);
  const RoomRef likely_room = rooms_.likely(room_hash);
  if (likely_user != kNoUser && likely_room != kNoRoom) members_.prefetch(likely_user, likely_room);
  Place place{.user = find_user(user), .room = rooms_.find(room, room_hash)};
  if (place.user && place.room) place.standing = standing(place.user->ref, place.room->ref);
  return place;
}

std::optional<UserView> Directory::find_user(const UserKey& user) const {
  if (const auto ref = users_.find(user.name, user.hash)) return users_.view(*ref);
  const std::string_view provisional = provisional_.find_any_case(user.name);
  if (provisional.empty() || provisional != user.name) return std::nullopt;
  return UserView{.name = provisional, .provisional = true};
}

std::optional<UserView> Directory::find_user(std::string_view name) const {
  return find_user(begin(name));
}

std::optional<UserView> Directory::find_account(std::string_view name) const {
  const auto ref = users_.find(name);
  if (!ref) return std::nullopt;
  return users_.view(*ref);
}

std::optional<UserView> Directory::find_user_any_case(std::string_view name) const {
  if (const auto ref = users_.find_any_case(name)) return users_.view(*ref);
  const std::string_view provisional = provisional_.find_any_case(name);
  if (provisional.empty()) return std::nullopt;
  return UserView{.name = provisional, .provisional = true};
}

Result<> Directory::add_provisional(std::string_view name) {
  if (!wire::valid_name(name)) return fail(Errc::invalid_argument, "This is not a legal user name.");
  if (const auto user = find_user_any_case(name)) {
    if (user->provisional && user->name == name) return {};
    return fail(Errc::already_exists, "This user name is taken.");
  }
  if (name_blocked(name)) return fail(Errc::already_exists, "This name was an erased user's.");
  if (!provisional_.add(name)) return fail(Errc::unavailable, "Too many new users wait for the backend.");
  return {};
}

void Directory::take_provisional(Directory& other, Effects& effects) {
  other.provisional_.for_each([&](std::string_view name) {
    const auto user = find_user_any_case(name);
    if (user ? user->name != name : name_blocked(name) || !provisional_.add(name))
      kick_user(effects, Effect::Reason::gone, name);
  });
}

TokenView Directory::token_view(const TokenTable::Entry& entry) const {
  return {.id = entry.id.view(),
          .user = entry.user,
          .user_name = users_.view(entry.user).name,
          .sha256 = entry.secret(),
          .expires_ms = entry.expires_ms};
}

std::optional<TokenView> Directory::find_token(std::string_view sha256) const {
  const TokenTable::Entry* entry = tokens_.find(sha256);
  if (!entry) return std::nullopt;
  return token_view(*entry);
}

std::optional<TokenView> Directory::find_token_by_id(std::string_view id) const {
  const TokenTable::Entry* entry = tokens_.find_id(id);
  if (!entry) return std::nullopt;
  return token_view(*entry);
}

void Directory::for_each_token(const std::function<void(const TokenView&)>& visit) const {
  tokens_.for_each([&](const TokenTable::Entry& entry) { visit(token_view(entry)); });
}

void Directory::for_each_member(const std::function<void(UserRef, RoomRef, Standing)>& visit) const {
  const bool any_dropped = rooms_.any_dropped();
  members_.for_each([&](UserRef user, RoomRef room, Standing standing) {
    if (!any_dropped || !rooms_.dropped(room)) visit(user, room, standing);
  });
}

void Directory::for_each_change(const std::function<void(const wire::DirectoryChange&)>& visit) const {
  for_each_user([&](const UserView& u) {
    visit(wire::UserPut{std::string(u.name), u.admin, u.disabled, std::string(scram(u.ref))});
  });
  for_each_token([&](const TokenView& t) {
    visit(wire::TokenPut{std::string(t.id), std::string(t.user_name), std::string(t.sha256), t.expires_ms});
  });
  for_each_room([&](const RoomView& r) {
    visit(wire::RoomPut{r.id, std::string(r.name), r.kind, std::string(r.epoch), r.last_seq, r.slow_s});
  });
  for_each_member([&](UserRef user, RoomRef room, Standing s) {
    visit(wire::MemberPut{rooms_.view(room).id, std::string(users_.view(user).name), s.role, s.banned});
  });
  mutes_.for_each([&](UserRef user, RoomRef room, std::int64_t until_ms) {
    visit(wire::MutePut{rooms_.view(room).id, std::string(users_.view(user).name), until_ms});
  });
  blocks_.for_each([&](const std::string& salt, const std::string& digest) {
    visit(wire::NameBlock{salt, digest});
  });
}

std::size_t Directory::memory_bytes() const {
  return users_.memory_bytes() + tokens_.memory_bytes() + rooms_.memory_bytes() + members_.memory_bytes() +
         mutes_.memory_bytes() + blocks_.memory_bytes();
}

std::optional<std::string_view> Directory::user_spelling(std::string_view name) const {
  const auto ref = users_.find_any_case(name);
  if (!ref) return std::nullopt;
  return users_.view(*ref).name;
}

bool Directory::has_room(std::uint64_t id) const {
  return rooms_.find(id).has_value();
}

std::optional<std::uint64_t> Directory::room_of_name(std::string_view name) const {
  const auto room = rooms_.find_any_case(name);
  if (!room) return std::nullopt;
  return room->id;
}

std::optional<std::string_view> Directory::token_of_secret(std::string_view sha256) const {
  const TokenTable::Entry* entry = tokens_.find(sha256);
  if (!entry) return std::nullopt;
  return entry->id.view();
}

}  // namespace parley::plugin
