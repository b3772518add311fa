#include "backend/mqtt/no_delay.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include "backend/mqtt/test_broker.h"

namespace parley::backend {
namespace {

bool has_no_delay(int fd) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size) == 0 && value != 0;
}

TEST(NoDelay, is_set_on_connections_to_that_port_alone) {
  TestBroker broker, other;
  auto connect_to = [](const TestBroker& to) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(to.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  };
  const int there = connect_to(broker), elsewhere = connect_to(other);
  EXPECT_EQ(set_no_delay_towards(static_cast<std::uint16_t>(broker.port())), 1);
  EXPECT_TRUE(has_no_delay(there));
  EXPECT_FALSE(has_no_delay(elsewhere));
  ::close(there);
  ::close(elsewhere);
}

}  // namespace
}  // namespace parley::backend
