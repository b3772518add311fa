#include "backend/config/cache_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/ids.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class CacheConfig : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(folder_); }
  void TearDown() override {
    std::filesystem::remove_all(folder_);
    ::unsetenv("PARLEY_CACHE_PASSWORD");
  }
  std::string file(const std::string& name, const std::string& text, int mode) {
    const auto path = folder_ / name;
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms(mode));
    return path.string();
  }
  static ConfigErrors errors_of(const std::expected<Config, ConfigErrors>& config) {
    return config ? ConfigErrors{} : config.error();
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("parley-cacheconf-" + random_id(12));
};

TEST_F(CacheConfig, the_default_is_in_process) {
  EXPECT_EQ(Config{}.cache, "memory://");
  EXPECT_TRUE(check_cache(Config{}));
}

TEST_F(CacheConfig, what_is_no_cache_is_an_error_that_does_not_repeat_it) {
  EXPECT_THAT(errors_of(parse_config("cache = \"redis://:hush@h:x\"", "f")),
              ElementsAre(testing::AllOf(HasSubstr("cache: A port"), Not(HasSubstr("hush")))));
  EXPECT_THAT(errors_of(parse_config("", "f", {"cache=memcached://h"})),
              ElementsAre(HasSubstr("cache: Caches are")));
}

TEST_F(CacheConfig, a_password_where_others_can_read_it_is_refused) {
  const std::string text = "cache = \"redis://:hush@127.0.0.1\"\n";
  EXPECT_TRUE(load_config(file("own", text, 0600), {}));
  const auto open = errors_of(load_config(file("open", text, 0644), {}));
  EXPECT_THAT(open, ElementsAre(testing::AllOf(HasSubstr("chmod o-r"), Not(HasSubstr("hush")))));
  const auto argued = errors_of(load_config("", {"cache=redis://:hush@127.0.0.1"}));
  EXPECT_THAT(argued, ElementsAre(testing::AllOf(HasSubstr("--set cache"), Not(HasSubstr("hush")))));
  EXPECT_TRUE(load_config(file("none", "cache = \"redis://127.0.0.1\"\n", 0644), {}));
}

TEST_F(CacheConfig, the_password_comes_from_the_environment_or_a_file) {
  Config config;
  EXPECT_EQ(cache_password(config), "");
  config.cache_password_file = file("secret", "from-file\n", 0600);
  EXPECT_EQ(cache_password(config), "from-file");
  ::setenv("PARLEY_CACHE_PASSWORD", "from-environment", 1);
  EXPECT_EQ(cache_password(config), "from-environment");
}

TEST_F(CacheConfig, a_password_file_others_may_read_is_refused) {
  Config config;
  config.cache_password_file = file("secret", "hush\n", 0644);
  EXPECT_EQ(cache_password(config).error().code, Errc::permission_denied);
}

}  // namespace
}  // namespace parley::backend
