#include "backend/metrics/host_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::backend {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(HostMetrics, show_the_disks_of_folders_that_are_there) {
  const auto text = disk_metrics({{"store", testing::TempDir()}, {"gone", "/nowhere/at/all"}});
  EXPECT_THAT(text, HasSubstr("\nparley_disk_free_bytes{folder=\"store\"} "));
  EXPECT_THAT(text, HasSubstr("\nparley_disk_size_bytes{folder=\"store\"} "));
  EXPECT_THAT(text, Not(HasSubstr("gone")));
  EXPECT_EQ(disk_metrics({}), "");
}

TEST(HostMetrics, a_certificate_that_cannot_be_read_has_ended) {
  EXPECT_THAT(certificate_metrics({"/nowhere/server.crt"}),
              HasSubstr("\nparley_certificate_end_time_seconds{file=\"/nowhere/server.crt\"} 0\n"));
  EXPECT_EQ(certificate_metrics({}), "");
}

}  // namespace
}  // namespace parley::backend
