#include "wire/names.h"

#include <algorithm>
#include <array>

#include "wire/limits.h"

namespace parley::wire {
namespace {

constexpr std::array<std::string_view, 5> kRoles{"", "reader", "member", "moderator", "owner"};
constexpr std::array<std::string_view, 3> kKinds{"group", "direct", "channel"};

constexpr bool is_alnum(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

constexpr std::array<bool, 256> make_name_bytes() {
  std::array<bool, 256> legal{};
  for (int c = 0; c < 256; ++c) legal[c] = is_alnum(static_cast<char>(c));
  for (char c : {'.', '_', '@', '-'}) legal[static_cast<unsigned char>(c)] = true;
  return legal;
}
constexpr std::array<bool, 256> kNameBytes = make_name_bytes();

}  // namespace

bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > kNameMax || !is_alnum(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return kNameBytes[static_cast<unsigned char>(c)]; });
}

std::string_view role_name(Role role) {
  return kRoles[static_cast<std::size_t>(role)];
}

Role parse_role(std::string_view name) {
  const auto it = std::find(kRoles.begin(), kRoles.end(), name);
  return it == kRoles.end() ? Role::none : static_cast<Role>(it - kRoles.begin());
}

std::string_view kind_name(RoomKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

bool parse_kind(std::string_view name, RoomKind& out) {
  const auto it = std::find(kKinds.begin(), kKinds.end(), name);
  if (it == kKinds.end()) return false;
  out = static_cast<RoomKind>(it - kKinds.begin());
  return true;
}

bool may_send(Role role, RoomKind kind) {
  return role >= (kind == RoomKind::channel ? Role::moderator : Role::member);
}

}  // namespace parley::wire
