#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/erasure.h"

namespace parley::backend {

// A user whose name is not to be kept: what it is known by, and what stands for it.
struct ErasedName {
  std::string salt, digest;  // wire::name_digest
  std::string pseudonym;
  bool operator==(const ErasedName&) const = default;
};

// A batch as it is to be stored: `records` are those given, but for entries of erased users and what mentions them.
struct UnnamedBatch {
  std::vector<wire::Record> records;
  std::deque<wire::Unnamed> texts;                               // what changed records point into
  std::vector<std::pair<std::uint64_t, std::uint64_t>> changed;  // room, seq
};

struct StoreOutcome;
// Adds what it changed.
void tell_unnamed(const std::optional<UnnamedBatch>& unnamed, StoreOutcome& outcome);

// The names a store does not keep, as it stores. Looks are remembered, a few thousand of them. Thread-safe, does not block.
class ErasedNames {
 public:
  // How many were loaded last: names are only ever added.
  std::size_t count() const;
  void load(std::vector<ErasedName> names);
  std::optional<std::string> pseudonym_of(std::string_view name);
  // nullopt: nothing in it is to be changed.
  std::optional<UnnamedBatch> unnamed(std::span<const wire::Record> records);

 private:
  mutable std::mutex mutex_;
  std::size_t count_ = 0;
  std::map<std::string, std::map<std::string, std::string>> by_salt_;         // → digest → pseudonym
  std::map<std::string, std::optional<std::string>, std::less<>> looked_up_;  // in lower case
};

}  // namespace parley::backend
