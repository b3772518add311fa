#include "tools/parley-bench/mqtt_packet.h"

#include <gtest/gtest.h>

#include <vector>

namespace parley::bench {
namespace {

using namespace std::string_literals;

Packet only_packet(const std::string& bytes) {
  std::string_view rest = bytes;
  Packet packet;
  EXPECT_EQ(take_packet(rest, packet), Take::packet);
  EXPECT_TRUE(rest.empty());
  return packet;
}

TEST(MqttPacket, connect_is_as_the_standard_writes_it) {
  std::string v3;
  append_connect(v3, Version::v3, {"c", "u", "p"}, {.clean = true, .keepalive_s = 60});
  EXPECT_EQ(v3, "\x10\x13\0\4MQTT\4\xc2\0\x3c\0\1c\0\1u\0\1p"s);
  std::string v5;
  append_connect(v5, Version::v5, {"c", "", ""}, {.clean = false, .expiry_s = 256, .keepalive_s = 1});
  EXPECT_EQ(v5, "\x10\x13\0\4MQTT\5\0\0\1\5\x11\0\0\1\0\0\1c"s);
}

TEST(MqttPacket, subscribe_lists_its_filters) {
  const std::vector<std::string> filters{"a/b", "c"};
  std::string v3;
  append_subscribe(v3, Version::v3, 258, filters, 1);
  EXPECT_EQ(v3, "\x82\x0c\1\2\0\3a/b\1\0\1c\1"s);
  std::string v5;
  append_subscribe(v5, Version::v5, 1, filters, 0);
  EXPECT_EQ(v5, "\x82\x0d\0\1\0\0\3a/b\0\0\1c\0"s);
}

TEST(MqttPacket, what_is_published_is_read_back) {
  for (const auto version : {Version::v3, Version::v5}) {
    for (const int qos : {0, 1}) {
      for (const std::size_t size : {0, 1, 100, 127, 128, 20'000, 2'097'152}) {
        const std::string payload(size, 'x');
        std::string bytes;
        append_publish(bytes, version, "rooms/lab/send", payload, qos, 0xabcd);
        const auto publish = read_publish(only_packet(bytes), version);
        ASSERT_TRUE(publish);
        EXPECT_EQ(publish->topic, "rooms/lab/send");
        EXPECT_EQ(publish->payload, payload);
        EXPECT_EQ(publish->qos, qos);
        EXPECT_EQ(publish->packet_id, qos ? 0xabcd : 0);
      }
    }
  }
}

TEST(MqttPacket, properties_of_a_publish_are_skipped) {
  const auto publish = read_publish(only_packet("\x30\x08\0\1t\2\1\1hi"s), Version::v5);
  ASSERT_TRUE(publish);
  EXPECT_EQ(publish->payload, "hi");
}

TEST(MqttPacket, answers_are_read) {
  EXPECT_EQ(read_connack(only_packet("\x20\2\1\5"s))->code, 5);
  EXPECT_TRUE(read_connack(only_packet("\x20\2\1\5"s))->session_present);
  EXPECT_EQ(read_puback(only_packet("\x40\2\1\2"s))->packet_id, 258);
  EXPECT_EQ(read_puback(only_packet("\x40\4\1\2\x87\0"s))->code, 0x87);
  EXPECT_EQ(read_suback(only_packet("\x90\4\0\1\1\x80"s), Version::v3)->code, 0x80);
  EXPECT_EQ(read_suback(only_packet("\x90\4\0\1\0\1"s), Version::v5)->code, 1);
}

TEST(MqttPacket, a_packet_is_taken_only_when_whole) {
  std::string bytes;
  append_publish(bytes, Version::v3, "t", std::string(200, 'x'), 1, 1);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::string_view front = std::string_view(bytes).substr(0, n);
    Packet packet;
    EXPECT_EQ(take_packet(front, packet), Take::incomplete);
    EXPECT_EQ(front.size(), n);
  }
  bytes += "\xd0\0"s;
  std::string_view rest = bytes;
  Packet packet;
  EXPECT_EQ(take_packet(rest, packet), Take::packet);
  EXPECT_EQ(take_packet(rest, packet), Take::packet);
  EXPECT_EQ(packet.type, PacketType::pingresp);
}

TEST(MqttPacket, a_length_of_five_bytes_is_malformed) {
  std::string_view bytes = "\x30\xff\xff\xff\xff\x01";
  Packet packet;
  EXPECT_EQ(take_packet(bytes, packet), Take::malformed);
}

TEST(MqttPacket, bodies_that_are_too_short_are_not_read) {
  EXPECT_FALSE(read_connack({PacketType::connack, 0, "\0"}));
  EXPECT_FALSE(read_puback({PacketType::puback, 0, "x"}));
  EXPECT_FALSE(read_publish({PacketType::publish, 0, std::string_view("\0\5t", 3)}, Version::v3));
  EXPECT_FALSE(read_publish({PacketType::publish, 2, std::string_view("\0\1t\1", 4)}, Version::v3));
  EXPECT_FALSE(read_publish({PacketType::publish, 0, std::string_view("\0\1t\5", 4)}, Version::v5));
}

}  // namespace
}  // namespace parley::bench
