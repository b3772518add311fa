#pragma once
#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace parley {

// Where a broker is, and how it is spoken to. Over TLS its certificate must be signed by an authority of `ca_file`, and be for `host`: there
// is no way to leave that out.
struct Endpoint {
  std::string host = "127.0.0.1";
  std::uint16_t port = 1883;
  bool tls = false;
  bool websocket = false;   // MQTT over WebSocket, at the path /mqtt
  std::string ca_file{};    // PEM; "": the authorities of the system
  std::string cert_file{};  // PEM: the certificate to show, with those above it; "": none
  std::string key_file{};   // PEM: its key, without a password

  std::string name() const { return host + ":" + std::to_string(port); }
  std::string url() const;  // as Paho takes it
};

// Are its files there, readable, of use, and the key not readable for others? invalid_argument: a sentence that begins with the key of the
// configuration that is wrong (tls, ca_file, cert_file, key_file).
Result<> check(const Endpoint& endpoint);

// Why no connection comes about, as a sentence for whoever set it up; "" when nothing is wrong but what the caller knows. Looks by connecting
// once more, without a word of MQTT: blocks, at most some `timeout`s, and the broker logs a client that went away.
std::string why_unreachable(const Endpoint& endpoint, std::chrono::milliseconds timeout);

}  // namespace parley
