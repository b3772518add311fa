#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/store/message_store.h"
#include "wire/search_words.h"

namespace parley::backend {

inline constexpr std::size_t kSearchRoomsMax = 10'000;  // of one search

// Which messages, newest first.
struct TextQuery {
  std::vector<std::uint64_t> rooms{};  // in these; at most kSearchRoomsMax
  wire::SearchQuery words{};           // not empty
  std::string sender{};                // "": anybody's
  std::int64_t since_ms = 0;           // said at or after
  std::optional<std::int64_t> until_ms{};
  std::optional<std::uint64_t> before{};  // further back than this place
  std::uint32_t limit = 20;
};
struct TextHit {
  std::uint64_t place = 0;  // in the order of time; any two differ
  Place message{};
  std::string envelope{};  // as MessageStore::page gives it
};
struct TextPage {
  std::vector<TextHit> hits{};
  // Where to go on: there may be more further back. A page can have fewer hits than asked for, even none, and this.
  std::optional<std::uint64_t> next{};
};

// Full text over messages: over the content in force of each, by the words of wire/search_words.h. Messages are put into the index
// after they are stored, by a thread of the store's own, usually within a second; a deleted one leaves it in the transaction that
// stores the delete. Thread-safe; calls block on the database for as long as it takes to look at kSearchLooksMax candidates. Errors
// as MessageStore's.
inline constexpr std::uint32_t kSearchLooksMax = 5000;
class SearchStore {
 public:
  virtual ~SearchStore() = default;
  virtual Result<TextPage> search(const TextQuery& query) = 0;
  // How many stored entries the index has not looked at yet.
  virtual Result<std::uint64_t> behind() = 0;
};

}  // namespace parley::backend
