#include "wire/json_slices.h"

#include <gtest/gtest.h>

namespace parley::wire {
namespace {

std::string written(std::string_view json) {
  std::string text;
  for (const auto& [name, value] : slice_object(json))
    text.append(name).append("=").append(value).append(";");
  return text;
}

TEST(JsonSlices, members_are_told_as_they_are_written) {
  EXPECT_EQ(written("{}"), "");
  EXPECT_EQ(written(" { } "), "");
  EXPECT_EQ(written(R"({"a":1})"), "a=1;");
  EXPECT_EQ(written("{ \"a\" :\n1.50e3 , \"b\" : \"x\" }"), "a=1.50e3;b=\"x\";");
  EXPECT_EQ(written(R"({"a":{"b":[1,{"c":2}],"d":"}"},"e":null})"), R"(a={"b":[1,{"c":2}],"d":"}"};e=null;)");
  EXPECT_EQ(written(R"({"a\"}:,":"\\","b":",\"{"})"), R"(a\"}:,="\\";b=",\"{";)");
}

TEST(JsonSlices, what_is_no_object_does_no_harm) {
  for (const char* text :
       {"", "{", "}", "{\"", "{\"a\"", "{\"a\":", "{:}", "{,}", "{\"a\":1,", "[1,2]", "{a:1}", "{\"\\\"}"})
    (void)slice_object(text);
}

}  // namespace
}  // namespace parley::wire
