#include "plugin/journal/fold.h"

#include <algorithm>
#include <optional>

#include "plugin/journal/checkpoint.h"
#include "plugin/journal/scan.h"

namespace parley::plugin {
namespace {

// What the segments add to the checkpoint before them.
struct Additions {
  std::vector<RoomLast> rooms;  // by room_id, each once
  std::vector<UsedRef> refs;    // oldest first
  std::int64_t clock_ms = 0;
};

void keep_last_of_each(std::vector<RoomLast>& rooms) {
  std::ranges::sort(rooms, [](const RoomLast& a, const RoomLast& b) {
    return a.room_id != b.room_id ? a.room_id < b.room_id : a.last > b.last;
  });
  const auto same = [](const RoomLast& a, const RoomLast& b) { return a.room_id == b.room_id; };
  const auto rest = std::ranges::unique(rooms, same);
  rooms.erase(rest.begin(), rest.end());
}

Result<Additions> read_segments(const FoldJob& job, std::int64_t clock_ms) {
  Additions out;
  out.clock_ms = std::max<std::int64_t>(clock_ms, 0);
  for (const auto& segment : job.segments) {
    const ScanEnd end = scan_records(segment->written(), [&](const wire::Record& record) {
      out.clock_ms = std::max(out.clock_ms, record.at_ms);
      out.rooms.push_back({record.room_id, record.seq});
      if (record.ref_hash != wire::kNoRef) out.refs.push_back({record.ref_hash, record.seq, out.clock_ms});
    });
    if (end.at != segment->used()) {
      return fail(Errc::corrupt, segment->path().string() + " is damaged at byte " +
                                     std::to_string(kSegmentHeader + end.at) +
                                     ": it stays, and the journal is not trimmed any further.");
    }
  }
  keep_last_of_each(out.rooms);
  return out;
}

// Writes both sorted lists as one, the larger number of each room, without the forgotten ones.
Result<> merge_rooms(std::span<const RoomLast> old, std::span<const RoomLast> added,
                     const std::vector<std::uint64_t>& forgotten, CheckpointWriter& writer) {
  std::size_t i = 0, j = 0;
  while (i < old.size() || j < added.size()) {
    RoomLast room;
    if (j == added.size() || (i < old.size() && old[i].room_id < added[j].room_id)) {
      room = old[i++];
    } else {
      room = added[j++];
      if (i < old.size() && old[i].room_id == room.room_id) room.last = std::max(room.last, old[i++].last);
    }
    if (std::ranges::binary_search(forgotten, room.room_id)) continue;
    if (auto put = writer.add(std::span<const RoomLast>(&room, 1)); !put) return put;
  }
  return {};
}

// What is left of `refs`, oldest first, when the window has passed over them.
std::span<const UsedRef> within_window(std::span<const UsedRef> refs, std::int64_t clock_ms,
                                       std::chrono::milliseconds window) {
  const auto expired = [&](const UsedRef& used) {
    return clock_ms - std::max<std::int64_t>(used.at_ms, 0) >= window.count();
  };
  return refs.subspan(static_cast<std::size_t>(std::ranges::partition_point(refs, expired) - refs.begin()));
}

Result<> join_refs(std::span<const UsedRef> old, const Additions& additions, const FoldJob& job,
                   CheckpointWriter& writer) {
  old = within_window(old, additions.clock_ms, job.ref_window);
  std::span<const UsedRef> added = within_window(additions.refs, additions.clock_ms, job.ref_window);
  added = added.last(std::min(added.size(), job.ref_max));
  old = old.last(std::min(old.size(), job.ref_max - added.size()));
  if (auto put = writer.add(old); !put) return put;
  return writer.add(added);
}

}  // namespace

Result<std::uint64_t> fold(const FoldJob& job) {
  const std::filesystem::path path = job.dir / kCheckpointName;
  Result<Checkpoint> found = Checkpoint::open(path);
  if (!found && found.error().code != Errc::not_found) return std::unexpected(found.error());
  const Checkpoint old = found ? std::move(*found) : Checkpoint();
  if (found && (old.info().lineage != job.lineage || old.info().covers != job.segments.front()->base())) {
    return fail(Errc::corrupt, path.string() + " does not belong to the segments behind it.");
  }
  const Result<Additions> additions = read_segments(job, old.info().ref_clock_ms);
  if (!additions) return std::unexpected(additions.error());
  Result<CheckpointWriter> writer =
      CheckpointWriter::create(path, {job.lineage, job.covers(), additions->clock_ms});
  if (!writer) return std::unexpected(writer.error());
  if (auto done = merge_rooms(old.rooms(), additions->rooms, job.forgotten, *writer); !done)
    return std::unexpected(done.error());
  if (auto done = join_refs(old.refs(), *additions, job, *writer); !done)
    return std::unexpected(done.error());
  return writer->commit();
}

}  // namespace parley::plugin
