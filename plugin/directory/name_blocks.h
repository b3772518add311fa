#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>

namespace parley::plugin {

// Names nobody is to have, of erased users, known by digests alone (wire/erasure.h's name_digest). As a rule all are made
// under one salt, and a look costs one HMAC, about a microsecond; without any it costs nothing. About 150 bytes each.
class NameBlocks {
 public:
  void add(const std::string& salt, const std::string& digest) { by_salt_[salt].insert(digest); }
  // Without regard to case.
  bool contains(std::string_view name) const;
  void for_each(const std::function<void(const std::string& salt, const std::string& digest)>& visit) const;
  std::size_t memory_bytes() const;

 private:
  std::map<std::string, std::unordered_set<std::string>> by_salt_;
};

}  // namespace parley::plugin
