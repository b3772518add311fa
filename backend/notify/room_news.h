#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backend/store/notify_store.h"
#include "base/clock.h"
#include "base/ids.h"

namespace parley::backend {

// A message somebody might be told of.
struct Said {
  std::uint64_t seq = 0;
  WallTime at{};
  std::string from;
  std::vector<std::string> mentions{};  // as wire::Entry::mentions
  Ulid id{};
};

// What some entries of a room have that is new, gathered from their envelopes in order. Imported and erased messages tell
// nothing. Bounded: of the messages the newest kSaidMax are kept, and of older ones the last mention of at most kMentionedMax
// people; with more, who is mentioned only there is told of newer messages alone. Not thread-safe.
class RoomNews {
 public:
  static constexpr std::size_t kSaidMax = 200, kMentionedMax = 5'000, kChangedMax = 5'000;

  // What is older than `since` is left out.
  void add(std::string_view envelope, WallTime since);

  bool empty() const { return said_.empty(); }
  const std::deque<Said>& said() const { return said_; }  // oldest first
  // The last message that mentions `key` among those that are no longer in said(); nullptr: none.
  const Said* mentioned_before(const std::string& key) const;
  // Messages that were edited or deleted, each once.
  const std::vector<std::uint64_t>& changed() const { return changed_; }
  // Everybody who said something, at most a hundred.
  std::vector<std::string> senders() const;

 private:
  void forget_oldest();

  std::deque<Said> said_;
  std::map<std::string, Said> mentioned_;
  std::vector<std::uint64_t> changed_;
};

}  // namespace parley::backend
