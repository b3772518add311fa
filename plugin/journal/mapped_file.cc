#include "plugin/journal/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace parley::plugin {

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Result<MappedFile> MappedFile::open(const std::filesystem::path& path, Access access) {
  const bool writable = access == Access::write;
  MappedFile file;
  file.fd_ = Fd(::open(path.c_str(), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC));
  if (!file.fd_) return std::unexpected(errno_error("Can't open", path));
  struct stat status {};
  if (::fstat(file.fd_.get(), &status) != 0) return std::unexpected(errno_error("Can't look at", path));
  if (status.st_size == 0) return file;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* at =
      ::mmap(nullptr, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, file.fd_.get(), 0);
  if (at == MAP_FAILED) return std::unexpected(errno_error("Can't map", path));
  file.data_ = static_cast<char*>(at);
  file.size_ = size;
  return file;
}

Result<MappedFile> MappedFile::populate(Fd fd, std::size_t bytes, const std::filesystem::path& path) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd.get(), 0);
  if (at == MAP_FAILED) return std::unexpected(errno_error("Can't map", path));
  MappedFile file;
  file.fd_ = std::move(fd);
  file.data_ = static_cast<char*>(at);
  file.size_ = bytes;
  return file;
}

void MappedFile::will_need() const {
  if (data_ != nullptr) ::madvise(data_, size_, MADV_WILLNEED);
}

}  // namespace parley::plugin
