#pragma once
#include <cstddef>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/result.h"

namespace parley::plugin {

// A whole file in memory, shared with the disk. Unmapped with the object. Moves, does not copy.
class MappedFile {
 public:
  enum class Access { read, write };

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept
      : fd_(std::move(other.fd_)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  // An empty file is mapped as no bytes. Errors as errno_error().
  static Result<MappedFile> open(const std::filesystem::path& path, Access access);
  // Maps `bytes` bytes of an open file for writing, its pages there already, so that storing into them does
  // not stop at a fault.
  static Result<MappedFile> populate(Fd fd, std::size_t bytes, const std::filesystem::path& path);

  char* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::string_view view() const { return {data_, size_}; }
  // Asks the kernel to read ahead; does not wait.
  void will_need() const;

 private:
  Fd fd_;
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace parley::plugin
