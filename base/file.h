#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace parley {

// An owned file descriptor; closed with the object. Moves, does not copy.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Whole small files. Errors: not_found, permission_denied, invalid_argument (larger than max_bytes), unavailable (I/O).
Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes = 1 << 20);

// A secret's file, trimmed of one trailing newline; refused (permission_denied) when others may read it (mode & 0007)
// or when it is empty (invalid_argument).
Result<std::string> read_secret_file(const std::filesystem::path& path);

// Replaces `path` whole or not at all, also across a crash: temporary file beside it, fsync, rename, fsync of the folder.
// in_doubt: replaced, but the folder's fsync failed, so a power loss may bring the old file back.
Result<> write_file_atomic(const std::filesystem::path& path, std::string_view data, int mode = 0600);

// Appends all of `data` to the end of `fd` with write(2); on a short write the file is cut back to where it was (unavailable;
// in_doubt when it can't be cut).
Result<> append_all(const Fd& fd, std::string_view data);

Result<> sync_directory(const std::filesystem::path& dir);

// "what: path: strerror(errno)", with the code that fits errno.
Error errno_error(std::string_view what, const std::filesystem::path& path);

}  // namespace parley
