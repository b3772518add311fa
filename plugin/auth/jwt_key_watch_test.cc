#include "plugin/auth/jwt_key_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/encoding.h"
#include "base/file.h"
#include "base/ids.h"

namespace parley::plugin {
namespace {

class KeyWatch : public ::testing::Test {
 protected:
  KeyWatch() : path_(std::filesystem::path(testing::TempDir()) / ("keys-" + random_id(8))) { put({"a"}); }
  ~KeyWatch() override { std::filesystem::remove(path_); }

  static std::string set_of(const std::vector<std::string>& kids) {
    std::string keys;
    for (const auto& kid : kids)
      keys += std::string(keys.empty() ? "" : ",") + R"({"kty":"oct","alg":"HS256","kid":")" + kid +
              R"(","k":")" + base64url_encode(std::string(32, 'k')) + "\"}";
    return R"({"keys":[)" + keys + "]}";
  }
  void put(const std::vector<std::string>& kids) { ASSERT_TRUE(write_file_atomic(path_, set_of(kids))); }
  JwtKeySource source() const { return {.key_file = {}, .jwks_file = path_}; }

  std::filesystem::path path_;
};

TEST_F(KeyWatch, a_file_that_stays_is_not_read_again) {
  JwtKeyWatch watch(source());
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(watch.look());
}

TEST_F(KeyWatch, a_changed_file_is_read_once_it_stands_still) {
  JwtKeyWatch watch(source());
  put({"a", "b"});
  EXPECT_FALSE(watch.look());
  auto keys = watch.look();
  ASSERT_TRUE(keys && *keys);
  EXPECT_EQ((*keys)->size(), 2U);
  EXPECT_FALSE(watch.look());
}

TEST_F(KeyWatch, a_file_that_goes_on_changing_is_waited_for) {
  JwtKeyWatch watch(source());
  for (const char* kid : {"b", "c", "d"}) {
    put({"a", kid, "x"});
    EXPECT_FALSE(watch.look());
  }
  EXPECT_TRUE(watch.look());
}

TEST_F(KeyWatch, a_broken_file_is_told_once_and_a_mended_one_read) {
  JwtKeyWatch watch(source());
  std::ofstream(path_) << "{\"keys\":[";
  EXPECT_FALSE(watch.look());
  auto broken = watch.look();
  ASSERT_TRUE(broken);
  EXPECT_FALSE(*broken);
  EXPECT_FALSE(watch.look());
  put({"b"});
  EXPECT_FALSE(watch.look());
  auto mended = watch.look();
  ASSERT_TRUE(mended);
  EXPECT_TRUE(*mended);
}

TEST_F(KeyWatch, a_file_that_is_gone_is_told_once) {
  JwtKeyWatch watch(source());
  std::filesystem::remove(path_);
  EXPECT_FALSE(watch.look());
  auto gone = watch.look();
  ASSERT_TRUE(gone);
  EXPECT_FALSE(*gone);
  EXPECT_EQ(gone->error().code, Errc::not_found);
  EXPECT_FALSE(watch.look());
}

TEST_F(KeyWatch, the_broker_thread_asks_and_does_not_wait) {
  FakeClock clock;
  JwtKeyWatch watch(source());
  put({"a", "b", "c"});
  std::optional<Result<JwtKeySet>> keys;
  for (int i = 0; i < 2000 && !keys; ++i) {  // bounded: the looks are another thread's
    keys = watch.poll(clock.steady());
    clock.advance(JwtKeyWatch::kEvery);
    if (!keys) usleep(2000);
  }
  ASSERT_TRUE(keys && *keys);
  EXPECT_EQ((*keys)->size(), 3U);
}

}  // namespace
}  // namespace parley::plugin
