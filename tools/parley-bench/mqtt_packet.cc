#include "tools/parley-bench/mqtt_packet.h"

#include <algorithm>

namespace parley::bench {
namespace {

void append_u16(std::string& out, std::size_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}

void append_u32(std::string& out, std::uint32_t value) {
  append_u16(out, value >> 16);
  append_u16(out, value & 0xffff);
}

void append_text(std::string& out, std::string_view text) {
  append_u16(out, text.size());
  out.append(text);
}

void append_header(std::string& out, PacketType type, std::uint8_t flags, std::size_t remaining) {
  out.push_back(static_cast<char>(static_cast<std::uint8_t>(type) << 4 | flags));
  do {
    const auto digit = remaining % 128;
    remaining /= 128;
    out.push_back(static_cast<char>(remaining ? digit | 0x80 : digit));
  } while (remaining);
}

std::uint8_t byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}

std::uint16_t u16_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint16_t>(byte_at(bytes, i) << 8 | byte_at(bytes, i + 1));
}

// A number of up to four bytes, seven bits each. `incomplete`: more bytes are needed.
Take take_variable(std::string_view& bytes, std::size_t& value) {
  value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i >= bytes.size()) return Take::incomplete;
    value |= std::size_t{byte_at(bytes, i) & 0x7fu} << (7 * i);
    if (byte_at(bytes, i) < 0x80) {
      bytes.remove_prefix(i + 1);
      return Take::packet;
    }
  }
  return Take::malformed;
}

bool skip_properties(std::string_view& body) {
  std::size_t size = 0;
  if (take_variable(body, size) != Take::packet || size > body.size()) return false;
  body.remove_prefix(size);
  return true;
}

}  // namespace

void append_connect(std::string& out, Version version, const Login& login, const SessionKind& session) {
  constexpr std::uint8_t kClean = 0x02, kPassword = 0x40, kUser = 0x80;
  constexpr char kSessionExpiry = 0x11;
  std::string body;
  append_text(body, "MQTT");
  body.push_back(static_cast<char>(version));
  body.push_back(static_cast<char>((session.clean ? kClean : 0) | (login.user.empty() ? 0 : kUser) |
                                   (login.password.empty() ? 0 : kPassword)));
  append_u16(body, session.keepalive_s);
  if (version == Version::v5) {
    body.push_back(5);
    body.push_back(kSessionExpiry);
    append_u32(body, session.expiry_s);
  }
  append_text(body, login.client_id);
  if (!login.user.empty()) append_text(body, login.user);
  if (!login.password.empty()) append_text(body, login.password);
  append_header(out, PacketType::connect, 0, body.size());
  out += body;
}

void append_subscribe(std::string& out, Version version, std::uint16_t packet_id,
                      std::span<const std::string> filters, int qos) {
  std::string body;
  append_u16(body, packet_id);
  if (version == Version::v5) body.push_back(0);
  for (const auto& filter : filters) {
    append_text(body, filter);
    body.push_back(static_cast<char>(qos));
  }
  append_header(out, PacketType::subscribe, 2, body.size());
  out += body;
}

void append_publish(std::string& out, Version version, std::string_view topic, std::string_view payload,
                    int qos, std::uint16_t packet_id) {
  const std::size_t properties = version == Version::v5 ? 1 : 0;
  append_header(out, PacketType::publish, static_cast<std::uint8_t>(qos << 1),
                2 + topic.size() + (qos > 0 ? 2 : 0) + properties + payload.size());
  append_text(out, topic);
  if (qos > 0) append_u16(out, packet_id);
  if (properties) out.push_back(0);
  out.append(payload);
}

void append_puback(std::string& out, std::uint16_t packet_id) {
  append_header(out, PacketType::puback, 0, 2);
  append_u16(out, packet_id);
}

void append_pingreq(std::string& out) {
  append_header(out, PacketType::pingreq, 0, 0);
}

void append_disconnect(std::string& out) {
  append_header(out, PacketType::disconnect, 0, 0);
}

Take take_packet(std::string_view& bytes, Packet& packet) {
  if (bytes.empty()) return Take::incomplete;
  auto rest = bytes.substr(1);
  std::size_t size = 0;
  if (const auto took = take_variable(rest, size); took != Take::packet) return took;
  if (rest.size() < size) return Take::incomplete;
  packet = {static_cast<PacketType>(byte_at(bytes, 0) >> 4),
            static_cast<std::uint8_t>(byte_at(bytes, 0) & 0x0f), rest.substr(0, size)};
  bytes = rest.substr(size);
  return Take::packet;
}

std::optional<Connack> read_connack(const Packet& packet) {
  if (packet.body.size() < 2) return std::nullopt;
  return Connack{(byte_at(packet.body, 0) & 1) != 0, byte_at(packet.body, 1)};
}

std::optional<Publish> read_publish(const Packet& packet, Version version) {
  auto body = packet.body;
  Publish publish{.qos = packet.flags >> 1 & 3};
  if (body.size() < 2) return std::nullopt;
  const std::size_t topic = u16_at(body, 0);
  const std::size_t header = 2 + topic + (publish.qos > 0 ? 2 : 0);
  if (body.size() < header) return std::nullopt;
  publish.topic = body.substr(2, topic);
  if (publish.qos > 0) publish.packet_id = u16_at(body, 2 + topic);
  body.remove_prefix(header);
  if (version == Version::v5 && !skip_properties(body)) return std::nullopt;
  publish.payload = body;
  return publish;
}

std::optional<Ack> read_puback(const Packet& packet) {
  if (packet.body.size() < 2) return std::nullopt;
  return Ack{u16_at(packet.body, 0), packet.body.size() > 2 ? byte_at(packet.body, 2) : std::uint8_t{0}};
}

std::optional<Ack> read_suback(const Packet& packet, Version version) {
  auto body = packet.body;
  if (body.size() < 2) return std::nullopt;
  Ack ack{.packet_id = u16_at(body, 0)};
  body.remove_prefix(2);
  if (version == Version::v5 && !skip_properties(body)) return std::nullopt;
  for (const char code : body) ack.code = std::max(ack.code, static_cast<std::uint8_t>(code));
  return ack;
}

}  // namespace parley::bench
