#include "plugin/journal/sequencer.h"

#include <algorithm>

#include "wire/limits.h"
#include "wire/record.h"

namespace parley::plugin {
namespace {

constexpr std::size_t kRecordTextMax = 255;  // lengths are one byte in a record

bool fits_record(const SequencerEntry& e) {
  return e.room.id != 0 && e.room.name.size() <= kRecordTextMax && e.user.size() <= kRecordTextMax &&
         e.type.size() <= kRecordTextMax && e.ref.size() <= kRecordTextMax;
}

Refused refusal(AppendError error, const Journal& journal) {
  switch (error) {
    case AppendError::backlog_full:
      return {wire::Code::backlog_full, std::string(wire::code_sentence(wire::Code::backlog_full))};
    case AppendError::too_large:
      return {wire::Code::too_large, "The message is larger than the journal takes."};
    case AppendError::no_space:
    case AppendError::broken:
      break;
  }
  // Senders learn that it is the disk, not which file of the server's.
  return {wire::Code::unavailable, journal.stats().spares == 0 && error == AppendError::no_space
                                       ? "The server's disk is full or too slow; try again later."
                                       : "The server can't write messages down just now; try again later."};
}

wire::RefHash hash_of(const SequencerEntry& e) {
  return e.ref.empty() ? wire::kNoRef : wire::ref_hash(e.room.id, e.user, e.ref, e.by_backend);
}

}  // namespace

bool LocalSequencer::is_repeat(const SequencerEntry& entry, WallTime now) const {
  return !entry.ref.empty() && journal_.numbers().find_ref(hash_of(entry), now);
}

SequencerResult LocalSequencer::put(const SequencerEntry& entry, WallTime now) {
  if (closed())
    return Refused{wire::Code::unavailable,
                   "Messages are taken when the server's backend has attached; try again later."};
  if (!fits_record(entry)) return Refused{wire::Code::internal, "The entry does not fit a record."};
  const wire::RefHash ref = hash_of(entry);
  if (!entry.ref.empty()) {
    if (const auto first = journal_.numbers().find_ref(ref, now)) return Duplicate{*first};
  }
  const std::uint64_t seq = std::max(last_seq(entry.room.id), entry.room.floor) + 1;
  build_envelope(entry, seq, now);
  const auto offset = journal_.append(record_of(entry, ref));
  if (!offset) return refusal(offset.error(), journal_);
  return Accepted{seq, *offset, json_, entry.imported, envelope_.id};
}

void LocalSequencer::build_envelope(const SequencerEntry& entry, std::uint64_t seq, WallTime now) {
  envelope_.seq = seq;
  envelope_.epoch = entry.room.epoch;
  envelope_.id = ids_.next(now);
  envelope_.room = entry.room.name;
  envelope_.from = entry.user;
  envelope_.role = entry.role;
  envelope_.device = entry.device;
  envelope_.at = to_ms(now);
  envelope_.type = entry.type;
  envelope_.ref = entry.ref;
  envelope_.imported = entry.imported;
  envelope_.sent_at = !entry.imported ? 0 : entry.sent_at != 0 ? entry.sent_at : envelope_.at;
  envelope_.content = entry.content;
  json_.clear();
  wire::append_envelope(json_, envelope_);
}

wire::Record LocalSequencer::record_of(const SequencerEntry& entry, const wire::RefHash& ref) const {
  wire::Record record;
  record.room_id = entry.room.id;
  record.seq = envelope_.seq;
  record.at_ms = envelope_.at;
  record.id = envelope_.id;
  record.ref_hash = ref;
  record.flags = static_cast<std::uint8_t>((entry.imported ? wire::kRecordImported : 0) |
                                           (entry.by_backend ? wire::kRecordAppended : 0));
  record.room = entry.room.name;
  record.from = entry.user;
  record.type = entry.type;
  record.ref = entry.ref;
  record.envelope = json_;
  return record;
}

}  // namespace parley::plugin
