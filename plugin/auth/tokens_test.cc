#include "plugin/auth/tokens.h"

#include <gtest/gtest.h>

#include <string>

#include "base/encoding.h"

namespace parley::plugin {
namespace {

TEST(Tokens, only_32_bytes_behind_the_prefix_look_like_a_token) {
  std::string token = "plt_" + base64url_encode(random_bytes(32));
  ASSERT_EQ(token.size(), 47U);
  EXPECT_TRUE(looks_like_token(token));
  for (const std::string& other :
       {std::string(), std::string("plt_"), token.substr(0, 46), token + "A", token + "=",
        "PLT_" + token.substr(4), token.substr(4), token.substr(0, 20) + "." + token.substr(21),
        "plt_" + base64url_encode(random_bytes(31)), " " + token}) {
    EXPECT_FALSE(looks_like_token(other)) << other;
  }
}

TEST(Tokens, the_digest_is_of_the_whole_text) {
  EXPECT_EQ(hex_encode(as_view(token_sha256("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace parley::plugin
