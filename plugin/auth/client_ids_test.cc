#include "plugin/auth/client_ids.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <random>
#include <tuple>

#include "base/crypto.h"
#include "base/encoding.h"

namespace parley::plugin {
namespace {

namespace fs = std::filesystem;
using Claim = ClientIds::Claim;
using std::chrono::hours;
using std::chrono::seconds;

// In memory where there is such a place: opening a log fsyncs, and these tests open thousands.
fs::path scratch_folder() {
  return fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
}

const WallTime kStart = from_ms(1'795'314'673'123);

class ClientIdsTest : public ::testing::Test {
 protected:
  void SetUp() override { dir_ = scratch_folder() / ("parley_cids_" + hex_encode(random_bytes(8))); }
  void TearDown() override { fs::remove_all(dir_); }

  // As after a crash: what was open is dropped as it is.
  void open() {
    ids_.reset();
    auto opened = ClientIds::open(dir_, options_, now_,
                                  [this](LogLevel, std::string_view line) { lines_.emplace_back(line); });
    ASSERT_TRUE(opened) << opened.error().message;
    ids_ = std::move(*opened);
  }
  Claim claim(std::string_view id, std::string_view user, bool persistent = true) {
    return ids_->claim(id, user, persistent, now_);
  }
  void release(std::string_view id, std::string_view user) { ids_->released(id, user, now_); }
  std::string owner(std::string_view id) { return std::string(ids_->owner(id, now_).value_or("")); }

