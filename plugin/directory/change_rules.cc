#include "plugin/directory/change_rules.h"

#include <string>
#include <unordered_map>

#include "base/crypto.h"
#include "base/encoding.h"
#include "wire/limits.h"

namespace parley::plugin {
namespace {

constexpr std::uint64_t kRoomIdMax = (std::uint64_t{1} << 53) - 1;
constexpr std::size_t kTokenIdMax = 64;
constexpr std::size_t kEpochMax = 32;

std::unexpected<Error> wrong(std::string message) {
  return fail(Errc::invalid_argument, std::move(message));
}

bool is_user(const KnownNames& known, std::string_view name) {
  return wire::valid_name(name) && known.user_spelling(name) == name;
}

struct Rules {
  const KnownNames& known;

  Result<> operator()(const wire::UserPut& c) const {
    if (!wire::valid_name(c.name)) return wrong("A user's name is not legal.");
    const auto spelling = known.user_spelling(c.name);
    if (spelling && *spelling != c.name) {
      return fail(Errc::already_exists, "User " + c.name + " exists as " + std::string(*spelling) + ".");
    }
    if (!c.scram.empty() && !parse_scram(c.scram))
      return wrong("The verifier of user " + c.name + " is not one.");
    return {};
  }

  Result<> operator()(const wire::TokenPut& c) const {
    if (c.id.empty() || c.id.size() > kTokenIdMax) return wrong("A token's id has not 1-64 characters.");
    if (c.sha256.size() != Sha256{}.size())
      return wrong("The digest of token " + c.id + " has not 32 bytes.");
    if (!is_user(known, c.user)) return wrong("Token " + c.id + " is for a user that is not there.");
    const auto owner = known.token_of_secret(c.sha256);
    if (owner && *owner != c.id)
      return fail(Errc::already_exists, "Token " + c.id + " has another's secret.");
    return {};
  }

  Result<> operator()(const wire::TokenDrop&) const { return {}; }

  Result<> operator()(const wire::RoomPut& c) const {
    const std::string id = std::to_string(c.id);
    if (c.id == 0 || c.id > kRoomIdMax) return wrong("Room id " + id + " is not in 1 to 2^53-1.");
    if (!wire::valid_name(c.name)) return wrong("The name of room " + id + " is not legal.");
    if (c.kind > wire::RoomKind::channel) return wrong("The kind of room " + c.name + " is not one.");
    if (c.epoch.empty() || c.epoch.size() > kEpochMax) {
      return wrong("The epoch of room " + c.name + " has not 1-32 characters.");
    }
    const auto owner = known.room_of_name(c.name);
    if (owner && *owner != c.id) {
      return fail(Errc::already_exists,
                  "Room name " + c.name + " is taken by room " + std::to_string(*owner) + ".");
    }
    return {};
  }

  Result<> operator()(const wire::RoomDrop&) const { return {}; }

  Result<> operator()(const wire::MemberPut& c) const {
    if (c.role > wire::Role::owner) return wrong("A member's role is not one.");
    if (c.banned && c.role != wire::Role::none) return wrong("A banned user has a role.");
    if (!c.banned && c.role == wire::Role::none) return {};  // who is not there needs no removing
    if (!known.has_room(c.room))
      return wrong("There is no room " + std::to_string(c.room) + " to be a member of.");
    if (!is_user(known, c.user)) return wrong("A member of room " + std::to_string(c.room) + " is no user.");
    return {};
  }

  Result<> operator()(const wire::NameBlock& c) const {
    if (c.salt.empty() || c.digest.empty()) return wrong("A blocked name has no digest.");
    return {};
  }

  Result<> operator()(const wire::MutePut& c) const {
    if (c.until_ms == 0) return {};  // who is not muted needs no unmuting
    if (c.until_ms < 0) return wrong("A mute ends before 1970.");
    if (!known.has_room(c.room))
      return wrong("There is no room " + std::to_string(c.room) + " to be muted in.");
    if (!is_user(known, c.user))
      return wrong("Who is muted in room " + std::to_string(c.room) + " is no user.");
    return {};
  }
};

// The names known after some changes, of which none is done.
class NamesAfter final : public KnownNames {
 public:
  explicit NamesAfter(const KnownNames& before) : before_(before) {}

  void note(const wire::DirectoryChange& change) {
    if (const auto* user = std::get_if<wire::UserPut>(&change))
      users_.try_emplace(fold_case(user->name), user->name);
    if (const auto* token = std::get_if<wire::TokenPut>(&change)) {
      tokens_[token->id] = token->sha256;
      secrets_[token->sha256] = token->id;
    }
    if (const auto* token = std::get_if<wire::TokenDrop>(&change)) tokens_[token->id] = std::nullopt;
    if (const auto* room = std::get_if<wire::RoomPut>(&change)) {
      rooms_[room->id] = fold_case(room->name);
      room_names_[fold_case(room->name)] = room->id;
    }
    if (const auto* room = std::get_if<wire::RoomDrop>(&change)) rooms_[room->id] = std::nullopt;
  }

  std::optional<std::string_view> user_spelling(std::string_view name) const override {
    const auto it = users_.find(fold_case(name));
    return it == users_.end() ? before_.user_spelling(name) : std::string_view{it->second};
  }
  bool has_room(std::uint64_t id) const override {
    const auto it = rooms_.find(id);
    return it == rooms_.end() ? before_.has_room(id) : it->second.has_value();
  }
  std::optional<std::uint64_t> room_of_name(std::string_view name) const override {
    const std::string folded = fold_case(name);
    const auto put = room_names_.find(folded);
    if (put != room_names_.end() && rooms_.at(put->second) == folded) return put->second;
    const auto id = before_.room_of_name(name);
    return id && rooms_.contains(*id) ? std::nullopt : id;  // dropped, or renamed
  }
  std::optional<std::string_view> token_of_secret(std::string_view sha256) const override {
    const auto put = secrets_.find(std::string(sha256));
    if (put != secrets_.end() && tokens_.at(put->second) == sha256) return put->second;
    const auto id = before_.token_of_secret(sha256);
    return id && tokens_.contains(std::string(*id)) ? std::nullopt : id;
  }

 private:
  const KnownNames& before_;
  std::unordered_map<std::string, std::string> users_;                   // folded: as created
  std::unordered_map<std::uint64_t, std::optional<std::string>> rooms_;  // folded name now; none: dropped
  std::unordered_map<std::string, std::uint64_t> room_names_;  // folded: whose it became, if it is still
  std::unordered_map<std::string, std::optional<std::string>> tokens_;  // digest now; none: dropped
  std::unordered_map<std::string, std::string> secrets_;  // digest: whose it became, if it is still
};

}  // namespace

Result<> check_change(const KnownNames& known, const wire::DirectoryChange& change) {
  return std::visit(Rules{known}, change);
}

Result<> check_changes(const KnownNames& known, std::span<const wire::DirectoryChange> changes) {
  if (changes.size() == 1) return check_change(known, changes.front());
  NamesAfter after(known);
  for (const wire::DirectoryChange& change : changes) {
    if (auto ok = check_change(after, change); !ok) return ok;
    after.note(change);
  }
  return {};
}

}  // namespace parley::plugin
