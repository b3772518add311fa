#include "backend/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "backend/config/keys.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ConfigErrors errors_of(std::string_view text, const std::vector<std::string>& overrides = {}) {
  auto config = parse_config(text, "parleyd.toml", overrides);
  return config ? ConfigErrors{} : config.error();
}

TEST(Config, the_broker_may_be_spoken_to_over_tls) {
  const auto config =
      parse_config("[broker]\nhost = \"h\"\nport = 8883\ntls = \"yes\"\nca_file = \"/c\"\n", "t");
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->broker.at.url(), "ssl://h:8883");
  EXPECT_EQ(config->broker.at.ca_file, "/c");
  EXPECT_FALSE(parse_config("broker.tls = \"perhaps\"", "t").has_value());
}

TEST(Config, nothing_given_is_the_defaults) {
  const auto config = parse_config("", "x");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->broker.at.port, 1883);
  EXPECT_EQ(config->requests.room_create, RoomCreators::everyone);
}

TEST(Config, the_printed_defaults_are_read_back_as_the_defaults) {
  const auto text = default_config();
  const auto config = parse_config(text, "x");
  ASSERT_TRUE(config) << config.error().front();
  for (const auto& key : config_keys()) {
    if (const auto* number = std::get_if<NumberKey>(&key.kind)) {
      EXPECT_EQ(number->get(*config), number->get(Config{}));
    }
    const auto dot = key.name.find('.');
    EXPECT_THAT(text,
                HasSubstr("\n" + std::string(key.name.substr(dot == key.name.npos ? 0 : dot + 1)) + " = "));
  }
  EXPECT_EQ(config->store, Config{}.store);
}

TEST(Config, every_kind_of_key_is_read) {
  const auto config = parse_config(R"(
store = "/srv/parley.db"
stop_timeout_ms = 1500
[broker]
host = "broker.example"
keepalive_s = 2
[log]
level = "debug"
format = "json"
[requests]
room_create = "admins"
)",
                                   "parleyd.toml");
  ASSERT_TRUE(config) << config.error().front();
  EXPECT_EQ(config->store, "/srv/parley.db");
  EXPECT_EQ(config->stop_timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(config->broker.at.host, "broker.example");
  EXPECT_EQ(config->broker.keepalive, std::chrono::seconds(2));
  EXPECT_EQ(config->log.level, LogLevel::debug);
  EXPECT_EQ(config->log.format, LogFormat::json);
  EXPECT_EQ(config->requests.room_create, RoomCreators::admins);
}

struct Wrong {
  const char* text;
  const char* error;
};
class ConfigErrorTest : public testing::TestWithParam<Wrong> {};

TEST_P(ConfigErrorTest, is_told_with_its_place) {
  EXPECT_THAT(errors_of(GetParam().text), ElementsAre(HasSubstr(GetParam().error)));
}

INSTANTIATE_TEST_SUITE_P(
    Table, ConfigErrorTest,
    testing::Values(
        Wrong{"\nprot = 1", "parleyd.toml:2: unknown key prot"},
        Wrong{"[http]\nprot = 1", "parleyd.toml:2: unknown key http.prot"},
        Wrong{"[htpt]\nport = 1", "parleyd.toml:1: unknown table [htpt]"},
        Wrong{"[http.port]\nx = 1", "parleyd.toml:1: unknown table [http.port]"},
        Wrong{"http = 1", "parleyd.toml:1: http is a table"},
        Wrong{"[http]\nport = \"1\"", "parleyd.toml:2: http.port must be a whole number from 0 to 65535"},
        Wrong{"[http]\nport = 65536", "http.port must be a whole number"},
        Wrong{"[http]\nport = -1", "http.port must be a whole number"},
        Wrong{"[http]\nport = 1.0", "http.port must be a whole number"},
        Wrong{"[broker]\nkeepalive_s = 6", "broker.keepalive_s must be a whole number from 1 to 5"},
        Wrong{"[broker]\nhost = 1", "broker.host must be a string"},
        Wrong{"[log]\nlevel = \"loud\"", "log.level must be \"debug, info, warning or error\""},
        Wrong{"[log]\nlevel = 1", "log.level must be"}, Wrong{"[http]\nport = 1\nport = 2", "parleyd.toml:3"},
        Wrong{"[http\nport = 1", "parleyd.toml:1"},
        Wrong{"store = \"redis://x\"", "This kind of store is not known"},
        Wrong{"store = \"\"", "store: No path"}));

TEST(Config, all_errors_are_told_at_once) {
  EXPECT_EQ(errors_of("a = 1\n[http]\nport = \"x\"\n[log]\nlevel = \"y\"").size(), 3u);
}

TEST(Config, overrides_win_and_are_checked_alike) {
  const auto config =
      parse_config("[http]\nport = 1", "x", {"http.port=2", "log.level=debug", "store=/a b.db"});
  ASSERT_TRUE(config) << config.error().front();
  EXPECT_EQ(config->http.port, 2);
  EXPECT_EQ(config->log.level, LogLevel::debug);
  EXPECT_EQ(config->store, "/a b.db");
  EXPECT_THAT(errors_of("", {"http.prot=2"}), ElementsAre("--set http.prot: unknown key http.prot"));
  EXPECT_THAT(errors_of("", {"http.port=x"}), ElementsAre(HasSubstr("http.port must be a whole number")));
  EXPECT_THAT(errors_of("", {"http.port"}), ElementsAre(HasSubstr("write KEY=VALUE")));
  EXPECT_THAT(errors_of("", {"http.port=1\nlog.level=\"x\""}), testing::SizeIs(1));
}

TEST(Config, a_missing_file_is_an_error) {
  EXPECT_FALSE(load_config("/nonexistent/parleyd.toml"));
}

TEST(Config, the_environment_goes_before_the_secret_file) {
  Config config;
  unsetenv("PARLEY_BROKER_SECRET");
  EXPECT_EQ(broker_secret(config).error().code, Errc::invalid_argument);
  const auto path = testing::TempDir() + "/parley_secret";
  std::ofstream(path) << "from file\n";
  ASSERT_EQ(::system(("chmod 600 " + path).c_str()), 0);
  config.broker.secret_file = path;
  EXPECT_EQ(broker_secret(config).value(), "from file");
  setenv("PARLEY_BROKER_SECRET", "from environment", 1);
  EXPECT_EQ(broker_secret(config).value(), "from environment");
  unsetenv("PARLEY_BROKER_SECRET");
}

}  // namespace
}  // namespace parley::backend
