#include "plugin/directory/rights.h"

#include <optional>
#include <string>
#include <vector>

namespace parley::plugin {
namespace {

// A user of the old Directory in the new one: kNoUser when not there, or when already known to be kicked.
using UsersAfter = std::vector<UserRef>;

std::optional<Effect::Reason> account_lost(const Directory& before, const UserView& was,
                                           const Directory& after, const std::optional<UserView>& is) {
  if (!is) return Effect::Reason::gone;
  if (is->disabled && !was.disabled) return Effect::Reason::disabled;
  const std::string_view old_scram = before.scram(was.ref);
  if (!old_scram.empty() && old_scram != after.scram(is->ref)) return Effect::Reason::password_changed;
  if (was.admin && !is->admin) return Effect::Reason::admin_lost;
  return std::nullopt;
}

void kick(Effects& effects, Effect::Reason reason, std::string_view user) {
  effects.push_back({Effect::Kind::kick_user, reason, std::string(user)});
}

UsersAfter compare_accounts(const Directory& before, const Directory& after, Effects& effects) {
  UsersAfter users(before.user_count(), kNoUser);
  before.for_each_user([&](const UserView& was) {
    auto is = after.find_account(was.name);
    if (const auto reason = account_lost(before, was, after, is)) {
      kick(effects, *reason, was.name);
    } else {
      users[static_cast<std::uint32_t>(was.ref)] = is->ref;
    }
  });
  return users;
}

void compare_memberships(const Directory& before, const Directory& after, UsersAfter users,
                         Effects& effects) {
  before.for_each_member([&](UserRef user, RoomRef room, Standing was) {
    UserRef& is = users[static_cast<std::uint32_t>(user)];
    if (is == kNoUser || was.role == wire::Role::none) return;
    const auto room_is = after.find_room(before.room(room).id);
    const Standing now = room_is ? after.standing(is, room_is->ref) : Standing{};
    if (now.role != wire::Role::none) return;
    kick(effects, now.banned ? Effect::Reason::banned : Effect::Reason::removed, before.user(user).name);
    is = kNoUser;
  });
}

void compare_tokens(const Directory& before, const Directory& after, Effects& effects) {
  before.for_each_token([&](const TokenView& was) {
    const auto is = after.find_token_by_id(was.id);
    if (is && is->sha256 == was.sha256 && is->user_name == was.user_name && is->expires_ms == was.expires_ms)
      return;
    effects.push_back({Effect::Kind::kick_token, is ? Effect::Reason::token_changed : Effect::Reason::gone,
                       std::string(was.id)});
  });
}

}  // namespace

Effects rights_lost(const Directory& before, const Directory& after) {
  Effects effects;
  compare_memberships(before, after, compare_accounts(before, after, effects), effects);
  compare_tokens(before, after, effects);
  return effects;
}

}  // namespace parley::plugin
