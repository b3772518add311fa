#include "plugin/auth/bearer.h"

#include <gtest/gtest.h>

namespace parley::plugin {
namespace {

TEST(Bearer, the_message_of_RFC_7628_is_read) {
  const auto bearer = parse_bearer(
      "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01"
      "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01");
  ASSERT_TRUE(bearer);
  EXPECT_EQ(bearer->user, "user@example.com");
  EXPECT_EQ(bearer->token, "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
}

TEST(Bearer, the_user_may_be_left_to_the_token) {
  EXPECT_EQ(parse_bearer("n,,\x01"
                         "auth=bearer x\x01\x01")
                ->user,
            "");
  EXPECT_EQ(parse_bearer("y,,\x01"
                         "auth=BEARER x\x01\x01")
                ->token,
            "x");
}

TEST(Bearer, anything_else_is_refused) {
  for (const char* message : {"", "\x01", "n,,", "n,,\x01\x01",
                              "n,,\x01"
                              "auth=Bearer x\x01",
                              "n,,\x01"
                              "auth=Bearer x",
                              "n,,auth=Bearer x\x01\x01",
                              "n,,\x01"
                              "auth=Basic x\x01\x01",
                              "n,,\x01"
                              "auth=Bearer \x01\x01",
                              "n,,\x01"
                              "auth=Bearerx\x01\x01",
                              "n,,\x01"
                              "auth=Bearer a b\x01\x01",
                              "n,,\x01"
                              "auth=Bearer x\x01"
                              "auth=Bearer y\x01\x01",
                              "n,,\x01"
                              "=x\x01\x01",
                              "n,,\x01"
                              "auth\x01\x01",
                              "n,,\x01"
                              "auth=Bearer x\x01\x01\x01",
                              "n,,\x01"
                              "auth=Bearer x\x01\x01"
                              "a=b\x01",
                              "p=tls-exporter,,\x01"
                              "auth=Bearer x\x01\x01",
                              "n,alice,\x01"
                              "auth=Bearer x\x01\x01",
                              "x,,\x01"
                              "auth=Bearer x\x01\x01"})
    EXPECT_FALSE(parse_bearer(message)) << message;
  EXPECT_FALSE(
      parse_bearer("n,,\x01"
                   "auth=Bearer " +
                   std::string(kBearerMax, 'x') + "\x01\x01"));
}

}  // namespace
}  // namespace parley::plugin
