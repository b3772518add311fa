#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace parley {
namespace {

namespace fs = std::filesystem;

class File : public testing::Test {
 protected:
  File() {
    std::string name = (fs::temp_directory_path() / "parley_file_test.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~File() override { fs::remove_all(folder_); }

  fs::path path(std::string_view name) const { return folder_ / name; }
  fs::path written(std::string_view name, std::string_view data, int mode = 0600) const {
    EXPECT_TRUE(write_file_atomic(path(name), data, mode));
    return path(name);
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(File, is_read_whole_up_to_its_limit) {
  const std::string data("a\0b\n", 4);
  const fs::path file = written("f", data);
  EXPECT_EQ(read_file(file), data);
  EXPECT_EQ(read_file(file, 4), data);
  EXPECT_EQ(read_file(file, 3).error().code, Errc::invalid_argument);
  EXPECT_EQ(read_file(written("empty", ""), 0), "");
  const std::string large(100'000, 'x');
  EXPECT_EQ(read_file(written("large", large)), large);
  EXPECT_EQ(read_file(path("large"), large.size() - 1).error().code, Errc::invalid_argument);
}

TEST_F(File, that_is_absent_or_no_file_is_told_apart) {
  EXPECT_EQ(read_file(path("none")).error().code, Errc::not_found);
  EXPECT_NE(read_file(path("none")).error().message.find("none"), std::string::npos);
  EXPECT_EQ(read_file(folder_).error().code, Errc::invalid_argument);
  EXPECT_EQ(read_file(written("f", "x") / "below").error().code, Errc::not_found);
}

TEST_F(File, of_a_secret_loses_one_newline_and_must_be_shut_to_others) {
  EXPECT_EQ(read_secret_file(written("s", "secret\n")), "secret");
  EXPECT_EQ(read_secret_file(written("s", "secret\n\n")), "secret\n");
  EXPECT_EQ(read_secret_file(written("s", " secret", 0640)), " secret");
  for (const int mode : {0604, 0602, 0601, 0644}) {
    EXPECT_EQ(read_secret_file(written("s", "secret", mode)).error().code, Errc::permission_denied) << mode;
  }
  EXPECT_EQ(read_secret_file(written("s", "\n")).error().code, Errc::invalid_argument);
  EXPECT_EQ(read_secret_file(written("s", "")).error().code, Errc::invalid_argument);
  EXPECT_EQ(read_secret_file(path("none")).error().code, Errc::not_found);
}

TEST_F(File, is_replaced_whole_with_the_mode_asked_for) {
  written("f", "first and longer");
  const fs::path file = written("f", "second", 0640);
  EXPECT_EQ(read_file(file), "second");
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
  EXPECT_EQ(files(), 1U);
}

TEST_F(File, that_cannot_be_replaced_stays_and_leaves_nothing_beside_it) {
  EXPECT_EQ(write_file_atomic(path("none") / "f", "x").error().code, Errc::not_found);
  fs::create_directory(path("folder"));
  EXPECT_FALSE(write_file_atomic(path("folder"), "x"));
  EXPECT_TRUE(fs::is_directory(path("folder")));
  EXPECT_EQ(files(), 1U);
}

TEST_F(File, grows_by_what_is_appended_wherever_the_offset_stands) {
  const fs::path file = written("f", "one ");
  const Fd fd(::open(file.c_str(), O_RDWR));
  ASSERT_TRUE(fd);
  ASSERT_TRUE(append_all(fd, "two "));
  ::lseek(fd.get(), 0, SEEK_SET);
  ASSERT_TRUE(append_all(fd, "three"));
  ASSERT_TRUE(append_all(fd, ""));
  EXPECT_EQ(read_file(file), "one two three");
}

// While it lives, files of this process grow to `bytes` and not further.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(File, is_cut_back_when_only_part_could_be_appended) {
  const fs::path file = written("f", "kept");
  const Fd fd(::open(file.c_str(), O_RDWR));
  {
    const FileSizeLimit limit(10);
    EXPECT_EQ(append_all(fd, "more than ten").error().code, Errc::unavailable);
  }
  EXPECT_EQ(read_file(file), "kept");
  EXPECT_TRUE(append_all(fd, ", and more"));
  EXPECT_EQ(read_file(file), "kept, and more");
}

TEST_F(File, that_could_not_be_written_whole_does_not_replace_the_old_one) {
  const fs::path file = written("f", "old");
  {
    const FileSizeLimit limit(10);
    EXPECT_EQ(write_file_atomic(file, "more than ten").error().code, Errc::unavailable);
  }
  EXPECT_EQ(read_file(file), "old");
  EXPECT_EQ(files(), 1U);
}

TEST_F(File, append_to_a_closed_or_unseekable_descriptor_fails) {
  EXPECT_EQ(append_all(Fd(), "x").error().code, Errc::unavailable);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd read_end(ends[0]), write_end(ends[1]);
  EXPECT_EQ(append_all(write_end, "x").error().code, Errc::unavailable);
}

TEST_F(File, folder_is_synced_and_a_file_is_no_folder) {
  EXPECT_TRUE(sync_directory(folder_));
  EXPECT_EQ(sync_directory(written("f", "x")).error().code, Errc::not_found);
  EXPECT_EQ(sync_directory(path("none")).error().code, Errc::not_found);
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST_F(File, descriptor_is_closed_once_by_its_last_owner) {
  Fd first(::open(written("f", "x").c_str(), O_RDONLY));
  const int number = first.get();
  Fd second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): moved from means closed
  EXPECT_EQ(second.get(), number);
  EXPECT_TRUE(is_open(number));
  second = Fd();
  EXPECT_FALSE(is_open(number));
}

}  // namespace
}  // namespace parley
