#include "backend/requests/folded_page.h"

#include <algorithm>

#include "wire/entry.h"
#include "wire/limits.h"

namespace parley::backend {
namespace {

constexpr std::size_t kFrame = 1024;  // of a reply around its messages, commas included

void cut_to_reply(Page& page, Cut cut) {
  auto& envelopes = page.envelopes;
  if (cut == Cut::oldest) std::ranges::reverse(envelopes);
  std::size_t bytes = 0, kept = 0;
  while (kept < envelopes.size()) {
    bytes += envelopes[kept].size() + 1;
    if (kept > 0 && bytes > wire::kReplyMax - kFrame) break;
    ++kept;
  }
  if (kept < envelopes.size()) {
    envelopes.resize(kept);
    page.more = true;
  }
  if (cut == Cut::oldest) std::ranges::reverse(envelopes);
}

}  // namespace

Result<Page> fold_page(const RequestContext& context, const Room& room, Page page, Cut cut) {
  std::vector<Place> spoken_of;
  for (const auto& envelope : page.envelopes)
    if (const auto seq = wire::seq_of_envelope(envelope); seq > 0 && seq <= room.annotated)
      spoken_of.emplace_back(room.id, seq);
  if (spoken_of.empty()) return page;
  auto notes = context.services.stores.messages->notes(spoken_of);
  if (!notes) return std::unexpected(notes.error());
  for (auto& envelope : page.envelopes)
    if (auto found = notes->find({room.id, wire::seq_of_envelope(envelope)}); found != notes->end())
      envelope = wire::folded(envelope, found->second);
  cut_to_reply(page, cut);
  return page;
}

}  // namespace parley::backend
