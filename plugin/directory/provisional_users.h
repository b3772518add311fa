#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>

#include "plugin/directory/name_hash.h"

namespace parley::plugin {

inline constexpr std::size_t kProvisionalUsersDefault = 10'000;

// Names that a valid JWT brought and the backend has not made accounts of yet. In memory only, at most `max`
// of them.
class ProvisionalUsers {
 public:
  ProvisionalUsers(const HashKey& key, std::size_t max) : max_(max), names_(0, Hash{key}) {}

  // The spelling of whoever has this name without regard to case; "" when nobody.
  std::string_view find_any_case(std::string_view name) const {
    if (names_.empty()) return {};
    const auto it = names_.find(name);
    return it == names_.end() ? std::string_view{} : std::string_view{*it};
  }
  // False when there are as many as may be. The name must be free.
  bool add(std::string_view name) {
    if (names_.size() >= max_) return false;
    names_.emplace(name);
    return true;
  }
  // Without regard to case.
  void remove(std::string_view name) {
    if (const auto it = names_.find(name); it != names_.end()) names_.erase(it);
  }
  std::size_t size() const { return names_.size(); }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const std::string& name : names_) visit(std::string_view{name});
  }

 private:
  struct Hash {
    using is_transparent = void;
    HashKey key;
    std::size_t operator()(std::string_view name) const { return hash_name(key, name); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return equal_folded(a, b); }
  };

  std::size_t max_;
  std::unordered_set<std::string, Hash, Equal> names_;
};

}  // namespace parley::plugin
