#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// The few MQTT packets a load generator needs, as bytes: versions 3.1.1 and 5, QoS 0 and 1. Pure; what is appended
// goes to the end of `out`. Nothing is checked against the standard's limits but the remaining length.
namespace parley::bench {

enum class Version : std::uint8_t { v3 = 4, v5 = 5 };

enum class PacketType : std::uint8_t {
  connect = 1,
  connack = 2,
  publish = 3,
  puback = 4,
  subscribe = 8,
  suback = 9,
  pingreq = 12,
  pingresp = 13,
  disconnect = 14,
};

struct Login {
  std::string client_id;
  std::string user, password;  // "" : none is sent
};
struct SessionKind {
  bool clean = true;
  std::uint32_t expiry_s = 0;  // version 5
  std::uint16_t keepalive_s = 60;
};

void append_connect(std::string& out, Version version, const Login& login, const SessionKind& session = {});
void append_subscribe(std::string& out, Version version, std::uint16_t packet_id,
                      std::span<const std::string> filters, int qos);
// packet_id is left out with QoS 0.
void append_publish(std::string& out, Version version, std::string_view topic, std::string_view payload,
                    int qos, std::uint16_t packet_id);
void append_puback(std::string& out, std::uint16_t packet_id);
void append_pingreq(std::string& out);
void append_disconnect(std::string& out);

// One packet as it came: views into the bytes it was taken from.
struct Packet {
  PacketType type{};
  std::uint8_t flags = 0;  // the low four bits of the first byte
  std::string_view body;
};

enum class Take { packet, incomplete, malformed };
// Takes the packet at the front off `bytes`. `incomplete` takes nothing; `malformed` is a remaining length of more
// than four bytes.
Take take_packet(std::string_view& bytes, Packet& packet);

struct Connack {
  bool session_present = false;
  std::uint8_t code = 0;
};
struct Publish {
  std::string_view topic, payload;
  std::uint16_t packet_id = 0;  // 0 with QoS 0
  int qos = 0;
};
struct Ack {  // PUBACK; of SUBACK, `code` is the largest of its codes: 0x80 and above is a refusal
  std::uint16_t packet_id = 0;
  std::uint8_t code = 0;
};
// nullopt: the body is too short for what it should hold.
std::optional<Connack> read_connack(const Packet& packet);
std::optional<Publish> read_publish(const Packet& packet, Version version);
std::optional<Ack> read_puback(const Packet& packet);
std::optional<Ack> read_suback(const Packet& packet, Version version);

}  // namespace parley::bench
