#include <algorithm>

#include "backend/store/search_rows.h"
#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

// Looks at every message each time.
class MemorySearchStore final : public SearchStore {
 public:
  explicit MemorySearchStore(std::shared_ptr<MemoryDatabase> database) : database_(std::move(database)) {}

  Result<TextPage> search(const TextQuery& query) override {
    std::lock_guard lock(database_->mutex);
    std::vector<TextHit> found;
    for (const auto room : query.rooms) {
      const auto row = database_->rooms.find(room);
      if (row == database_->rooms.end() || row->second.deleted) continue;
      for (const auto& [seq, message] : database_->messages[room])
        if (fits(query, {room, seq}, message))
          found.push_back({place_of({room, seq}, message), {room, seq}, message.envelope});
    }
    std::ranges::sort(found, std::ranges::greater{}, &TextHit::place);
    TextPage page;
    if (found.size() > query.limit) {
      found.resize(query.limit);
      page.next = found.back().place;
    }
    page.hits = std::move(found);
    return page;
  }
  Result<std::uint64_t> behind() override { return 0; }

 private:
  static std::uint64_t place_of(Place place, const MemoryDatabase::MessageRow& message) {
    return search_place(place.first, place.second, said_at(message.envelope, message.at_ms));
  }
  bool fits(const TextQuery& query, Place place, const MemoryDatabase::MessageRow& message) const {
    if (!wire::is_message(message.type) || message.links.deleted > 0) return false;
    if (!query.sender.empty() && message.sender != query.sender) return false;
    const auto at = place_of(place, message);
    if (query.before && at >= *query.before) return false;
    if (at < first_place_at(query.since_ms) || (query.until_ms && at >= first_place_at(*query.until_ms)))
      return false;
    const auto edit = database_->edits.find(place);
    const auto& in_force =
        edit == database_->edits.end() ? message : database_->messages.at(place.first).at(edit->second);
    return wire::matches(query.words,
                         wire::search_words(wire::searchable_text(wire::content_of(in_force.envelope))));
  }

  std::shared_ptr<MemoryDatabase> database_;
};

}  // namespace

std::unique_ptr<SearchStore> memory_search(std::shared_ptr<MemoryDatabase> database) {
  return std::make_unique<MemorySearchStore>(std::move(database));
}

}  // namespace parley::backend
