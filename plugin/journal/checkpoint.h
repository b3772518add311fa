#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "plugin/journal/mapped_file.h"
#include "plugin/journal/numbers.h"

namespace parley::plugin {

inline constexpr const char* kCheckpointName = "checkpoint";
inline constexpr const char* kRenewedCheckpointName = "checkpoint.renewed";

struct RoomLast {
  std::uint64_t room_id = 0;
  std::uint64_t last = 0;
};
static_assert(sizeof(RoomLast) == 16);

struct CheckpointInfo {
  std::string lineage;
  std::uint64_t covers = 0;       // it stands for all records before this offset
  std::int64_t ref_clock_ms = 0;  // RefTable::clock_ms of then
};

// A checkpoint on disk, mapped. Immutable.
class Checkpoint {
 public:
  // not_found; corrupt: a sentence with the file's name; unavailable.
  static Result<Checkpoint> open(const std::filesystem::path& path);

  const CheckpointInfo& info() const { return info_; }
  std::span<const RoomLast> rooms() const { return rooms_; }  // by room_id
  std::span<const UsedRef> refs() const { return refs_; }     // oldest first
  std::uint64_t bytes() const { return file_.size(); }
  void load(Numbers& numbers) const;

 private:
  MappedFile file_;
  CheckpointInfo info_;
  std::span<const RoomLast> rooms_;
  std::span<const UsedRef> refs_;
};

// Writes one beside its place and puts it there when it is whole and on disk. All rooms come before the first
// ref. Unless commit() succeeded, what was there before stays. Errors: unavailable.
class CheckpointWriter {
 public:
  static Result<CheckpointWriter> create(const std::filesystem::path& path, CheckpointInfo info);
  CheckpointWriter(CheckpointWriter&&) noexcept = default;
  CheckpointWriter& operator=(CheckpointWriter&&) = delete;
  ~CheckpointWriter();

  Result<> add(std::span<const RoomLast> rooms);
  Result<> add(std::span<const UsedRef> refs);
  Result<std::uint64_t> commit();  // its size in bytes

 private:
  CheckpointWriter(std::filesystem::path path, CheckpointInfo info, Fd fd);
  Result<> put(std::span<const std::byte> bytes);
  Result<> drain();

  std::filesystem::path path_, temporary_;
  CheckpointInfo info_;
  Fd fd_;
  std::string buffer_;
  std::uint64_t rooms_ = 0, refs_ = 0;
  std::uint32_t crc_ = 0;
};

// All of `numbers` as a checkpoint at `path`.
Result<std::uint64_t> write_checkpoint(const std::filesystem::path& path, const CheckpointInfo& info,
                                       const Numbers& numbers);

}  // namespace parley::plugin
