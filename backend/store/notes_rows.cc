#include "backend/store/notes_rows.h"

#include <algorithm>

#include "wire/entry.h"

namespace parley::backend {

void NotesRows::edit(Place message, std::uint64_t seq, std::int64_t at_ms, std::string_view envelope) {
  auto& notes = notes_[message];
  notes.edit_seq = seq;
  notes.edit_at_ms = at_ms;
  notes.edit_content = wire::content_of(envelope);
}

void NotesRows::thread(Place root, std::uint64_t replies, std::uint64_t last_seq) {
  if (replies == 0) return;
  auto& notes = notes_[root];
  notes.replies = replies;
  notes.last_reply = last_seq;
}

void NotesRows::reaction(Place message, std::string_view key, std::string_view user, std::uint64_t times) {
  auto& reactions = notes_[message].reactions;
  auto at = std::ranges::find(reactions, key, &wire::Reaction::key);
  if (at == reactions.end()) {
    if (reactions.size() == wire::kReactionKeysTold) return;
    at = reactions.insert(at, wire::Reaction{.key = std::string(key)});
  }
  at->count = times > 1 ? times : at->count + 1;
  if (at->users.size() < wire::kReactionUsersTold) at->users.emplace_back(user);
}

std::map<Place, wire::Notes> NotesRows::finish() && {
  return std::move(notes_);
}

}  // namespace parley::backend
