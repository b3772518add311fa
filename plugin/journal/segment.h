#pragma once
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "plugin/journal/disk.h"
#include "plugin/journal/mapped_file.h"
#include "wire/record.h"

namespace parley::plugin {

inline constexpr std::size_t kSegmentHeader = 64;
// No journal gets so far; a file that says so is damaged. What is added to offsets below it overflows nowhere.
inline constexpr std::uint64_t kOffsetMax = 1ull << 62;

// One file of the journal, mapped whole. Its records are written by the broker's thread; the journal's thread
// only reads used(), flushes, and keeps the durable mark. The file is closed with the object, and stays.
class Segment {
 public:
  // Makes the file: real space, header, size and extents on disk, then its name. unavailable: nothing is left
  // behind.
  static Result<std::shared_ptr<Segment>> create(const std::filesystem::path& dir, const std::string& lineage,
                                                 std::uint64_t base, std::uint64_t file_bytes, Disk& disk);
  // Maps a file that is there. corrupt: no sound header, or shorter than it says. Others: I/O.
  static Result<std::shared_ptr<Segment>> open(const std::filesystem::path& path, MappedFile::Access access);

  static std::string file_name(std::uint64_t base);  // 20 digits and ".seg"
  static std::optional<std::uint64_t> base_of(
      const std::string& name);  // of a file name; nullopt when it is no segment's
  // Does the file hold nothing but a header (sound or not)? Errors: I/O.
  static Result<bool> is_blank(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const std::string& lineage() const { return lineage_; }
  std::uint64_t base() const { return base_; }
  std::uint64_t capacity() const { return capacity_; }  // bytes of records
  std::uint64_t next_base() const { return base_ + capacity_; }
  char* records() const { return file_.data() + kSegmentHeader; }
  std::string_view area() const { return {records(), capacity_}; }

  // Bytes of records written. Published after the bytes.
  std::uint64_t used() const { return used_.load(std::memory_order_acquire); }
  void set_used(std::uint64_t used) { used_.store(used, std::memory_order_release); }
  std::string_view written() const { return {records(), used()}; }
  std::uint64_t end() const { return base_ + used(); }

  // A segment begins when its predecessor is full; from then on that one's length is known here.
  void begin(std::uint64_t used_before);
  std::optional<std::uint64_t> begun() const;  // used_before; nullopt: a spare

  // Bytes of records known to be on disk. For the journal's thread, and before it starts.
  std::uint64_t durable() const;
  void set_durable(std::uint64_t bytes);
  // Flushes what is written beyond durable() and moves the mark. 0, or an errno.
  int flush(Disk& disk);

  // Zeros everything behind `used` and makes it the end.
  void cut(std::uint64_t used);
  void will_need() const { file_.will_need(); }

 private:
  Segment(std::filesystem::path path, MappedFile file);

  std::filesystem::path path_;
  MappedFile file_;
  std::string lineage_;
  std::uint64_t base_ = 0;
  std::uint64_t capacity_ = 0;
  std::atomic<std::uint64_t> used_{0};
};

}  // namespace parley::plugin
