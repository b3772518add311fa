#include "backend/notify/room_news.h"

#include <algorithm>
#include <set>
#include <utility>

#include "wire/entry.h"
#include "wire/envelope.h"

namespace parley::backend {
namespace {

constexpr std::size_t kSendersMax = 100;  // CandidateQuery::senders

}  // namespace

void RoomNews::add(std::string_view text, WallTime since) {
  const auto envelope = wire::parse_envelope(text);
  if (!envelope || from_ms(envelope->at) < since) return;
  const wire::Record record{
      .seq = envelope->seq,
      .at_ms = envelope->at,
      .flags = envelope->imported ? std::uint8_t{wire::kRecordImported} : std::uint8_t{0},
      .from = envelope->from,
      .type = envelope->type,
      .envelope = text};
  auto entry = wire::read_entry(record);
  if ((entry.type == "edit" || entry.type == "delete") && entry.target > 0 && !entry.imported) {
    const bool known = std::ranges::find(changed_, entry.target) != changed_.end();
    if (!known && changed_.size() < kChangedMax) changed_.push_back(entry.target);
    return;
  }
  if (!entry.countable() || entry.deleted > 0) return;
  said_.push_back({.seq = entry.seq,
                   .at = from_ms(entry.at_ms),
                   .from = std::string(entry.from),
                   .mentions = std::move(entry.mentions),
                   .id = envelope->id});
  if (said_.size() > kSaidMax) forget_oldest();
}

void RoomNews::forget_oldest() {
  const auto oldest = std::move(said_.front());
  said_.pop_front();
  for (const auto& key : oldest.mentions)
    if (mentioned_.size() < kMentionedMax || mentioned_.contains(key)) mentioned_[key] = oldest;
}

const Said* RoomNews::mentioned_before(const std::string& key) const {
  const auto found = mentioned_.find(key);
  return found == mentioned_.end() ? nullptr : &found->second;
}

std::vector<std::string> RoomNews::senders() const {
  std::set<std::string> names;
  for (auto said = said_.rbegin(); said != said_.rend() && names.size() < kSendersMax; ++said)
    names.insert(said->from);
  return {names.begin(), names.end()};
}

}  // namespace parley::backend
