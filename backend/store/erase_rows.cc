#include "backend/store/erase_rows.h"

#include "base/encoding.h"
#include "wire/entry.h"

namespace parley::backend {
namespace {

bool keeps_content(const std::string& type) {
  return type == "delete" || type == "member" || type == "room";
}

}  // namespace

std::optional<ErasedRow> erase_row(const ErasableRow& row, const wire::Pseudonyms& of) {
  wire::Record record{.room_id = row.place.first, .seq = row.place.second, .at_ms = row.at_ms};
  record.flags = row.flags;
  record.from = row.sender;
  record.type = row.type;
  record.ref = row.ref;
  record.envelope = row.envelope;
  auto after = wire::without_names(record, row.thread, of);
  if (!after) return std::nullopt;
  const bool loses = after->own && row.deleted == 0 && !keeps_content(row.type);
  return ErasedRow{.after = *std::move(after), .loses_content = loses};
}

wire::Pseudonyms only(const std::string& user, const std::string& pseudonym) {
  return [key = fold_case(user), pseudonym](std::string_view name) {
    return fold_case(name) == key ? std::optional(pseudonym) : std::nullopt;
  };
}

void add_effects(const ErasableRow& row, const ErasedRow& erased, BatchLinks::Effects& effects) {
  if (!erased.loses_content || !wire::is_message(row.type)) return;
  effects.deletions[row.place] = {.seq = row.place.second, .at_ms = row.at_ms, .by = erased.after.from};
  if (row.thread > 0) effects.lost_replies[row.place] = row.thread;
}

void EraseStretch::add(Place place) {
  places.push_back(place);
  if (rooms.empty() || rooms.back() != place.first) rooms.push_back(place.first);
}

EraseStep EraseStretch::step() const {
  EraseStep step{.next = next, .changed = places.size(), .held = held, .rooms = rooms};
  if (finished) step.next = {.part = ErasePlace::Part::quarantine};
  return step;
}

}  // namespace parley::backend
