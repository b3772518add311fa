#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "wire/names.h"

// One change of the Directory: what the backend tells the plugin ($CONTROL, JSON) and what the plugin keeps on disk (binary). Each puts the
// whole new state of one thing, so applying one twice is the same as once, and a snapshot is a list of changes onto nothing.
namespace parley::wire {

struct UserPut {           // {"put":"user", …}
  std::string name;        // as created
  bool admin = false;
  bool disabled = false;   // may not connect or do anything; the name stays taken. Erased users are disabled ones
  std::string scram;       // verifier text of base/crypto.h, "" when no password
  bool operator==(const UserPut&) const = default;
};
struct TokenPut {          // {"put":"token", …}
  std::string id;          // 26 characters
  std::string user;
  std::string sha256;      // raw 32 bytes; hex in JSON
  std::int64_t expires_ms = 0;  // 0: never
  bool operator==(const TokenPut&) const = default;
};
struct TokenDrop {         // {"drop":"token","id":…}
  std::string id;
  bool operator==(const TokenDrop&) const = default;
};
struct RoomPut {           // {"put":"room", …}
  std::uint64_t id = 0;    // 1…2^53-1, random, never used again
  std::string name;
  RoomKind kind = RoomKind::group;
  std::string epoch;
  std::uint64_t last_seq = 0;  // numbering continues above the larger of this and what the plugin has
  std::uint32_t slow_s = 0;    // slow mode: a plain member sends one message in so many seconds; 0: off
  bool operator==(const RoomPut&) const = default;
};
struct RoomDrop {          // {"drop":"room","id":…}: its memberships and bans go with it
  std::uint64_t id = 0;
  bool operator==(const RoomDrop&) const = default;
};
struct MemberPut {         // {"put":"member", …}; role none and not banned removes the pair
  std::uint64_t room = 0;
  std::string user;
  Role role = Role::none;
  bool banned = false;     // then role is none
  bool operator==(const MemberPut&) const = default;
};

struct MutePut {           // {"put":"mute", …}; until_ms 0 removes it. Stays whatever becomes of the membership
  std::uint64_t room = 0;
  std::string user;
  std::int64_t until_ms = 0;  // may not send before this, ms since 1970
  bool operator==(const MutePut&) const = default;
};

// A name that nobody is to have again: of an erased user. Never taken back.
struct NameBlock {         // {"put":"block", …}
  std::string salt;        // 32 letters and digits
  std::string digest;      // wire/erasure.h's name_digest of the name: 64 hexadecimal digits
  bool operator==(const NameBlock&) const = default;
};

using DirectoryChange =
    std::variant<UserPut, TokenPut, TokenDrop, RoomPut, RoomDrop, MemberPut, MutePut, NameBlock>;

nlohmann::json change_to_json(const DirectoryChange& change);
Result<DirectoryChange> change_from_json(const nlohmann::json& json);  // invalid_argument says which member is wrong

// Binary: u8 kind, then fields in the order above; strings as u16 length + bytes, integers little-endian. A room without slow mode
// is of the kind it was before there was one, without that field; one with it is of kind 7, and a block of a name of kind 8.
void append_change(std::string& out, const DirectoryChange& change);
Result<DirectoryChange> read_change(std::string_view& bytes);  // takes what it read off the front; corrupt when it does not fit

}  // namespace parley::wire
