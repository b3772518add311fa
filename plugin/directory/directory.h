#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "plugin/directory/change_rules.h"
#include "plugin/directory/effect.h"
#include "plugin/directory/membership_table.h"
#include "plugin/directory/mute_table.h"
#include "plugin/directory/name_blocks.h"
#include "plugin/directory/provisional_users.h"
#include "plugin/directory/room_table.h"
#include "plugin/directory/token_table.h"
#include "plugin/directory/user_table.h"
#include "wire/directory_change.h"

namespace parley::plugin {

// A user's name on its way through find(): its hash, and where to look it up, are being brought into the
// cache.
struct UserKey {
  std::string_view name;
  std::uint64_t hash = 0;
};

// A user, a room, and how the one stands in the other.
struct Place {
  std::optional<UserView> user;
  std::optional<RoomView> room;
  Standing standing;
};

// Users, tokens, rooms, memberships and bans as the broker knows them now, in memory.
//
// Threads: one thread changes it; const calls may run beside one another, not beside a change, but for the
// provisional users: comparing two Directories (rights_lost) never looks at them, so they may change
// meanwhile.
//
// Blocking: never; no lookup allocates, and a change costs well below 0.5 ms whatever the size: every table
// is in 4,096 shards, and only a shard grows at a time.
//
// Names are unique without regard to case and found exactly as they were created. Hashes are keyed anew in
// each Directory. Views (UserView …) point into the Directory and hold until its next change. UserRef and
// RoomRef stay as long as the Directory: a dropped room's is never given to another.
//
// Memory: 0.4 MB when empty, then about 11-21 bytes a membership, 32 + 11-21 a user (names above 22 bytes and
// passwords cost extra), 64 + 22-42 a room, 80 + 22-42 a token. A dropped room leaves 64 bytes, and its
// memberships' slots until their shard is next full: then they are swept out before the shard may grow.
//
// Limits: 2^30 users, and as many rooms in the life of one Directory.
class Directory final : private KnownNames {
 public:
  explicit Directory(std::size_t provisional_users_max = kProvisionalUsersDefault);
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // Does one change; what sessions it ends is added to `effects`. invalid_argument: names something that is
  // not there or not legal; already_exists: the name, or the token's secret, is another's. After an error
  // nothing is changed. Putting what is there already is no change; taking away what is not there is no
  // error. Dropping a room ends no session: its members were meant to read what is queued for them.
  Result<> apply(const wire::DirectoryChange& change, Effects& effects);
  // Would apply() take them all, one after the other? Changes nothing.
  Result<> check(std::span<const wire::DirectoryChange> changes) const;

  // --- users ---
  // By the very name: nullopt also when it exists in other case. Provisional users are found too, with ref
  // kNoUser.
  std::optional<UserView> find_user(std::string_view name) const;
  // The same without the provisional ones.
  std::optional<UserView> find_account(std::string_view name) const;
  std::optional<UserView> find_user_any_case(std::string_view name) const;
  bool name_taken(std::string_view name) const { return find_user_any_case(name).has_value(); }
  UserView user(UserRef ref) const { return users_.view(ref); }  // not of kNoUser
  // Verifier text (base/crypto.h); "" when there is no password, or for kNoUser.
  std::string_view scram(UserRef ref) const {
    return ref == kNoUser ? std::string_view{} : users_.scram(ref);
  }
  std::size_t user_count() const { return users_.size(); }

  // Nobody is to have this name, in any case: it was an erased user's. Costs a microsecond where there are any.
  bool name_blocked(std::string_view name) const { return blocks_.contains(name); }

  // A user a valid JWT named and nobody knows yet: in memory only, in no room, until a UserPut of the name
  // (in any case) or remove_provisional. already_exists: the name is taken (not when it is provisional in the
  // same spelling: then ok) or blocked; invalid_argument: not a legal name; unavailable: as many as may be.
  Result<> add_provisional(std::string_view name);
  void remove_provisional(std::string_view name) { provisional_.remove(name); }
  std::size_t provisional_count() const { return provisional_.size(); }
  // Takes over those of `other` whose names are free here; those whose names are not, but were spelled
  // otherwise, are `gone` effects.
  void take_provisional(Directory& other, Effects& effects);