  fs::path dir_;
  ClientIdOptions options_{.hold = hours(1), .per_user_max = 3, .total_max = 6, .log_rotate_bytes = 1 << 20};
  WallTime now_ = kStart;
  std::unique_ptr<ClientIds> ids_;
  std::vector<std::string> lines_;
};

TEST_F(ClientIdsTest, a_connected_id_is_its_users_alone) {
  open();
  EXPECT_EQ(claim("phone", "alice"), Claim::ok);
  EXPECT_EQ(claim("phone", "bob"), Claim::owned_by_other);
  EXPECT_EQ(claim("PHONE", "bob"), Claim::owned_by_other);
  EXPECT_EQ(claim("phone", "Alice"), Claim::owned_by_other);
  EXPECT_EQ(claim("phone", "alice"), Claim::ok);
  EXPECT_EQ(owner("Phone"), "alice");
  EXPECT_EQ(owner("tablet"), "");
}

TEST_F(ClientIdsTest, a_user_who_is_forgotten_holds_nothing_and_is_not_in_the_log) {
  open();
  claim("alice-phone", "alice");
  release("alice-phone", "alice");
  claim("alice-pad", "alice");
  claim("bobs", "bob");
  ids_->forget_user("alice");
  EXPECT_EQ(owner("alice-phone"), "");
  for (int i = 0; i < 10; ++i) ids_->tend(now_);
  EXPECT_EQ(owner("alice-pad"), "alice");  // until it goes
  release("alice-pad", "alice");
  for (int i = 0; i < 10; ++i) {
    ids_->tend(now_);
    now_ += seconds(41);
  }
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(dir_)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(bytes.find("alice"), std::string::npos) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0u);
  open();
  EXPECT_EQ(owner("bobs"), "bob");
  EXPECT_EQ(owner("alice-pad"), "");
}

TEST_F(ClientIdsTest, illegal_ids_cannot_be_claimed) {
  open();
  for (auto id : {"", "a/b", "a b", "+", "\xff"}) EXPECT_EQ(claim(id, "alice"), Claim::illegal);
  EXPECT_EQ(claim(std::string(65, 'a'), "alice"), Claim::illegal);
  EXPECT_EQ(claim(std::string(64, 'a'), "$parleyd"), Claim::ok);
}

TEST_F(ClientIdsTest, a_clean_session_frees_its_id_at_the_disconnect) {
  open();
  claim("phone", "alice", false);
  release("phone", "alice");
  EXPECT_EQ(claim("phone", "bob", false), Claim::ok);
}

TEST_F(ClientIdsTest, a_sleeping_session_keeps_its_id_until_the_hold_ends) {
  open();
  claim("phone", "alice");
  now_ += hours(5);
  release("phone", "alice");
  now_ += hours(1) - seconds(1);
  EXPECT_EQ(claim("phone", "bob"), Claim::owned_by_other);
  EXPECT_EQ(owner("phone"), "alice");
  now_ += seconds(1);
  EXPECT_EQ(owner("phone"), "");
  EXPECT_EQ(claim("phone", "bob"), Claim::ok);
}

TEST_F(ClientIdsTest, a_takeover_by_the_same_user_keeps_the_id_until_both_are_gone) {
  open();
  claim("phone", "alice", false);
  claim("phone", "alice", false);
  release("phone", "alice");
  EXPECT_EQ(owner("phone"), "alice");
  release("phone", "alice");
  EXPECT_EQ(owner("phone"), "");
  release("phone", "alice");  // one too many is no harm
}

TEST_F(ClientIdsTest, a_release_by_another_user_changes_nothing) {
  open();
  claim("phone", "alice", false);
  release("phone", "bob");
  EXPECT_EQ(claim("phone", "bob"), Claim::owned_by_other);
}

TEST_F(ClientIdsTest, a_clean_session_ends_the_one_that_slept) {
  open();
  claim("phone", "alice");
  release("phone", "alice");
  claim("phone", "alice", false);
  release("phone", "alice");
  EXPECT_EQ(owner("phone"), "");
  open();
  EXPECT_EQ(owner("phone"), "");
}

TEST_F(ClientIdsTest, a_clean_session_spelled_otherwise_leaves_the_sleeping_one_its_id) {
  open();
  claim("Phone", "alice");
  release("Phone", "alice");
  claim("phone", "alice", false);
  release("phone", "alice");
  EXPECT_EQ(claim("PHONE", "bob"), Claim::owned_by_other);
}

TEST_F(ClientIdsTest, over_the_quota_a_user_gives_up_the_own_id_longest_offline) {
  open();
  claim("b1", "bob");
  release("b1", "bob");
  for (auto id : {"a1", "a2", "a3"}) {
    now_ += seconds(1);
    claim(id, "alice");
    release(id, "alice");
  }
  claim("a1", "alice");
  EXPECT_EQ(claim("a4", "alice"), Claim::ok);
  EXPECT_EQ(owner("a2"), "");
  EXPECT_EQ(owner("a1"), "alice");
  EXPECT_EQ(owner("b1"), "bob");
  EXPECT_EQ(ids_->given_up(), 1U);
}

TEST_F(ClientIdsTest, with_everything_connected_the_quota_refuses) {
  open();
  for (auto id : {"a1", "a2", "a3"}) EXPECT_EQ(claim(id, "alice"), Claim::ok);
  EXPECT_EQ(claim("a4", "alice"), Claim::quota);
  EXPECT_EQ(claim("a1", "alice"), Claim::ok);
  EXPECT_EQ(claim("b1", "bob"), Claim::ok);
}

TEST_F(ClientIdsTest, the_whole_is_bounded_too) {
  open();
  for (auto id : {"a1", "a2"}) claim(id, "alice"), release(id, "alice"), now_ += seconds(1);
  for (auto id : {"b1", "b2"}) claim(id, "bob");
  for (auto id : {"c1", "c2"}) claim(id, "carol");
  EXPECT_EQ(claim("d1", "dave"), Claim::ok);
  EXPECT_EQ(owner("a1"), "");
  EXPECT_EQ(claim("d2", "dave"), Claim::ok);
  EXPECT_EQ(claim("d3", "dave"), Claim::quota);
  EXPECT_EQ(ids_->size(), 6U);
}

TEST_F(ClientIdsTest, a_restart_keeps_what_may_still_sleep) {
  open();
  claim("asleep", "alice");
  release("asleep", "alice");
  claim("awake", "alice");
  claim("clean", "alice", false);
  now_ += hours(1) - seconds(1);
  open();
  EXPECT_EQ(owner("asleep"), "alice");
  EXPECT_EQ(owner("awake"), "alice");
  EXPECT_EQ(owner("clean"), "");
  now_ += seconds(1);
  EXPECT_EQ(owner("asleep"), "");
  EXPECT_EQ(owner("awake"), "alice");  // its hold began with the restart
  now_ += hours(1);
  open();
  EXPECT_EQ(ids_->size(), 0U);
}

TEST_F(ClientIdsTest, one_that_came_back_is_not_held_to_its_earlier_absence) {
  open();
  claim("phone", "alice");
  release("phone", "alice");
  now_ += seconds(1);
  claim("phone", "alice");
  now_ += hours(30);
  open();
  EXPECT_EQ(owner("phone"), "alice");
}

TEST_F(ClientIdsTest, a_damaged_log_is_told_and_the_rest_kept) {
  open();
  claim("phone", "alice");
  claim("tablet", "alice");
  ids_.reset();
  fs::resize_file(dir_ / "client_ids.1", fs::file_size(dir_ / "client_ids.1") - 1);
  open();
  EXPECT_EQ(owner("phone"), "alice");
  EXPECT_EQ(owner("tablet"), "");
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_NE(lines_[0].find("damaged"), std::string::npos);
}

TEST_F(ClientIdsTest, the_log_does_not_grow_with_the_number_of_connects) {
  options_.log_rotate_bytes = 2000;
  open();
  for (int i = 0; i < 5000; ++i) {
    claim("phone", "alice");
    release("phone", "alice");
  }
  std::uintmax_t bytes = 0;
  for (const auto& file : fs::directory_iterator(dir_)) bytes += file.file_size();
  EXPECT_LT(bytes, 10'000U);
  open();
  EXPECT_EQ(owner("phone"), "alice");
}

// Lets no file grow while it lives: write(2) fails as on a full disk.
class FullDisk {
 public:
  FullDisk() {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit none{0, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &none);
  }
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(ClientIdsTest, a_full_disk_stops_nobody_and_is_made_good_later) {
  open();
  claim("early", "alice");
  claim("leaving", "alice");
  release("leaving", "alice");
  {
    FullDisk full;
    EXPECT_EQ(claim("phone", "bob"), Claim::ok);
    EXPECT_EQ(claim("leaving", "alice", false), Claim::ok);
    EXPECT_EQ(claim("phone", "alice"), Claim::owned_by_other);
  }
  EXPECT_GE(ids_->write_errors(), 2U);
  EXPECT_EQ(lines_.size(), 1U);
  now_ += seconds(10);
  EXPECT_EQ(claim("other", "bob", false), Claim::ok);
  open();
  EXPECT_EQ(owner("early"), "alice");
  EXPECT_EQ(owner("phone"), "bob");
  claim("other2", "bob");  // rotates to the end
}

// The same rules, as slow and plain as can be.
class Model {
 public:
  struct Entry {
    std::string id, user;
    int connections = 0;
    bool persistent = false, mixed = false;
    WallTime since{};
    std::uint64_t order = 0;  // of going offline
  };
  explicit Model(const ClientIdOptions& options) : options_(options) {}

  Claim claim(const std::string& id, const std::string& user, bool persistent, WallTime now) {
    expire(now);
    std::string key = fold_case(id);
    auto it = entries.find(key);
    if (it != entries.end() && it->second.user != user) return Claim::owned_by_other;
    if (it == entries.end()) {
      if (of(user) >= options_.per_user_max && !give_up([&](const Entry& e) { return e.user == user; }))
        return Claim::quota;
      if (entries.size() >= options_.total_max && !give_up([](const Entry&) { return true; }))
        return Claim::quota;
      it = entries.emplace(key, Entry{.id = id, .user = user}).first;
    }
    Entry& entry = it->second;
    ++entry.connections;
    entry.mixed |= entry.id != id;
    entry.persistent = persistent || (entry.persistent && entry.mixed);
    return Claim::ok;
  }
  void released(const std::string& id, const std::string& user, WallTime now) {
    auto it = entries.find(fold_case(id));
    if (it == entries.end() || it->second.user != user || it->second.connections == 0) return;
    if (--it->second.connections > 0) return;
    it->second.since = now;
    it->second.order = ++orders_;
    if (!it->second.persistent) entries.erase(it);
    expire(now);
  }
  void restart(WallTime now) {
    std::erase_if(entries, [](const auto& e) { return !e.second.persistent; });
    std::vector<Entry*> sorted;
    for (auto& [key, entry] : entries) {
      if (entry.connections > 0) entry.since = now;
      entry.connections = 0;
      entry.mixed = false;
      sorted.push_back(&entry);
    }
    std::ranges::sort(sorted, {}, [](const Entry* e) { return std::tie(e->since, e->id); });
    for (Entry* entry : sorted) entry->order = ++orders_;
    expire(now);
  }
  void expire(WallTime now) {
    std::erase_if(entries, [&](const auto& e) {
      return e.second.connections == 0 && now - e.second.since >= options_.hold;
    });
  }
  std::map<std::string, Entry> entries;

 private:
  std::size_t of(const std::string& user) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(entries, [&](const auto& e) { return e.second.user == user; }));
  }
  template <class Fits>
  bool give_up(Fits fits) {
    auto oldest = entries.end();
    for (auto it = entries.begin(); it != entries.end(); ++it) {
      if (it->second.connections > 0 || !fits(it->second)) continue;
      if (oldest == entries.end() || it->second.order < oldest->second.order) oldest = it;
    }
    if (oldest == entries.end()) return false;
    entries.erase(oldest);
    return true;
  }

  ClientIdOptions options_;
  std::uint64_t orders_ = 0;
};

TEST_F(ClientIdsTest, agrees_with_a_plain_model_over_any_history_and_restarts) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  auto below = [&](unsigned bound) { return random() % bound; };
  options_ = {.hold = hours(1), .per_user_max = 4, .total_max = 11, .log_rotate_bytes = 500};
  open();
  Model model(options_);
  const std::vector<std::string> users{"alice", "bob", "carol", "dave"};
  for (int step = 0; step < 20'000; ++step) {
    now_ += seconds(1 + below(60));
    std::string id = (below(8) == 0 ? "ID" : "id") + std::to_string(below(20));
    const std::string& user = users[below(4)];
    if (below(200) == 0) {
      open();
      model.restart(now_);
    } else if (below(2) == 0) {
      bool persistent = below(3) != 0;
      ASSERT_EQ(claim(id, user, persistent), model.claim(id, user, persistent, now_)) << step;
    } else {
      release(id, user);
      model.released(id, user, now_);
    }
    auto known = model.entries.find(fold_case(id));
    bool live = known != model.entries.end() &&
                (known->second.connections > 0 || now_ - known->second.since < options_.hold);
    ASSERT_EQ(owner(id), live ? known->second.user : "") << step;
  }
  EXPECT_EQ(ids_->write_errors(), 0U);
  EXPECT_TRUE(lines_.empty());
}

