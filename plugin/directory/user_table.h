#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "plugin/directory/chunked.h"
#include "plugin/directory/name_hash.h"
#include "plugin/directory/sharded_table.h"
#include "plugin/directory/small_text.h"

namespace parley::plugin {

// A user's number in one Directory, from 0 upwards; never given to another.
enum class UserRef : std::uint32_t {};
inline constexpr UserRef kNoUser{0xffffffff};

struct UserView {
  UserRef ref = kNoUser;
  std::string_view name;  // as created
  bool admin = false;
  bool disabled = false;
  bool has_password = false;
  bool provisional = false;  // not an account yet; ref is kNoUser
};

// The accounts of a Directory. Users are never taken out. See Directory for threads, cost, views.
class UserTable {
 public:
  explicit UserTable(const HashKey& key) : key_(key) {}

  // Whoever has the very name; whoever has it without regard to case.
  std::optional<UserRef> find(std::string_view name) const { return find(name, hash(name)); }
  std::optional<UserRef> find(std::string_view name, std::uint64_t hash) const;
  std::optional<UserRef> find_any_case(std::string_view name) const;

  // find() in steps, for lookups that wait for memory side by side: prefetch() asks for the index's place,
  // likely() tells who it will most likely be (kNoUser: surely nobody) and asks for their entry.
  std::uint64_t hash(std::string_view name) const { return hash_name(key_, name); }
  void prefetch(std::uint64_t hash) const { index_.prefetch(hash); }
  UserRef likely(std::uint64_t hash) const;

  UserView view(UserRef ref) const;
  std::string_view scram(UserRef ref) const;  // verifier text, "" when there is no password
  std::size_t size() const { return users_.size(); }

  // The name must be free.
  UserRef add(std::string_view name);
  void set(UserRef ref, bool admin, bool disabled, std::string_view scram);

  void for_each(const std::function<void(const UserView&)>& visit) const;
  std::size_t memory_bytes() const;

 private:
  static constexpr std::size_t kNameInline = 22;
  struct User {
    SmallText<kNameInline> name;    // tag: Flags
    std::unique_ptr<char[]> scram;  // u16 size, text
  };
  static_assert(sizeof(User) == 32);
  enum Flags : std::uint8_t { kAdmin = 1, kDisabled = 2 };

  HashKey key_;
  Chunked<User> users_;
  IndexTable index_;
  std::size_t heap_bytes_ = 0;  // of long names and verifiers
};

}  // namespace parley::plugin
