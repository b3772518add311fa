#include "plugin/auth/client_id_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/crypto.h"
#include "base/encoding.h"

namespace parley::plugin {
namespace {

namespace fs = std::filesystem;
using Held = ClientIdLog::Held;
using State = std::map<std::string, Held>;  // by folded id

// In memory where there is such a place: opening a log fsyncs, and these tests open thousands.
fs::path scratch_folder() {
  return fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
}

const WallTime kNow = from_ms(1'795'314'673'123);

class ClientIdLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    base_ = scratch_folder() / ("parley_cidlog_" + hex_encode(random_bytes(8)));
    fs::create_directory(base_);
  }
  void TearDown() override { fs::remove_all(base_); }

  fs::path fresh() { return base_ / std::to_string(++made_); }
  // A folder with this one file in it.
  fs::path folder_with(std::string_view content, const char* name = "client_ids.1") {
    fs::path dir = fresh();
    fs::create_directory(dir);
    EXPECT_TRUE(write_file_atomic(dir / name, content));
    return dir;
  }
  static State state_of(const ClientIdLog::Opened& opened) {
    State state;
    for (const Held& held : opened.held) EXPECT_TRUE(state.emplace(fold_case(held.id), held).second);
    return state;
  }

  fs::path base_;
  int made_ = 0;
};

// A log of a few records, and what it holds after each of them: (bytes, state).
struct Sample {
  std::string bytes;
  std::vector<std::pair<std::size_t, State>> steps;
};

Sample sample(const fs::path& dir) {
  auto opened = ClientIdLog::open(dir, kNow);
  Sample sample;
  State state;
  sample.steps.emplace_back(opened->log->size(), state);
  auto put = [&](const Held& held) {
    EXPECT_TRUE(opened->log->put(held));
    state[fold_case(held.id)] = held;
    sample.steps.emplace_back(opened->log->size(), state);
  };
  put({"Phone", "alice", 5});
  put({"tablet-7", "bob", 6});
  put({"phone", "alice", 7});
  EXPECT_TRUE(opened->log->drop("TABLET-7"));
  state.erase("tablet-7");
  sample.steps.emplace_back(opened->log->size(), state);
  put({std::string(64, 'x'), std::string(64, 'u'), 8});
  sample.bytes = read_file(dir / "client_ids.1").value();
  return sample;
}

TEST_F(ClientIdLogTest, starts_empty_and_reads_back_what_was_written) {
  fs::path dir = fresh();
  Sample written = sample(dir);
  EXPECT_EQ(written.bytes.size(), written.steps.back().first);
  auto opened = ClientIdLog::open(dir, kNow);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->cut_bytes, 0U);
  EXPECT_EQ(state_of(*opened), written.steps.back().second);
}

TEST_F(ClientIdLogTest, a_log_cut_at_any_byte_gives_the_state_before_it) {
  Sample written = sample(fresh());
  for (std::size_t size = 0; size <= written.bytes.size(); ++size) {
    auto opened = ClientIdLog::open(folder_with(written.bytes.substr(0, size)), kNow);
    ASSERT_TRUE(opened) << size;
    State wanted;
    std::size_t whole = 0;
    for (const auto& [end, state] : written.steps) {
      if (end > size) break;
      wanted = state;
      whole = end;
    }
    EXPECT_EQ(state_of(*opened), wanted) << size;
    EXPECT_EQ(opened->cut_bytes, size - whole) << size;
  }
}

TEST_F(ClientIdLogTest, any_damaged_byte_ends_the_reading_there) {
  Sample written = sample(fresh());
  for (std::size_t i = 8; i < written.bytes.size(); ++i) {
    std::string bytes = written.bytes;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x10);
    auto opened = ClientIdLog::open(folder_with(bytes), kNow);
    ASSERT_TRUE(opened) << i;
    auto step =
        std::find_if(written.steps.begin(), written.steps.end(), [&](const auto& s) { return s.first > i; });
    EXPECT_EQ(state_of(*opened), std::prev(step)->second) << i;
    EXPECT_EQ(opened->cut_bytes, bytes.size() - std::prev(step)->first) << i;
  }
}

