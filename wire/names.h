#pragma once
#include <cstdint>
#include <string>
#include <string_view>

// Names of users, rooms and devices: 1-64 of `A-Z a-z 0-9 . _ @ -`, the first a letter or digit. Two names that differ
// only in case are the same for uniqueness (fold_case); everywhere else a name is used exactly as it was created.
namespace parley::wire {

bool valid_name(std::string_view name);

// The backend's own user name; not a legal name, so no account can have it.
inline constexpr std::string_view kBackendUser = "$parleyd";

enum class Role : std::uint8_t { none = 0, reader = 1, member = 2, moderator = 3, owner = 4 };
enum class RoomKind : std::uint8_t { group = 0, direct = 1, channel = 2 };

std::string_view role_name(Role role);          // "reader" …; none → ""
Role parse_role(std::string_view name);         // none when unknown
std::string_view kind_name(RoomKind kind);
bool parse_kind(std::string_view name, RoomKind& out);

// May someone of this role put messages into a room of this kind? Readers never; in a channel moderators and owners.
bool may_send(Role role, RoomKind kind);

}  // namespace parley::wire
