#include <fstream>
#include <map>

#include "plugin/directory/durable_directory.h"
#include "plugin/directory/frames.h"
#include "plugin/directory/test_world.h"

// A broker killed after any step, and a log cut or damaged at any byte: what is found is what was, or
// nothing.
namespace parley::plugin {
namespace {

using testing::Changes;
using testing::TempDir;
using wire::UserPut;

struct State {
  std::string id;
  std::uint64_t version = 0;
  std::set<std::string> contents;
  bool operator==(const State&) const = default;
};

State state_of(const DurableDirectory& d) {
  return {d.id(), d.version(), testing::contents(d.live())};
}

// What a broker started over this folder would know.
State recovered(const std::filesystem::path& dir) {
  const auto d = DurableDirectory::open(dir);
  EXPECT_TRUE(d) << d.error().message;
  if (!d) return {};
  EXPECT_EQ((*d)->open_problem(), "");
  // It must also be able to go on.
  if (!(*d)->id().empty()) {
    const UserPut change{"after"};
    const wire::DirectoryChange changes[] = {change};
    EXPECT_TRUE((*d)->apply((*d)->version(), (*d)->version(), {}));
    const State found = state_of(**d);
    EXPECT_TRUE((*d)->apply(found.version, found.version + 1, changes));
    return found;
  }
  return state_of(**d);
}

// Runs a Directory and looks, after each step on the disk, at what would be found if the broker died there.
class CrashEverywhere : public ::testing::Test {
 protected:
  CrashEverywhere() {
    options.log_bytes_min = 1'000;
    options.after_step = [this](std::string_view step) { crash_after(step); };
    open();
  }
  void open() {
    d.reset();
    d = std::move(*DurableDirectory::open(dir.path(), options));
  }
  // One thread at a time touches the folder: every operation is awaited.
  void crash_after(std::string_view step) {
    const std::filesystem::path copy = copies / std::to_string(++steps);
    std::filesystem::copy(dir.path(), copy, std::filesystem::copy_options::recursive);
    const State found = recovered(copy);
    EXPECT_TRUE(found == before || found == after) << "after step: " << step << ", version " << found.version;
    ++seen[std::string(step)];
    std::filesystem::remove_all(copy);
  }
  void replace(std::string id, std::uint64_t to, const Changes& changes) {
    before = state_of(*d);
    Directory expected;
    for (const auto& change : changes) testing::apply(expected, change);
    after = {id, to, testing::contents(expected)};
    ASSERT_TRUE(d->begin_replace(id, to));
    ASSERT_TRUE(d->replace_part(changes));
    ASSERT_TRUE(d->finish_replace());
    const auto told = d->wait_idle();
    ASSERT_TRUE(told && *told);
    EXPECT_EQ(state_of(*d), after);
  }

  TempDir dir, copies;
  DurableDirectoryOptions options;
  std::unique_ptr<DurableDirectory> d;
  State before, after;
  int steps = 0;
  std::map<std::string, int> seen;
};

TEST_F(CrashEverywhere, finds_the_state_before_or_after_and_never_less_than_was_acknowledged) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  testing::RandomChanges random(seed);
  replace("first", 1, {UserPut{"user1"}});
  Directory model;
  testing::apply(model, UserPut{"user1"});
  for (std::uint64_t to = 2; to < 400; ++to) {
    const Changes changes{random.next()};
    before = state_of(*d);
    if (!model.check(changes)) continue;
    testing::apply(model, changes[0]);
    after = {d->id(), to, testing::contents(model)};
    ASSERT_TRUE(d->apply(d->version(), to, changes));
    before = after;  // acknowledged: from here on nothing less will do
    d->wait_idle();
    if (to % 50 == 0) open();
  }
  Changes everything;
  model.for_each_change([&](const wire::DirectoryChange& change) { everything.push_back(change); });
  everything.push_back(UserPut{"one-more"});
  replace("second", 3, everything);
  EXPECT_GT(seen["changes written"], 100);
  EXPECT_GT(seen["log made"], 3);
  EXPECT_GT(seen["snapshot begun"], 3);
  EXPECT_GT(seen["snapshot written"], 4);
  EXPECT_GT(seen["snapshot renamed"], 4);
  EXPECT_GT(seen["logs removed"], 4);
}

// A folder with a snapshot at version 1 and a log of versions 2…6.
class SmallLog : public ::testing::Test {
 protected:
  SmallLog() {
    auto d = std::move(*DurableDirectory::open(dir.path()));
    EXPECT_TRUE(d->begin_replace("dirid", 1));
    EXPECT_TRUE(d->finish_replace());
    d->wait_idle();
    versions[1] = state_of(*d);
    for (std::uint64_t to = 2; to <= 6; ++to) {
      const Changes changes{UserPut{"user" + std::to_string(to)}, UserPut{"user1", to % 2 == 0}};
      EXPECT_TRUE(d->apply(to - 1, to, changes));
      versions[to] = state_of(*d);
      ends[to] = std::filesystem::file_size(dir / "log.2");
    }
    bytes = *read_file(dir / "log.2");
  }
  void put_log(const std::string& content) { std::ofstream(dir / "log.2", std::ios::binary) << content; }

  TempDir dir;
  std::map<std::uint64_t, State> versions;
  std::map<std::uint64_t, std::uintmax_t> ends;
  std::string bytes;
};

TEST_F(SmallLog, cut_at_any_byte_gives_the_last_whole_version) {
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    put_log(bytes.substr(0, size));
    std::uint64_t expected = 1;
    for (const auto& [version, end] : ends) {
      if (end <= size) expected = version;
    }
    EXPECT_EQ(recovered(dir.path()), versions[expected]) << size;
  }
}

TEST_F(SmallLog, damaged_at_any_byte_gives_nothing_or_at_its_very_end_the_version_before) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x04);
    put_log(damaged);
    const auto d = std::move(*DurableDirectory::open(dir.path()));
    const bool at_the_end = i >= ends[5];
    EXPECT_TRUE(d->id().empty() || (at_the_end && state_of(*d) == versions[5])) << i;
    EXPECT_TRUE(at_the_end || !d->open_problem().empty()) << i;
  }
}

}  // namespace
}  // namespace parley::plugin
