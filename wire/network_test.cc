#include "wire/network.h"

#include <gtest/gtest.h>

namespace parley::wire {
namespace {

TEST(Networks, are_read_and_written_in_their_usual_texts) {
  const std::pair<std::string, std::string> cases[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"192.0.2.1/32", "192.0.2.1"},
      {"192.0.2.77/24", "192.0.2.0/24"},
      {"10.255.255.255/9", "10.128.0.0/9"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"::1", "::1"},
      {"2001:db8::/32", "2001:db8::/32"},
      {"2001:DB8:0:1:2:3:4:5/64", "2001:db8:0:1::/64"},
      {"::/0", "::/0"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"::ffff:192.0.2.1/120", "192.0.2.0/24"},
  };
  for (const auto& [given, written] : cases) {
    const auto network = parse_network(given);
    ASSERT_TRUE(network) << given;
    EXPECT_EQ(to_text(*network), written) << given;
    EXPECT_EQ(parse_network(to_text(*network)), network) << given;
  }
}

TEST(Networks, anything_else_is_none) {
  for (const std::string text : {"",
                                 "/",
                                 "1.2.3",
                                 "1.2.3.4.5",
                                 "1.2.3.256",
                                 "1.2.3.4/33",
                                 "1.2.3.4/",
                                 "1.2.3.4/-1",
                                 "1.2.3.4/08",
                                 "1.2.3.4/+8",
                                 "1.2.3.4 ",
                                 " 1.2.3.4",
                                 "::1/129",
                                 ":::1",
                                 "fe80::1%lo",
                                 "[::1]",
                                 "1.2.3.4:80",
                                 "localhost",
                                 "01.2.3.4",
                                 "1.2.3.4/24/24",
                                 "aaaa:bbbb:cccc:dddd:eeee:ffff:255.255.255.255:1:2:3"})
    EXPECT_FALSE(parse_network(text)) << text;
  EXPECT_FALSE(parse_network(std::string_view("1.2.3.4\0/8", 10)));
}

TEST(ClientAddresses, of_a_list_the_last_one_counts) {
  const auto own = parse_address("192.0.2.7");
  for (const auto text : {"192.0.2.7", "10.0.0.1, 192.0.2.7", "lies,192.0.2.7", ",192.0.2.7 "})
    EXPECT_EQ(parse_client_address(text), own) << text;
  for (const auto text : {"", ",", "192.0.2.7, ", "192.0.2.7, unknown"})
    EXPECT_FALSE(parse_client_address(text)) << text;
}

TEST(Networks, hold_their_addresses_and_no_others) {
  const auto inside = [](std::string_view network, std::string_view address) {
    return parse_network(network)->contains(*parse_address(address));
  };
  EXPECT_TRUE(inside("192.0.2.0/24", "192.0.2.255"));
  EXPECT_FALSE(inside("192.0.2.0/24", "192.0.3.0"));
  EXPECT_TRUE(inside("192.0.2.128/25", "192.0.2.129"));
  EXPECT_FALSE(inside("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(inside("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(inside("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_FALSE(inside("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(inside("0.0.0.0/0", "::ffff:1.2.3.4"));
  EXPECT_TRUE(inside("192.0.2.1", "::ffff:192.0.2.1"));
}

}  // namespace
}  // namespace parley::wire
