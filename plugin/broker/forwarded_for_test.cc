#include "plugin/broker/forwarded_for.h"

#include <gtest/gtest.h>

namespace parley::plugin {
namespace {

TEST(ForwardedForTest, an_address_of_tcp_is_the_peers) {
  for (auto header : {ForwardedFor::unheard, ForwardedFor::ignored, ForwardedFor::believed})
    EXPECT_EQ(believable_address("192.0.2.7", false, header), "192.0.2.7");
}

TEST(ForwardedForTest, a_broker_that_does_not_look_tells_the_peers_over_websocket_too) {
  EXPECT_EQ(believable_address("192.0.2.7", true, ForwardedFor::unheard), "192.0.2.7");
}

TEST(ForwardedForTest, what_clients_can_write_is_no_address) {
  EXPECT_EQ(believable_address("127.0.0.1", true, ForwardedFor::ignored), kWebSocketPeer);
  EXPECT_EQ(believable_address("203.0.113.9, 127.0.0.1", true, ForwardedFor::ignored), kWebSocketPeer);
}

TEST(ForwardedForTest, of_a_header_that_several_wrote_on_the_last_hop_counts) {
  EXPECT_EQ(believable_address("192.0.2.7", true, ForwardedFor::believed), "192.0.2.7");
  EXPECT_EQ(believable_address("127.0.0.1, 203.0.113.9 , 192.0.2.7 ", true, ForwardedFor::believed),
            "192.0.2.7");
  EXPECT_EQ(believable_address("2001:db8::1,", true, ForwardedFor::believed), "");
  EXPECT_EQ(believable_address("", true, ForwardedFor::believed), "");
}

}  // namespace
}  // namespace parley::plugin
