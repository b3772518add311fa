#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace parley {
namespace {

Errc code_of_errno(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return Errc::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::permission_denied;
    case EEXIST:
      return Errc::already_exists;
    case EISDIR:
    case EINVAL:
    case ELOOP:
    case ENAMETOOLONG:
      return Errc::invalid_argument;
    default:
      return Errc::unavailable;
  }
}

std::unexpected<Error> fail_errno(std::string_view what, const std::filesystem::path& path) {
  return std::unexpected(errno_error(what, path));
}

Result<Fd> open_for_reading(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("Can't open", path);
  return fd;
}

Result<std::string> read_all(const Fd& fd, const std::filesystem::path& path, std::size_t max_bytes) {
  std::string out;
  char buffer[16 * 1024];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got == 0) return out;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("Can't read", path);
    if (static_cast<std::size_t>(got) > max_bytes - out.size()) {
      return fail(Errc::invalid_argument,
                  path.string() + " is larger than " + std::to_string(max_bytes) + " bytes.");
    }
    out.append(buffer, static_cast<std::size_t>(got));
  }
}

// True when every byte was written; otherwise errno says why not.
bool write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    data.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Names a file that is on its way to replace another, and removes it unless it did.
class Replacement {
 public:
  explicit Replacement(const std::filesystem::path& path) : path_(path), name_(path.string() + ".XXXXXX") {}
  ~Replacement() {
    if (fd_) ::unlink(name_.c_str());
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  bool write(std::string_view data, int mode) {
    fd_ = Fd(::mkostemp(name_.data(), O_CLOEXEC));
    return fd_ && ::fchmod(fd_.get(), static_cast<mode_t>(mode)) == 0 && write_all(fd_.get(), data) &&
           ::fsync(fd_.get()) == 0;
  }

  bool put() {
    if (::rename(name_.c_str(), path_.c_str()) != 0) return false;
    fd_ = Fd();
    return true;
  }

 private:
  std::filesystem::path path_;
  std::string name_;
  Fd fd_;
};

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const Result<Fd> fd = open_for_reading(path);
  if (!fd) return std::unexpected(fd.error());
  return read_all(*fd, path, max_bytes);
}

Result<std::string> read_secret_file(const std::filesystem::path& path) {
  const Result<Fd> fd = open_for_reading(path);
  if (!fd) return std::unexpected(fd.error());
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) return fail_errno("Can't look at", path);
  if ((status.st_mode & 0007) != 0) {
    return fail(Errc::permission_denied, "Everyone on this machine may use " + path.string() +
                                             ", which holds a secret; take their rights away (chmod o= …).");
  }
  Result<std::string> secret = read_all(*fd, path, 1 << 20);
  if (!secret) return secret;
  if (secret->ends_with('\n')) secret->pop_back();
  if (secret->empty())
    return fail(Errc::invalid_argument, path.string() + " is empty, but should hold a secret.");
  return secret;
}

Result<> write_file_atomic(const std::filesystem::path& path, std::string_view data, int mode) {
  Replacement replacement(path);
  if (!replacement.write(data, mode)) return fail_errno("Can't write", path);
  if (!replacement.put()) return fail_errno("Can't replace", path);
  const std::filesystem::path folder = path.parent_path();
  if (auto synced = sync_directory(folder.empty() ? "." : folder); !synced) {
    return fail(Errc::in_doubt, std::move(synced.error().message));
  }
  return {};
}

Result<> append_all(const Fd& fd, std::string_view data) {
  const off_t start = ::lseek(fd.get(), 0, SEEK_END);
  if (start < 0) return fail(Errc::unavailable, errno_error("Can't append", "").message);
  if (write_all(fd.get(), data)) return {};
  Error error = errno_error("Can't append", "");
  const bool cut_back = ::ftruncate(fd.get(), start) == 0;
  return fail(cut_back ? Errc::unavailable : Errc::in_doubt, std::move(error.message));
}

Result<> sync_directory(const std::filesystem::path& dir) {
  const Fd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("Can't open folder", dir);
  if (::fsync(fd.get()) != 0) return fail_errno("Can't sync folder", dir);
  return {};
}

Error errno_error(std::string_view what, const std::filesystem::path& path) {
  const int number = errno;
  std::string message(what);
  if (!path.empty()) message += ": " + path.string();
  message += ": " + std::generic_category().message(number);
  return {code_of_errno(number), std::move(message)};
}

}  // namespace parley
