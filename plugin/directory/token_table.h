#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "plugin/directory/chunked.h"
#include "plugin/directory/name_hash.h"
#include "plugin/directory/sharded_table.h"
#include "plugin/directory/small_text.h"
#include "plugin/directory/user_table.h"

namespace parley::plugin {

struct TokenView {
  std::string_view id;
  UserRef user = kNoUser;
  std::string_view user_name;   // as created
  std::string_view sha256;      // 32 bytes
  std::int64_t expires_ms = 0;  // ms since 1970; 0: never
};

// The device tokens of a Directory, by id and by the SHA-256 of their secret. A dropped token's place is used
// again. See Directory for threads and cost.
class TokenTable {
 public:
  struct Entry {
    SmallText<30> id;  // tag: 1 while in use
    std::array<char, 32> sha256{};
    std::int64_t expires_ms = 0;
    UserRef user = kNoUser;
    std::string_view secret() const { return {sha256.data(), sha256.size()}; }
  };

  explicit TokenTable(const HashKey& key) : key_(key) {}

  const Entry* find(std::string_view sha256) const;
  const Entry* find_id(std::string_view id) const;
  std::size_t size() const { return entries_.size() - free_.size(); }

  // Makes the token, or replaces the one of this id. `sha256` has 32 bytes and is no other token's.
  void put(std::string_view id, std::string_view sha256, UserRef user, std::int64_t expires_ms);
  // False when there is none.
  bool drop(std::string_view id);

  template <class Visit>
  void for_each(Visit visit) const {
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].id.tag() != 0) visit(entries_[i]);
    }
  }
  std::size_t memory_bytes() const;

 private:
  std::uint64_t slot_of_id(std::string_view id) const;
  std::uint64_t slot_of_secret(std::string_view sha256) const;

  HashKey key_;
  Chunked<Entry> entries_;
  std::vector<std::uint32_t> free_;
  IndexTable by_id_;
  IndexTable by_secret_;
};

}  // namespace parley::plugin
