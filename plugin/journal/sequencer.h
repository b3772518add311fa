#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/ids.h"
#include "plugin/journal/journal.h"
#include "wire/envelope.h"
#include "wire/error_codes.h"

namespace parley::plugin {

// The room an entry is for, as the Directory has it at that moment.
struct SequencedRoom {
  std::uint64_t id = 0;  // never 0
  std::string_view name;
  std::string_view epoch;
  std::uint64_t floor = 0;  // the room goes on above this (RoomPut::last_seq)
};

// Something to be given its place in a room. Rights, rate and content were checked before.
struct SequencerEntry {
  SequencedRoom room;
  std::string_view user;    // whose entry it is
  std::string_view device;  // "" for entries of the backend
  std::string_view role;    // "" when none
  std::string_view type;
  std::string_view ref;      // "" when none
  std::string_view content;  // a JSON object
  bool by_backend = false;   // $CONTROL append: refs of its own, apart from the user's
  bool imported = false;     // not to be delivered live
  std::int64_t sent_at = 0;  // ms; imported entries only; 0: now
};

struct Accepted {
  std::uint64_t seq = 0;
  Offset offset = 0;          // behind the record
  std::string_view envelope;  // valid until the next put()
  bool imported = false;
  Ulid id{};
};
struct Duplicate {
  std::uint64_t seq = 0;  // the first one's
};
struct Refused {
  wire::Code code{};
  std::string reason;  // a sentence for the sender
};
using SequencerResult = std::variant<Accepted, Duplicate, Refused>;

// Gives every message its place in its room's order. One broker numbers by itself (LocalSequencer); several
// will stamp and let the partition's owner number. For the broker's thread only.
class Sequencer {
 public:
  virtual ~Sequencer() = default;
  // Accepted: written down, its number and ref taken. Duplicate and Refused: nothing was changed, and a
  // refused message uses up neither number nor ref. Refused codes: backlog_full and unavailable (try later),
  // too_large, internal.
  virtual SequencerResult put(const SequencerEntry& entry, WallTime now) = 0;
  // Would put() say Duplicate?
  virtual bool is_repeat(const SequencerEntry& entry, WallTime now) const = 0;
  // The room goes on above `seq`.
  virtual void raise_floor(std::uint64_t room_id, std::uint64_t seq) = 0;
  virtual std::uint64_t last_seq(std::uint64_t room_id) const = 0;  // 0: none yet
  virtual void forget(std::uint64_t room_id) = 0;
  // True until a consumer has agreed to the numbers of a journal with a new id: put() refuses everything
  // (unavailable). Feed::start() opens it.
  virtual bool closed() const = 0;
};

// Numbers from the journal's own memory. The journal must outlive it. Does not block but as Journal::append
// does.
class LocalSequencer final : public Sequencer {
 public:
  explicit LocalSequencer(Journal& journal) : journal_(journal) {}
  SequencerResult put(const SequencerEntry& entry, WallTime now) override;
  bool is_repeat(const SequencerEntry& entry, WallTime now) const override;
  void raise_floor(std::uint64_t room_id, std::uint64_t seq) override { journal_.raise_floor(room_id, seq); }
  std::uint64_t last_seq(std::uint64_t room_id) const override {
    return journal_.numbers().last_seq(room_id);
  }
  void forget(std::uint64_t room_id) override { journal_.forget(room_id); }
  bool closed() const override { return !journal_.is_open_for_messages(); }

 private:
  void build_envelope(const SequencerEntry& entry, std::uint64_t seq, WallTime now);
  wire::Record record_of(const SequencerEntry& entry, const wire::RefHash& ref) const;

  Journal& journal_;
  UlidGenerator ids_;
  wire::Envelope envelope_;  // reused, so that no message allocates once the buffers have grown
  std::string json_;
};

}  // namespace parley::plugin
