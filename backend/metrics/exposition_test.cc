#include "backend/metrics/exposition.h"

#include <gtest/gtest.h>

namespace parley::backend {
namespace {

TEST(Exposition, writes_a_head_for_each_family_and_a_line_for_each_series) {
  Exposition text;
  text.family("parley_things_total", "counter", "Things.")
      .sample(3, {{"kind", "a"}})
      .sample(4, {{"kind", "b"}});
  text.gauge("parley_age_seconds", "Age.", 0.25);
  EXPECT_EQ(text.take(),
            "# HELP parley_things_total Things.\n# TYPE parley_things_total counter\n"
            "parley_things_total{kind=\"a\"} 3\nparley_things_total{kind=\"b\"} 4\n"
            "# HELP parley_age_seconds Age.\n# TYPE parley_age_seconds gauge\nparley_age_seconds 0.25\n");
}

TEST(Exposition, escapes_what_would_end_a_label_or_a_line) {
  Exposition text;
  text.family("x", "gauge", "One\nline.").sample(1, {{"file", "a\"b\\c\nd"}});
  EXPECT_EQ(text.take(), "# HELP x One\\nline.\n# TYPE x gauge\nx{file=\"a\\\"b\\\\c\\nd\"} 1\n");
}

TEST(Exposition, large_numbers_keep_all_their_digits) {
  Exposition text;
  text.gauge("x", "X.", 1795314673.123);
  EXPECT_NE(text.take().find("x 1795314673.123\n"), std::string::npos);
}

}  // namespace
}  // namespace parley::backend
