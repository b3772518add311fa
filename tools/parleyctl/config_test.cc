#include "tools/parleyctl/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace parley::ctl {
namespace {

namespace fs = std::filesystem;

class CtlConfig : public ::testing::Test {
 protected:
  CtlConfig() {
    std::string name = (fs::temp_directory_path() / "parleyctl-config-XXXXXX").string();
    dir_ = mkdtemp(name.data());
  }
  ~CtlConfig() override { fs::remove_all(dir_); }

  fs::path write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    std::ofstream(dir_ / name) << text;
    chmod((dir_ / name).c_str(), mode);
    return dir_ / name;
  }
  std::string sentence(const std::string& text, mode_t mode = 0600) {
    auto config = load_config(write("c.toml", text, mode));
    EXPECT_FALSE(config.has_value());
    if (config) return {};
    EXPECT_EQ(config.error().exit, Exit::usage);
    return config.error().message;
  }

  fs::path dir_;
};

TEST_F(CtlConfig, token_and_defaults) {
  auto config = load_config(write("c.toml", "user = 'admin'\ntoken = 'plt_x'\n"));
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->broker.host, "127.0.0.1");
  EXPECT_EQ(config->broker.port, 1883);
  EXPECT_EQ(config->user, "admin");
  EXPECT_EQ(config->secret, "plt_x");
  EXPECT_EQ(config->timeout.count(), 10'000);
}

TEST_F(CtlConfig, secret_files_are_found_beside_it) {
  write("admin.token", "plt_y\n");
  auto config = load_config(
      write("c.toml", "host='h'\nport=7883\nuser='admin'\ntoken_file='admin.token'\ntimeout_ms=500\n", 0644));
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->secret, "plt_y");
  EXPECT_EQ(config->broker.port, 7883);
  EXPECT_EQ(config->timeout.count(), 500);
}

TEST_F(CtlConfig, what_is_wrong_is_told_by_name) {
  EXPECT_THAT(sentence("user='a'\ntoken='t'\nprot=1\n"), ::testing::HasSubstr("unknown key 'prot'"));
  EXPECT_THAT(sentence("token='t'\n"), ::testing::HasSubstr("'user' is missing"));
  EXPECT_THAT(sentence("user='a'\n"), ::testing::HasSubstr("exactly one of token"));
  EXPECT_THAT(sentence("user='a'\ntoken='t'\npassword_file='p'\n"),
              ::testing::HasSubstr("exactly one of token"));
  EXPECT_THAT(sentence("user='a'\ntoken='t'\nport=70000\n"),
              ::testing::HasSubstr("'port' must be a number from 1"));
  EXPECT_THAT(sentence("user='a'\ntoken='t'\nport='x'\n"),
              ::testing::HasSubstr("'port' must be a number from 1"));
  EXPECT_THAT(sentence("user=\n"), ::testing::HasSubstr("line 1"));
  EXPECT_THAT(sentence("user='a'\ntoken_file='none'\n"), ::testing::HasSubstr("token_file: "));
}

TEST_F(CtlConfig, tls_and_its_files_are_found_beside_it) {
  auto config =
      load_config(write("c.toml", "user='a'\ntoken='t'\ntls=true\nwebsocket=true\nhost='h'\nport=8084\n"));
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->broker.url(), "wss://h:8084/mqtt");
  EXPECT_THAT(sentence("user='a'\ntoken='t'\ntls='yes'\n"),
              ::testing::HasSubstr("'tls' must be true or false"));
  EXPECT_THAT(sentence("user='a'\ntoken='t'\nca_file='ca.crt'\n"),
              ::testing::HasSubstr("ca_file is of no use while tls is off"));
  EXPECT_THAT(sentence("user='a'\ntoken='t'\ntls=true\nca_file='ca.crt'\n"),
              ::testing::HasSubstr((dir_ / "ca.crt").string()));
  EXPECT_THAT(sentence("user='a'\ntls=true\ncert_file='c.crt'\n"),
              ::testing::HasSubstr("key_file is missing"));
}

TEST_F(CtlConfig, a_token_that_others_may_read_is_refused) {
  EXPECT_THAT(sentence("user='a'\ntoken='t'\n", 0644), ::testing::HasSubstr("chmod 600"));
}

TEST_F(CtlConfig, no_file_is_a_usage_error) {
  auto config = load_config(dir_ / "none.toml");
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().exit, Exit::usage);
}

}  // namespace
}  // namespace parley::ctl