TEST_F(ClientIdLogTest, a_file_that_is_not_ours_is_refused_and_left_alone) {
  for (std::string_view content : {"hello, world", "PLYCID2\nabc"}) {
    fs::path dir = folder_with(content);
    auto opened = ClientIdLog::open(dir, kNow);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::corrupt);
    EXPECT_EQ(read_file(dir / "client_ids.1").value(), content);
  }
}

TEST_F(ClientIdLogTest, a_header_a_power_loss_left_unwritten_is_an_empty_log) {
  for (const std::string& content : {std::string(), std::string("PLY"), std::string(100, '\0')}) {
    auto opened = ClientIdLog::open(folder_with(content), kNow);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->held.empty());
    EXPECT_EQ(opened->cut_bytes, content.size());
  }
}

TEST_F(ClientIdLogTest, other_files_are_left_alone) {
  fs::path dir = folder_with("hello", "client_ids.1.backup");
  ASSERT_TRUE(write_file_atomic(dir / "client_ids.", "hello"));
  ASSERT_TRUE(write_file_atomic(dir / "client_ids.0", "hello"));
  ASSERT_TRUE(ClientIdLog::open(dir, kNow));
  EXPECT_EQ(read_file(dir / "client_ids.1.backup").value(), "hello");
  EXPECT_TRUE(fs::exists(dir / "client_ids.1"));
}

TEST_F(ClientIdLogTest, who_was_connected_is_offline_from_the_opening_on) {
  fs::path dir = fresh();
  ASSERT_TRUE(ClientIdLog::open(dir, kNow)->log->put({"phone", "alice", 0}));
  EXPECT_EQ(ClientIdLog::open(dir, kNow)->held.at(0).since_ms, to_ms(kNow));
  EXPECT_EQ(ClientIdLog::open(dir, kNow + std::chrono::hours(1))->held.at(0).since_ms, to_ms(kNow));
}

TEST_F(ClientIdLogTest, a_rotation_cut_short_at_any_byte_loses_nothing) {
  fs::path dir = fresh();
  auto opened = ClientIdLog::open(dir, kNow);
  ASSERT_TRUE(opened->log->put({"phone", "alice", 5}));
  ASSERT_TRUE(opened->log->put({"tablet", "bob", 6}));
  ASSERT_TRUE(opened->log->begin_rotation());
  EXPECT_TRUE(opened->log->rotating());
  ASSERT_TRUE(opened->log->put({"phone", "alice", 5}));
  ASSERT_TRUE(opened->log->put({"tablet", "bob", 6}));
  std::string old = read_file(dir / "client_ids.1").value(), next = read_file(dir / "client_ids.2").value();
  for (std::size_t size = 0; size <= next.size(); ++size) {
    fs::path copy = folder_with(old);
    ASSERT_TRUE(write_file_atomic(copy / "client_ids.2", next.substr(0, size)));
    EXPECT_EQ(ClientIdLog::open(copy, kNow)->held.size(), 2U) << size;
  }
}

TEST_F(ClientIdLogTest, old_generations_go_when_the_next_but_one_begins) {
  fs::path dir = fresh();
  auto opened = ClientIdLog::open(dir, kNow);
  ClientIdLog& log = *opened->log;
  ASSERT_TRUE(log.begin_rotation());
  log.end_rotation();
  EXPECT_FALSE(log.rotating());
  EXPECT_TRUE(fs::exists(dir / "client_ids.1"));
  ASSERT_TRUE(log.put({"phone", "alice", 5}));
  ASSERT_TRUE(log.begin_rotation());
  EXPECT_FALSE(fs::exists(dir / "client_ids.1"));
  EXPECT_TRUE(fs::exists(dir / "client_ids.2"));
  EXPECT_TRUE(fs::exists(dir / "client_ids.3"));
  EXPECT_EQ(ClientIdLog::open(dir, kNow)->held.size(), 1U);
  EXPECT_FALSE(fs::exists(dir / "client_ids.3"));
  EXPECT_TRUE(fs::exists(dir / "client_ids.4"));
}

}  // namespace
}  // namespace parley::plugin