TEST_F(ClientIdsTest, what_is_forgotten_is_anybodys_at_once_or_when_its_connection_ends) {
  open();
  EXPECT_EQ(ids_->claim("phone", "alice", true, now_), Claim::ok);
  ids_->forget("phone", "bob");
  EXPECT_EQ(ids_->claim("phone", "bob", true, now_), Claim::owned_by_other);
  ids_->forget("PHONE", "alice");
  EXPECT_EQ(ids_->claim("phone", "bob", true, now_), Claim::owned_by_other);
  ids_->released("phone", "alice", now_);
  EXPECT_FALSE(ids_->owner("phone", now_));
  EXPECT_EQ(ids_->claim("phone", "bob", true, now_), Claim::ok);
  ids_->released("phone", "bob", now_);
  EXPECT_TRUE(ids_->owner("phone", now_));
  ids_->forget("phone", "bob");
  EXPECT_FALSE(ids_->owner("phone", now_));
  open();
  EXPECT_FALSE(ids_->owner("phone", now_));
}

TEST_F(ClientIdsTest, what_is_claimed_again_after_it_was_forgotten_is_held_again) {
  open();
  EXPECT_EQ(ids_->claim("phone", "alice", true, now_), Claim::ok);
  ids_->forget("phone", "alice");
  EXPECT_EQ(ids_->claim("phone", "alice", true, now_), Claim::ok);
  ids_->released("phone", "alice", now_);
  ids_->released("phone", "alice", now_);
  EXPECT_TRUE(ids_->owner("phone", now_));
}

}  // namespace
}  // namespace parley::plugin
