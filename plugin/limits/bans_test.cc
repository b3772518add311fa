#include "plugin/limits/bans.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "base/crypto.h"
#include "base/ids.h"

namespace parley::plugin {
namespace {

using wire::Ban;
using wire::BanKind;

class BansOnDisk : public testing::Test {
 protected:
  BansOnDisk() : dir_(std::filesystem::path(testing::TempDir()) / ("bans-" + random_id(8))) { open(); }
  ~BansOnDisk() override {
    bans_.reset();
    std::filesystem::remove_all(dir_);
  }
  Result<> try_open() {
    bans_.reset();
    auto opened =
        Bans::open(dir_, options_, clock_.wall(), [this](LogLevel, std::string_view line) { log_ += line; });
    if (!opened) return std::unexpected(opened.error());
    bans_ = std::move(*opened);
    return {};
  }
  void open() {
    const auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().message;
  }
  Ban user(const std::string& name, std::int64_t for_ms = 0) const {
    return {.kind = BanKind::user,
            .target = name,
            .reason = "spam",
            .by = "root",
            .at_ms = now(),
            .until_ms = for_ms ? now() + for_ms : 0};
  }
  std::int64_t now() const { return to_ms(clock_.wall()); }
  bool banned(const std::string& name) const { return bans_->list().user(name, clock_.wall()) != nullptr; }

  std::filesystem::path dir_;
  Bans::Options options_;
  FakeClock clock_;
  std::string log_;
  std::unique_ptr<Bans> bans_;
};

TEST_F(BansOnDisk, are_there_after_a_restart_until_they_end) {
  ASSERT_TRUE(bans_->add(user("bob")));
  ASSERT_TRUE(bans_->add(user("carol", 5000)));
  ASSERT_TRUE(bans_->add(user("dave", 1000)));
  ASSERT_TRUE(bans_->add({.kind = BanKind::network, .target = "192.0.2.0/24", .by = "root", .at_ms = now()}));
  ASSERT_TRUE(bans_->remove(BanKind::user, "bob"));
  EXPECT_EQ(bans_->remove(BanKind::user, "bob").error().code, Errc::not_found);
  clock_.advance(std::chrono::seconds(2));
  open();
  EXPECT_FALSE(banned("bob"));
  EXPECT_TRUE(banned("carol"));
  EXPECT_FALSE(banned("dave"));
  EXPECT_EQ(bans_->list().by_admins(), 2u);
  EXPECT_TRUE(bans_->list().address(*wire::parse_address("192.0.2.9"), clock_.wall()));
}

TEST_F(BansOnDisk, a_torn_end_is_cut_and_what_comes_before_is_kept) {
  ASSERT_TRUE(bans_->add(user("bob")));
  const auto whole = std::filesystem::file_size(dir_ / "bans");
  ASSERT_TRUE(bans_->add(user("carol")));
  const auto both = std::filesystem::file_size(dir_ / "bans");
  bans_.reset();
  std::string bytes = *read_file(dir_ / "bans");
  for (auto size = whole; size < both; ++size) {
    std::ofstream(dir_ / "bans", std::ios::binary) << bytes.substr(0, size);
    log_.clear();
    open();
    EXPECT_TRUE(banned("bob"));
    EXPECT_FALSE(banned("carol"));
    EXPECT_EQ(log_.empty(), size == whole) << log_;
  }
}

TEST_F(BansOnDisk, a_file_of_somebody_elses_is_left_alone) {
  bans_.reset();
  std::ofstream(dir_ / "bans") << "these are no bans, but somebody's notes about bans";
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt);
  EXPECT_TRUE(read_file(dir_ / "bans")->starts_with("these are"));
}

TEST_F(BansOnDisk, a_full_list_refuses_administrators_and_not_the_broker) {
  options_.each_max = 2;
  open();
  ASSERT_TRUE(bans_->add(user("a")));
  ASSERT_TRUE(bans_->add(user("b")));
  EXPECT_EQ(bans_->add(user("c")).error().code, Errc::unavailable);
  EXPECT_TRUE(bans_->add(user("b", 1000)));
  for (int i = 0; i < 5; ++i)
    bans_->add_own({.kind = BanKind::client,
                    .target = "x" + std::to_string(i),
                    .at_ms = now(),
                    .until_ms = now() + 1000 + i});
  EXPECT_EQ(bans_->list().by_broker(), 2u);
  open();
  EXPECT_EQ(bans_->list().by_broker(), 2u);
  EXPECT_TRUE(bans_->list().client("x4", clock_.wall()));
}

TEST_F(BansOnDisk, the_file_is_written_anew_before_it_grows_without_end) {
  options_.rewrite_bytes = 20'000;
  open();

  for (int i = 0; i < 3000; ++i) {
    ASSERT_TRUE(bans_->add(user("u" + std::to_string(i % 7), 1'000'000 + i)));
    if (i % 3 == 0) {
      ASSERT_TRUE(bans_->remove(BanKind::user, "u" + std::to_string(i % 7)));
    }
    bans_->tend(clock_.wall());
    if (i % 50 == 0) std::this_thread::yield();
  }
  std::vector<std::pair<std::string, std::int64_t>> before, after;
  bool more;
  for (const Ban* ban : bans_->list().list({}, 100, more)) before.emplace_back(ban->target, ban->until_ms);
  open();
  for (const Ban* ban : bans_->list().list({}, 100, more)) after.emplace_back(ban->target, ban->until_ms);
  EXPECT_EQ(before, after);
  EXPECT_FALSE(before.empty());
  EXPECT_LT(std::filesystem::file_size(dir_ / "bans"), 20'000u);
  EXPECT_EQ(log_, "");
}

TEST_F(BansOnDisk, ended_ones_leave_memory) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(bans_->add(user("u" + std::to_string(i), 1000)));
  clock_.advance(std::chrono::seconds(2));
  bans_->tend(clock_.wall());
  EXPECT_EQ(bans_->list().by_admins(), 0u);
}

}  // namespace
}  // namespace parley::plugin
