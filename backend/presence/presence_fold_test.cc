#include "backend/presence/presence_fold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "source_dir.h"

namespace parley::backend {
namespace {

TEST(PresenceFold, what_is_published_is_the_contracts_example) {
  const auto text = format_presence(
      {.user = "alice", .status = PresenceStatus::online, .last_seen = from_ms(1795314673123)});
  const auto contract = read_file(PARLEY_SOURCE_DIR "/topics.md");
  ASSERT_TRUE(contract);
  EXPECT_THAT(*contract, testing::HasSubstr("```json presence\n" + text + "\n```"));
}

TEST(PresenceFold, a_status_that_makes_no_sense_says_nothing) {
  EXPECT_EQ(read_device_status(R"({"status":"away","since":5})"), DeviceSays::away);
  EXPECT_EQ(read_device_status(R"({"status":"online"})"), DeviceSays::online);
  EXPECT_EQ(read_device_status(R"({"status":"offline"})"), DeviceSays::offline);
  for (const char* text :
       {"", "away", "{}", "[]", R"({"status":7})", R"({"status":"asleep"})", R"({"status":")"})
    EXPECT_EQ(read_device_status(text), DeviceSays::nothing) << text;
}

}  // namespace
}  // namespace parley::backend
