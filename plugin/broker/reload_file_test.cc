#include "plugin/broker/reload_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/ids.h"

namespace parley::plugin {
namespace {

class ReloadFile : public testing::Test {
 protected:
  ~ReloadFile() override { std::filesystem::remove(path_); }

  void write(std::string_view text) { std::ofstream(path_, std::ios::trunc) << text; }
  Result<Options> load(GivenOptions more = {}) {
    GivenOptions given{{"data_dir", "/d"}, {"backend_secret_file", "/s"}, {"reload_file", path_.string()}};
    given.insert(given.end(), more.begin(), more.end());
    return load_options(given);
  }
  // What is wrong with a file of this text.
  std::string complaint(std::string_view text) {
    write(text);
    const auto options = load();
    return options ? "" : options.error().message;
  }

  std::filesystem::path path_ =
      std::filesystem::path(testing::TempDir()) / ("reload-" + random_id(8) + ".conf");
};

TEST_F(ReloadFile, its_options_go_before_those_of_mosquitto_conf) {
  write("# limits\n\n  user_rate   5 \r\nother_topics allow\nlog_level\tdebug");
  const auto options = load({{"user_rate", "100"}, {"max_subscriptions", "7"}});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->user_rate, 5);
  EXPECT_EQ(options->user_burst, 10);
  EXPECT_EQ(options->other_topics, AclDecision::allow);
  EXPECT_EQ(options->log_level, LogLevel::debug);
  EXPECT_EQ(options->max_subscriptions, 7u);
}

TEST_F(ReloadFile, is_read_anew_each_time) {
  write("user_rate 5");
  EXPECT_EQ(load()->user_rate, 5);
  write("");
  EXPECT_EQ(load()->user_rate, 0);
}

TEST_F(ReloadFile, without_one_the_options_are_those_of_mosquitto_conf) {
  const auto options = load_options({{"data_dir", "/d"}, {"backend_secret_file", "/s"}, {"user_rate", "3"}});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->user_rate, 3);
}

TEST_F(ReloadFile, what_is_wrong_with_it_is_said) {
  EXPECT_NE(load().error().message.find("plugin_opt_reload_file"), std::string::npos) << "there is none";
  EXPECT_NE(complaint("user_rate 5\njournal_sync always\n").find(":2: \"journal_sync\" can't be changed"),
            std::string::npos);
  EXPECT_NE(complaint("data_dir /elsewhere").find("can't be changed"), std::string::npos);
  EXPECT_NE(complaint("reload_file /another").find("can't be changed"), std::string::npos);
  EXPECT_NE(complaint("plugin_opt_user_rate 5").find("can't be changed"), std::string::npos);
  EXPECT_NE(complaint("user_rate\n").find("plugin_opt_user_rate takes a number"), std::string::npos);
  EXPECT_NE(complaint("user_rate fast").find("not \"fast\""), std::string::npos);
  EXPECT_NE(complaint("user_rate 1\nuser_rate 2").find("given twice"), std::string::npos);
  EXPECT_NE(complaint(std::string(kReloadFileMax + 1, '#')).find("plugin_opt_reload_file"),
            std::string::npos);
}

}  // namespace
}  // namespace parley::plugin
