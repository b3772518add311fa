#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "wire/directory_change.h"

namespace parley::plugin {

// What the rules ask about the Directory a change is meant for. Names are given in any case.
class KnownNames {
 public:
  virtual ~KnownNames() = default;
  virtual std::optional<std::string_view> user_spelling(std::string_view name) const = 0;  // as created
  virtual bool has_room(std::uint64_t id) const = 0;
  virtual std::optional<std::uint64_t> room_of_name(std::string_view name) const = 0;          // its id
  virtual std::optional<std::string_view> token_of_secret(std::string_view sha256) const = 0;  // its id
};

// May `change` be made where these names are known? invalid_argument: it names something not there or not
// legal; already_exists: what it names is another's. The sentence says which.
Result<> check_change(const KnownNames& known, const wire::DirectoryChange& change);
// The same for several, each after those before it; nothing is changed.
Result<> check_changes(const KnownNames& known, std::span<const wire::DirectoryChange> changes);

}  // namespace parley::plugin
