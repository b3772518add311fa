#include "plugin/broker/options.h"

#include <gtest/gtest.h>

#include <fstream>

namespace parley::plugin {
namespace {

using Given = std::vector<std::pair<std::string, std::string>>;

Given with(Given more) {
  Given given{{"data_dir", "/d"}, {"backend_secret_file", "/s"}};
  given.insert(given.end(), more.begin(), more.end());
  return given;
}

TEST(Options, the_two_that_are_required_are_enough) {
  const auto o = parse_options(with({}));
  ASSERT_TRUE(o) << o.error().message;
  EXPECT_EQ(o->data_dir, "/d");
  EXPECT_EQ(o->other_topics, AclDecision::defer);
  EXPECT_FALSE(o->defer_other_users);
  EXPECT_EQ(o->max_content_bytes, 64u * 1024);
  EXPECT_EQ(o->user_rate, 0);
}

TEST(Options, sizes_and_times_take_units) {
  const auto o = parse_options(with({{"journal_max_bytes", "3G"},
                                     {"journal_segment_bytes", "4M"},
                                     {"max_content_bytes", "100K"},
                                     {"ref_window", "2h"},
                                     {"client_id_hold", "3d"},
                                     {"jwt_leeway", "5"},
                                     {"journal_sync", "interval 250"}}));
  ASSERT_TRUE(o) << o.error().message;
  EXPECT_EQ(o->journal_max_bytes, 3ull << 30);
  EXPECT_EQ(o->journal_segment_bytes, 4ull << 20);
  EXPECT_EQ(o->max_content_bytes, 100u * 1024);
  EXPECT_EQ(o->ref_window, std::chrono::hours(2));
  EXPECT_EQ(o->client_id_hold, std::chrono::days(3));
  EXPECT_EQ(o->jwt_leeway, std::chrono::seconds(5));
  EXPECT_EQ(o->journal_sync, SyncPolicy::interval);
  EXPECT_EQ(o->journal_sync_interval, std::chrono::milliseconds(250));
}

TEST(Options, a_rate_without_a_burst_gets_one) {
  EXPECT_EQ(parse_options(with({{"user_rate", "5"}}))->user_burst, 10);
  EXPECT_EQ(parse_options(with({{"user_rate", "0.1"}}))->user_burst, 1);
  EXPECT_EQ(parse_options(with({{"user_rate", "5"}, {"user_burst", "7"}}))->user_burst, 7);
}

TEST(Options, what_is_wrong_is_said_with_the_options_name) {
  const std::pair<Given, std::string> cases[] = {
      {{{"backend_secret_file", "/s"}}, "plugin_opt_data_dir is missing"},
      {{{"data_dir", "/d"}}, "plugin_opt_backend_secret_file is missing"},
      {with({{"dta_dir", "/d"}}), "plugin_opt_dta_dir is unknown"},
      {with({{"data_dir", "/e"}}), "plugin_opt_data_dir is given twice"},
      {with({{"other_users", "allow"}}), "plugin_opt_other_users takes defer or deny"},
      {with({{"user_rate", "nan"}}), "plugin_opt_user_rate takes"},
      {with({{"user_rate", "5x"}}), "plugin_opt_user_rate takes"},
      {with({{"max_content_bytes", "0"}}), "plugin_opt_max_content_bytes takes"},
      {with({{"max_content_bytes", "257K"}}), "plugin_opt_max_content_bytes takes"},
      {with({{"journal_max_bytes", "99999999999999999999G"}}), "plugin_opt_journal_max_bytes takes"},
      {with({{"journal_max_bytes", "1M"}, {"journal_segment_bytes", "1M"}}), "at least twice"},
      {with({{"journal_sync", "interval 0"}}), "plugin_opt_journal_sync takes"},
      {with({{"jwt_auto_user", "yes"}}), "plugin_opt_jwt_auto_user takes true or false"},
      {with({{"jwt_auto_user", "true"}}), "need plugin_opt_jwt_key_file"},
      {with({{"trace_sample", "2"}}), "plugin_opt_trace_sample takes a number from 0 to 1"},
      {with({{"jwt_key_file", "/k"}}), "go together"},
      {with({{"jwt_key_file", "/k"}, {"jwt_algorithm", "none"}}), "takes HS256, RS256 or ES256"},
      {with({{"jwt_key_file", "/k"}, {"jwt_algorithm", "RS256"}, {"jwt_jwks_file", "/j"}}),
       "exclude each other"},
  };
  for (const auto& [given, sentence] : cases) {
    const auto o = parse_options(given);
    ASSERT_FALSE(o) << sentence;
    EXPECT_EQ(o.error().code, Errc::invalid_argument);
    EXPECT_NE(o.error().message.find(sentence), std::string::npos) << o.error().message;
  }
}

TEST(Options, per_listener_settings_is_found_also_in_an_included_folder) {
  const auto dir = std::filesystem::path(testing::TempDir()) / "per_listener";
  std::filesystem::create_directories(dir / "conf.d");
  auto write = [](const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path) << text;
  };
  write(dir / "a.conf", "# per_listener_settings true\nlistener 1883\n");
  EXPECT_EQ(says_per_listener_settings(dir / "a.conf"), false);
  write(dir / "b.conf", "per_listener_settings   true\n");
  EXPECT_EQ(says_per_listener_settings(dir / "b.conf"), true);
  write(dir / "c.conf", "include_dir " + (dir / "conf.d").string() + "\n");
  EXPECT_EQ(says_per_listener_settings(dir / "c.conf"), false);
  write(dir / "conf.d" / "x.conf", "per_listener_settings true\n");
  EXPECT_EQ(says_per_listener_settings(dir / "c.conf"), true);
  EXPECT_EQ(says_per_listener_settings(dir / "none.conf"), std::nullopt);
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace parley::plugin
