#include "plugin/auth/jwt_revocations.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/crypto.h"
#include "base/ids.h"

namespace parley::plugin {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class Revocations : public ::testing::Test {
 protected:
  Revocations() : dir_(std::filesystem::path(testing::TempDir()) / ("revoked-" + random_id(8))) {
    std::filesystem::create_directories(dir_);
    open();
  }
  ~Revocations() override { std::filesystem::remove_all(dir_); }

  Result<> try_open() {
    list_.reset();
    auto opened = JwtRevocations::open(
        file(), now(), [this](LogLevel, std::string_view line) { lines_.emplace_back(line); });
    if (!opened) return std::unexpected(opened.error());
    list_ = std::move(*opened);
    return {};
  }
  void open() {
    auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().message;
  }
  void add(const JwtRevocation& revocation) {
    auto added = list_->add(revocation, now());
    ASSERT_TRUE(added) << added.error().message;
  }
  bool covers(std::string_view user, std::string_view jti, std::optional<WallTime> iat) const {
    return list_->covers({.sub = std::string(user), .exp = {}, .jti = std::string(jti), .iat = iat});
  }
  std::filesystem::path file() const { return dir_ / "list"; }
  WallTime now() const { return clock_.wall(); }

  std::filesystem::path dir_;
  FakeClock clock_;
  std::vector<std::string> lines_;
  std::unique_ptr<JwtRevocations> list_;
};

TEST_F(Revocations, one_token_is_known_by_its_id) {
  add({.jti = "t1", .user = {}, .before = {}, .until = now() + hours(1)});
  EXPECT_TRUE(covers("alice", "t1", now()));
  EXPECT_FALSE(covers("alice", "t2", now()));
  EXPECT_FALSE(covers("alice", "", now()));
}

TEST_F(Revocations, a_users_tokens_are_known_by_when_they_were_issued) {
  add({.jti = {}, .user = "alice", .before = now(), .until = now() + hours(1)});
  EXPECT_TRUE(covers("alice", "t1", now() - hours(5)));
  EXPECT_TRUE(covers("alice", "t1", now()));
  EXPECT_TRUE(covers("alice", "t1", std::nullopt));
  EXPECT_FALSE(covers("alice", "t1", now() + seconds(1)));
  EXPECT_FALSE(covers("bob", "t1", now() - hours(5)));
  EXPECT_FALSE(covers("Alice", "t1", std::nullopt));
}

TEST_F(Revocations, they_outlive_the_broker) {
  add({.jti = "t1", .user = {}, .before = {}, .until = now() + hours(1)});
  add({.jti = {}, .user = "alice", .before = now(), .until = now() + hours(2)});
  open();
  EXPECT_TRUE(covers("bob", "t1", now()));
  EXPECT_TRUE(covers("alice", "", now()));
  EXPECT_EQ(lines_.size(), 0U);
}

TEST_F(Revocations, they_leave_when_the_tokens_have_expired) {
  add({.jti = "t1", .user = {}, .before = {}, .until = now() + hours(1)});
  add({.jti = {}, .user = "alice", .before = now(), .until = now() + hours(2)});
  clock_.advance(hours(1));
  list_->tend(now());
  EXPECT_EQ(list_->size(), 1U);
  EXPECT_FALSE(covers("bob", "t1", now()));
  open();
  EXPECT_EQ(list_->size(), 1U);
  clock_.advance(hours(1));
  open();
  EXPECT_EQ(list_->size(), 0U);
  EXPECT_EQ(std::filesystem::file_size(file()), 0U);
}

TEST_F(Revocations, of_two_the_wider_holds) {
  add({.jti = {}, .user = "alice", .before = now(), .until = now() + hours(2)});
  add({.jti = {}, .user = "alice", .before = now() - hours(1), .until = now() + hours(1)});
  EXPECT_TRUE(covers("alice", "", now()));
  clock_.advance(hours(1));
  list_->tend(now());
  EXPECT_TRUE(covers("alice", "", now() - hours(1)));
}

TEST_F(Revocations, are_listed_in_pages) {
  for (const char* jti : {"c", "a", "b"})
    add({.jti = jti, .user = {}, .before = {}, .until = now() + hours(1)});
  add({.jti = {}, .user = "alice", .before = now(), .until = now() + hours(1)});
  bool more = false;
  auto page = list_->list("", 3, more);
  ASSERT_EQ(page.size(), 3U);
  EXPECT_EQ(page[2].jti, "c");
  EXPECT_TRUE(more);
  page = list_->list(JwtRevocations::key_of(page[2]), 3, more);
  ASSERT_EQ(page.size(), 1U);
  EXPECT_EQ(page[0].user, "alice");
  EXPECT_FALSE(more);
}

TEST_F(Revocations, a_torn_end_is_cut_and_told) {
  add({.jti = "t1", .user = {}, .before = {}, .until = now() + hours(1)});
  add({.jti = "t2", .user = {}, .before = {}, .until = now() + hours(1)});
  std::filesystem::resize_file(file(), std::filesystem::file_size(file()) - 3);
  open();
  EXPECT_TRUE(covers("bob", "t1", now()));
  EXPECT_FALSE(covers("bob", "t2", now()));
  EXPECT_EQ(lines_.size(), 1U);
}

TEST_F(Revocations, other_damage_is_not_passed_over) {
  for (const char* jti : {"t1", "t2", "t3"})
    add({.jti = jti, .user = {}, .before = {}, .until = now() + hours(1)});
  std::fstream(file(), std::ios::in | std::ios::out | std::ios::binary).seekp(20).put('\x7f');
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt);
  EXPECT_NE(opened.error().message.find(file().string()), std::string::npos);
}

TEST_F(Revocations, a_full_list_forgets_nobody) {
  for (std::size_t i = 0; i < JwtRevocations::kEntriesMax; ++i)
    add({.jti = "t" + std::to_string(i), .user = {}, .before = {}, .until = now() + hours(1)});
  const auto refused =
      list_->add({.jti = "one more", .user = {}, .before = {}, .until = now() + hours(1)}, now());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_TRUE(covers("bob", "t0", now()));
  add({.jti = "t7", .user = {}, .before = {}, .until = now() + hours(2)});
  clock_.advance(hours(1));
  add({.jti = "one more", .user = {}, .before = {}, .until = now() + hours(1)});
  EXPECT_EQ(list_->size(), 2U);
}

}  // namespace
}  // namespace parley::plugin
