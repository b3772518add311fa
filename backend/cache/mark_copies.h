#pragma once
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "backend/store/mark_store.h"

namespace parley::backend {

// Under which names copies of members' marks lie in a cache. A name is given up, and what lies under it expires unread, as soon as
// the marks it was a copy of may have ended: all names with end(), begin() and the deletion of a room; a user's with every change
// of a membership of theirs; those of a room's name when a room is made with it. It does not matter how such a change went.
// A name given before one of these calls is never given again after it. So a copy is right when its name was asked for first, then
// the store, and then it was put there: it tells at most what is so, marks only rising.
// Thread-safe; never blocks.
class MarkCopies {
 public:
  static constexpr std::size_t kChangesMax =
      100'000;  // remembered, about 100 bytes each; then all names are given up

  explicit MarkCopies(std::size_t changes_max = kChangesMax) : changes_max_(changes_max) {}

  void begin();  // from now on this backend is the consumer
  void end();    // no longer: no names until begin()

  void room_made(const std::string& room);
  void room_deleted();
  void member_changed(const std::string& user);

  // One for each that names its room, "" for the others; none at all when copies are of no use now.
  std::vector<std::string> names_of(std::span<const MarkRaise> raises) const;

 private:
  void renew();  // with the lock held
  void changed(const std::string& what);
  std::string era(const std::string& what) const;

  const std::size_t changes_max_;
  mutable std::mutex mutex_;
  std::uint64_t lease_ = 0;  // drawn at random; 0: no names
  std::uint64_t count_ = 0;  // of changes under this lease
  std::unordered_map<std::string, std::uint64_t>
      changes_;  // the last one of a user, and of "/" and a room's name
};

}  // namespace parley::backend
