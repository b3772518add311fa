#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugin/journal/segment.h"

namespace parley::plugin {

struct FoldJob {
  std::filesystem::path dir;
  std::string lineage;
  std::vector<std::shared_ptr<Segment>> segments;  // full ones, from the checkpoint's end on, without a gap
  std::vector<std::uint64_t> forgotten;            // rooms that leave no trace; sorted
  std::chrono::milliseconds ref_window{};
  std::size_t ref_max = 0;
  std::uint64_t covers() const { return segments.back()->next_base(); }
};

// Makes the next checkpoint: the one in `dir` (or none) and the records of the segments. Touches nothing but
// files, and full segments, which nobody writes to. On success the segments are no longer needed to recover;
// on an error the old checkpoint stands. Memory: 16 bytes a record, and 32 a ref, of the segments. Returns
// the checkpoint's size. Errors: corrupt, unavailable.
Result<std::uint64_t> fold(const FoldJob& job);

}  // namespace parley::plugin