  // --- tokens ---
  // By the SHA-256 (raw 32 bytes) of the secret. Expired ones are found too.
  std::optional<TokenView> find_token(std::string_view sha256) const;
  std::optional<TokenView> find_token_by_id(std::string_view id) const;
  std::size_t token_count() const { return tokens_.size(); }

  // --- rooms ---
  std::optional<RoomView> find_room(std::string_view name) const { return rooms_.find(name); }
  std::optional<RoomView> find_room(std::uint64_t id) const { return rooms_.find(id); }
  bool room_name_taken(std::string_view name) const { return rooms_.find_any_case(name).has_value(); }
  RoomView room(RoomRef ref) const { return rooms_.view(ref); }
  std::size_t room_count() const { return rooms_.size(); }

  // --- memberships and bans ---
  Standing standing(UserRef user, RoomRef room) const {
    return user == kNoUser ? Standing{} : members_.find(user, room);
  }
  wire::Role role(UserRef user, RoomRef room) const { return standing(user, room).role; }
  bool banned(UserRef user, RoomRef room) const { return standing(user, room).banned; }

  // Until when the user may not send to the room, ms since 1970; 0 or the past: they may.
  std::int64_t muted_until_ms(UserRef user, RoomRef room) const {
    return user == kNoUser ? 0 : mutes_.until_ms(user, room);
  }

  // find_user, find_room and standing in one, for the read check of every delivery: with millions of
  // memberships nearly all its time is waiting for memory, which this does for all three side by side.
  // begin() early, do something else, then find().
  UserKey begin(std::string_view user) const;
  Place find(const UserKey& user, std::string_view room) const;
  std::optional<UserView> find_user(const UserKey& user) const;

  // --- everything, in no order; `visit` must not change the Directory ---
  void for_each_provisional(const std::function<void(std::string_view)>& visit) const {
    provisional_.for_each(visit);
  }
  void for_each_user(const std::function<void(const UserView&)>& visit) const { users_.for_each(visit); }
  void for_each_token(const std::function<void(const TokenView&)>& visit) const;
  void for_each_room(const std::function<void(const RoomView&)>& visit) const { rooms_.for_each(visit); }
  void for_each_member(const std::function<void(UserRef, RoomRef, Standing)>& visit) const;
  // The changes that make this Directory out of an empty one, in an order that applies. Provisional users are
  // not among them.
  void for_each_change(const std::function<void(const wire::DirectoryChange&)>& visit) const;

  // Bytes held, allocator's overhead not counted.
  std::size_t memory_bytes() const;

 private:
  void put(const wire::UserPut& change, Effects& effects);
  void put(const wire::TokenPut& change, Effects& effects);
  void put(const wire::TokenDrop& change, Effects& effects);
  void put(const wire::RoomPut& change, Effects& effects);
  void put(const wire::RoomDrop& change, Effects& effects);
  void put(const wire::MemberPut& change, Effects& effects);
  void put(const wire::MutePut& change, Effects& effects);
  void put(const wire::NameBlock& change, Effects& effects);

  // KnownNames
  std::optional<std::string_view> user_spelling(std::string_view name) const override;
  bool has_room(std::uint64_t id) const override;
  std::optional<std::uint64_t> room_of_name(std::string_view name) const override;
  std::optional<std::string_view> token_of_secret(std::string_view sha256) const override;

  TokenView token_view(const TokenTable::Entry& entry) const;

  HashKey key_;
  UserTable users_;
  TokenTable tokens_;
  RoomTable rooms_;
  MembershipTable members_;
  MuteTable mutes_;
  NameBlocks blocks_;
  ProvisionalUsers provisional_;
};

}  // namespace parley::plugin
