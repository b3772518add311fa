#include "wire/control_version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/request.h"

namespace parley::wire {
namespace {

using testing::HasSubstr;

TEST(ControlVersion, is_the_newest_that_both_sides_speak) {
  EXPECT_EQ(common_version({1, 1}, {1, 1}), 1);
  EXPECT_EQ(common_version({1, 2}, {2, 3}), 2);
  EXPECT_EQ(common_version({2, 5}, {1, 3}), 3);
  EXPECT_EQ(common_version({1, 9}, {4, 4}), 4);
  EXPECT_EQ(common_version({1, 1}, {2, 3}), std::nullopt);
  EXPECT_EQ(common_version({3, 3}, {1, 2}), std::nullopt);
}

TEST(ControlVersion, is_told_by_each_side_for_itself) {
  EXPECT_EQ(common_version(Speaks{}, Speaks{}), kControlVersion);
  EXPECT_LE(kControlVersionOldest, kControlVersion);
  EXPECT_THAT(std::string(release()), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST(ControlVersion, a_mismatch_says_which_side_to_upgrade) {
  const auto old_plugin = mismatch_sentence({1, 1, "0.1.0"}, {2, 3, "0.3.0"});
  EXPECT_THAT(old_plugin, HasSubstr("mosquitto_parley.so 0.1.0, which speaks version 1 "));
  EXPECT_THAT(old_plugin, HasSubstr("parleyd 0.3.0 speaks versions 2 to 3. Upgrade the plugin"));
  const auto old_backend = mismatch_sentence({2, 3, "0.3.0"}, {1, 1, ""});
  EXPECT_THAT(old_backend, HasSubstr("parleyd speaks version 1. Upgrade parleyd"));
}

TEST(ControlVersion, a_mismatch_is_an_answer_with_a_code) {
  const auto reply = parse_reply(format_version_mismatch("c1", "Upgrade it."));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->id, "c1");
  EXPECT_FALSE(reply->ok);
  EXPECT_EQ(reply->code, "version_mismatch");
  EXPECT_EQ(reply->message, "Upgrade it.");
}

}  // namespace
}  // namespace parley::wire
