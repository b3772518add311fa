#include "backend/store/batch_links.h"

#include <algorithm>

namespace parley::backend {

// Nothing for what is not there yet when the entry comes: it may still come, and be found by others.
wire::Target* BatchLinks::find(Place place, const wire::Entry& entry) {
  if (place.second == 0 || place.second >= entry.seq) return nullptr;
  auto known = found_.find(place);
  if (known == found_.end()) known = found_.emplace(place, load_(place)).first;
  return known->second ? &*known->second : nullptr;
}

// Of an erased user: a reply counts for nothing, but stays known as one.
LinkedRow BatchLinks::erased_row(std::string_view envelope, const wire::Entry& entry, LinkedRow row) {
  row.deleted = entry.seq;
  row.envelope = wire::erased(
      envelope, {.seq = entry.seq, .at_ms = entry.at_ms, .by = std::string(entry.from)}, row.thread);
  return row;
}

LinkedRow BatchLinks::add(std::uint64_t room_id, std::string_view envelope, const wire::Entry& entry,
                          std::uint64_t expired) {
  LinkedRow row{.target = entry.target};
  const bool erased = entry.deleted == entry.seq && entry.seq > 0;
  for (const auto& name : entry.mentions) effects_.mentions.push_back({{room_id, entry.seq}, name});
  if (wire::names_expired_thread(entry, expired)) {
    row.thread = entry.thread;
  } else if (auto* root = find({room_id, entry.thread}, entry); root && wire::is_reply(entry, *root)) {
    row.thread = entry.thread;
    if (erased) return erased_row(envelope, entry, row);
    auto& replies = effects_.replies[{room_id, entry.thread}];
    ++replies.added;
    replies.last_seq = std::max(replies.last_seq, entry.seq);
    speak_of(room_id, entry.thread);
  }
  if (erased) return erased_row(envelope, entry, row);
  auto* target = find({room_id, entry.target}, entry);
  if (!target) return row;
  if (wire::came_too_late(entry, *target)) {
    row.deleted = target->deletion.seq;
    row.envelope = wire::erased(envelope, target->deletion);
    effects_.rewritten[room_id] = entry.seq;
  } else if (wire::counts(entry, *target)) {
    apply(room_id, entry, *target);
  }
  return row;
}

void BatchLinks::apply(std::uint64_t room_id, const wire::Entry& entry, wire::Target& target) {
  const Place place{room_id, entry.target};
  if (entry.type == "delete") return remove(place, entry, target);
  if (entry.type == "edit")
    effects_.edits[place] = entry.seq;
  else
    effects_.reactions[{room_id, entry.target, entry.key, std::string(entry.from)}] =
        entry.remove ? 0 : entry.seq;
  speak_of(room_id, entry.target);
}

void BatchLinks::remove(Place place, const wire::Entry& entry, wire::Target& target) {
  target.deletion = {.seq = entry.seq, .at_ms = entry.at_ms, .by = std::string(entry.from)};
  effects_.deletions[place] = target.deletion;
  if (target.thread > 0) effects_.lost_replies[place] = target.thread;
  effects_.rewritten[place.first] = entry.seq;
  effects_.edits.erase(place);
  std::erase_if(effects_.reactions, [&](const auto& reaction) {
    return Place{std::get<0>(reaction.first), std::get<1>(reaction.first)} == place;
  });
  std::erase_if(effects_.mentions, [&](const auto& mention) { return mention.first == place; });
}

void BatchLinks::speak_of(std::uint64_t room_id, std::uint64_t seq) {
  auto& highest = effects_.annotated[room_id];
  highest = std::max(highest, seq);
}

}  // namespace parley::backend
