#include "backend/config/reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Config read(std::string_view text) {
  return *parse_config(text, "parleyd.toml");
}

TEST(Reload, live_keys_are_taken_over_and_the_others_named) {
  const auto plan = plan_reload(read("http.port = 7881\nlog.level = \"error\""),
                                read("http.port = 7882\nstore_replicas = [\"postgresql://db2/parley\"]\n"
                                     "store = \"postgresql://db1/parley\"\n[log]\nlevel = \"debug\"\n"
                                     "[requests]\nuser_rate = 7\nroom_create = \"admins\""));
  EXPECT_THAT(plan.changed, ElementsAre("log.level", "requests.room_create", "requests.user_rate"));
  EXPECT_THAT(plan.need_restart, ElementsAre("store", "store_replicas", "http.port"));
  EXPECT_EQ(plan.config.log.level, LogLevel::debug);
  EXPECT_EQ(plan.config.requests.user_rate, 7u);
  EXPECT_EQ(plan.config.requests.room_create, RoomCreators::admins);
  EXPECT_EQ(plan.config.http.port, 7881);
  EXPECT_THAT(plan.config.store_replicas, IsEmpty());
}

TEST(Reload, a_key_that_was_taken_out_is_at_its_default_again) {
  const auto plan = plan_reload(read("requests.user_rate = 7"), read(""));
  EXPECT_THAT(plan.changed, ElementsAre("requests.user_rate"));
  EXPECT_EQ(plan.config.requests.user_rate, 0u);
}

TEST(Reload, nothing_changed_is_nothing_to_do) {
  const auto plan = plan_reload(read("http.port = 7881"), read("http.port = 7881"));
  EXPECT_THAT(plan.changed, IsEmpty());
  EXPECT_THAT(plan.need_restart, IsEmpty());
}

}  // namespace
}  // namespace parley::backend
