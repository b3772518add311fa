#include "plugin/directory/directory_files.h"

#include <fstream>

#include "plugin/directory/frames.h"
#include "plugin/directory/snapshot_writer.h"
#include "plugin/directory/test_world.h"
#include "wire/bytes.h"

namespace parley::plugin {
namespace {

using testing::TempDir;
using wire::UserPut;

std::string record(std::uint64_t version, std::string_view user) {
  std::string payload;
  wire::append_le(payload, version);
  wire::append_change(payload, UserPut{std::string(user)});
  return payload;
}

void write(const std::filesystem::path& path, std::initializer_list<std::string> payloads) {
  std::string bytes;
  for (const std::string& payload : payloads) append_frame(bytes, payload);
  std::ofstream(path, std::ios::binary) << bytes;
}

class Files : public ::testing::Test {
 protected:
  Files() {
    auto writer = SnapshotWriter::create(dir.path(), dir / "snapshot.new", {'S', 5, 3, "dirid"});
    EXPECT_TRUE(writer->add(UserPut{"alice"}));
    EXPECT_TRUE(writer->commit([](std::string_view) {}));
  }
  // The version reached; 0 when corrupt.
  std::uint64_t load() {
    Directory directory;
    const auto loaded = load_files(dir.path(), directory);
    if (loaded) return loaded->version;
    EXPECT_EQ(loaded.error().code, Errc::corrupt) << loaded.error().message;
    return 0;
  }
  std::string header(std::uint64_t version, std::uint64_t number, std::string id = "dirid") {
    return format_header({'L', version, number, std::move(id)});
  }
  TempDir dir;
};

TEST_F(Files, a_snapshot_alone_is_a_directory) {
  Directory directory;
  const auto loaded = load_files(dir.path(), directory);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->id, "dirid");
  EXPECT_EQ(loaded->version, 5u);
  EXPECT_EQ(loaded->first_log, 3u);
  EXPECT_EQ(loaded->last_log, 3u);
  EXPECT_EQ(loaded->last_log_bytes, 0u);
  EXPECT_EQ(loaded->snapshot_bytes, std::filesystem::file_size(dir / "snapshot"));
  EXPECT_TRUE(directory.find_user("alice"));
}

TEST_F(Files, logs_go_on_one_after_the_other) {
  write(dir / "log.2", {"left over, of no account"});
  write(dir / "log.3", {header(5, 3), record(6, "bob"), record(8, "carol")});
  write(dir / "log.4", {header(8, 4), record(9, "dave")});
  Directory directory;
  const auto loaded = load_files(dir.path(), directory);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->version, 9u);
  EXPECT_EQ(loaded->last_log, 4u);
  EXPECT_EQ(loaded->last_log_bytes, std::filesystem::file_size(dir / "log.4"));
  EXPECT_EQ(directory.user_count(), 4u);
  Directory folded;
  EXPECT_EQ(load_files(dir.path(), folded, 4)->version, 8u);
}

TEST_F(Files, a_log_with_a_torn_end_may_be_followed_by_one_that_goes_on_from_there) {
  write(dir / "log.3", {header(5, 3), record(6, "bob")});
  std::ofstream(dir / "log.3", std::ios::binary | std::ios::app) << "torn";
  EXPECT_EQ(load(), 6u);
  write(dir / "log.4", {header(6, 4), record(7, "carol")});
  EXPECT_EQ(load(), 7u);
  write(dir / "log.4", {header(7, 4), record(8, "carol")});
  EXPECT_EQ(load(), 0u) << "version 7 is missing";
}

TEST_F(Files, a_hole_between_files_is_corrupt) {
  write(dir / "log.4", {header(5, 4), record(6, "bob")});
  EXPECT_EQ(load(), 0u) << "log.3 is missing";
  write(dir / "log.3", {header(5, 3)});
  EXPECT_EQ(load(), 6u);
  std::filesystem::remove(dir / "snapshot");
  EXPECT_EQ(load(), 0u) << "logs without a snapshot";
}

TEST_F(Files, a_log_that_is_not_this_directorys_or_does_not_apply_is_corrupt) {
  write(dir / "log.3", {header(5, 3, "other"), record(6, "bob")});
  EXPECT_EQ(load(), 0u);
  write(dir / "log.3", {header(5, 4), record(6, "bob")});
  EXPECT_EQ(load(), 0u);
  write(dir / "log.3", {header(4, 3), record(6, "bob")});
  EXPECT_EQ(load(), 0u);
  write(dir / "log.3", {format_header({'S', 5, 3, "dirid"})});
  EXPECT_EQ(load(), 0u);
  write(dir / "log.3", {header(5, 3), record(5, "bob")});
  EXPECT_EQ(load(), 0u) << "a version twice";
  write(dir / "log.3", {header(5, 3), record(6, "ALICE")});
  EXPECT_EQ(load(), 0u) << "a change that can't be made";
  write(dir / "log.3", {header(5, 3), record(6, "bob") + "?"});
  EXPECT_EQ(load(), 0u);
  write(dir / "log.3", {header(5, 3), "short"});
  EXPECT_EQ(load(), 0u);
}

TEST_F(Files, a_snapshot_cut_or_damaged_anywhere_is_corrupt) {
  const std::string bytes = *read_file(dir / "snapshot");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::ofstream(dir / "snapshot", std::ios::binary) << bytes.substr(0, size);
    EXPECT_EQ(load(), 0u) << size;
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    std::ofstream(dir / "snapshot", std::ios::binary) << damaged;
    EXPECT_EQ(load(), 0u) << i;
  }
  std::ofstream(dir / "snapshot", std::ios::binary) << bytes << '\0';
  EXPECT_EQ(load(), 0u) << "something follows";
}

TEST_F(Files, an_unfinished_snapshot_goes_with_its_writer) {
  {
    auto writer = SnapshotWriter::create(dir.path(), dir / "snapshot.new", {'S', 9, 9, "dirid"});
    EXPECT_TRUE(writer->add(UserPut{"bob"}));
    EXPECT_TRUE(writer->flush());
    EXPECT_TRUE(std::filesystem::exists(dir / "snapshot.new"));
  }
  EXPECT_FALSE(std::filesystem::exists(dir / "snapshot.new"));
  EXPECT_EQ(load(), 5u);
}

TEST(NoFiles, are_an_empty_directory_without_id) {
  const TempDir dir;
  Directory directory;
  const auto loaded = load_files(dir.path(), directory);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->id, "");
  EXPECT_EQ(loaded->version, 0u);
}

}  // namespace
}  // namespace parley::plugin
