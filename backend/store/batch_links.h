#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "backend/store/message_store.h"
#include "wire/fold_rule.h"

namespace parley::backend {

// Columns of a message's row that tell what it speaks of. 0: nothing.
struct LinkedRow {
  std::uint64_t target = 0;   // of edit, delete and reaction, whether it counts or not
  std::uint64_t thread = 0;   // the root of the thread it is a reply in
  std::uint64_t deleted = 0;  // seq of the delete that took it
  std::string envelope{};     // other than it was given; "": as given
};

// What the entries of one feed batch do to messages, in the order they are stored, by the rule of wire/fold_rule.h. Each store
// writes `effects` down in the same transaction; what it finds of one message there is the last word on it.
class BatchLinks {
 public:
  using Place = backend::Place;  // room, seq
  using Reaction =
      std::tuple<std::uint64_t, std::uint64_t, std::string, std::string>;  // room, target, key, user
  struct Replies {
    std::uint64_t added = 0;
    std::uint64_t last_seq = 0;
  };
  struct Effects {
    std::map<Place, std::uint64_t> edits;                 // message → the edit in force
    std::map<Reaction, std::uint64_t> reactions;          // → its seq; 0: taken back
    std::map<Place, Replies> replies;                     // root → replies of this batch
    std::vector<std::pair<Place, std::string>> mentions;  // message, user_key
    std::map<Place, wire::Deletion> deletions;            // these messages, with all that was said of them
    std::map<Place, std::uint64_t> lost_replies;          // deleted reply → root
    std::map<std::uint64_t, std::uint64_t> rewritten;  // room → seq of the last entry that made rows change
    std::map<std::uint64_t, std::uint64_t> annotated;  // room → the highest message spoken of

    // The root of the thread a deleted message was a reply in; 0: none.
    std::uint64_t thread_of(const Place& place) const {
      auto lost = lost_replies.find(place);
      return lost == lost_replies.end() ? 0 : lost->second;
    }
  };

  // Finds an entry that is stored already, or was added here before. Called once for each.
  using Load = std::function<std::optional<wire::Target>(Place)>;
  explicit BatchLinks(Load load) : load_(std::move(load)) {}

  // An entry new in the store, in a room that has expired up to `expired`; the row it gets.
  LinkedRow add(std::uint64_t room_id, std::string_view envelope, const wire::Entry& entry,
                std::uint64_t expired);
  const Effects& effects() const { return effects_; }

 private:
  static LinkedRow erased_row(std::string_view envelope, const wire::Entry& entry, LinkedRow row);
  wire::Target* find(Place place, const wire::Entry& entry);
  void apply(std::uint64_t room_id, const wire::Entry& entry, wire::Target& target);
  void remove(Place place, const wire::Entry& entry, wire::Target& target);
  void speak_of(std::uint64_t room_id, std::uint64_t seq);

  Load load_;
  std::map<Place, std::optional<wire::Target>> found_;
  Effects effects_;
};

}  // namespace parley::backend
