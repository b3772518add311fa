#pragma once
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugin/journal/identity.h"
#include "plugin/journal/numbers.h"
#include "plugin/journal/segment.h"

namespace parley::plugin {

// What a folder was found to hold.
struct Recovered {
  Identity identity;
  std::deque<std::shared_ptr<Segment>> segments;  // begun ones, without a gap; the last one can be written to
  std::uint64_t next_base = 0;                    // where the next new segment begins
  std::uint64_t checkpoint_bytes = 0;
  std::uint64_t records = 0;    // read from the segments
  std::uint64_t cut_bytes = 0;  // of a torn tail, or of what a power cut left behind
  std::string notice;           // a sentence when the journal got a new id or lost something; else ""
};

// Reads the journal in `dir` into `numbers` (empty before). First everything is looked at; only when all is
// well are left-overs removed (temporary files, spares, what a checkpoint covers) and a torn tail cut.
//
// A torn tail: what stands behind the last sound record of the last segment, with no sound record behind it.
// A process that is killed leaves at most one, of a record that nobody was told was accepted. After a power
// cut (identity's boot id is another one, and it was not synced) everything from the first damage on that was
// not known to be on disk is cut as well, and the journal gets a new id, closed for messages: also when no
// damage is to be seen, for records may be missing without a trace. A folder in another `place` than it was
// last, a copy, gets a new id too.
//
// Errors: corrupt (nothing was changed), unavailable, permission_denied.
Result<Recovered> recover(const std::filesystem::path& dir, const std::string& boot_id,
                          const std::string& place, Numbers& numbers);

}  // namespace parley::plugin
