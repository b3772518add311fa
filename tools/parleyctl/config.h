#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/tls/endpoint.h"
#include "tools/parleyctl/outcome.h"

namespace parley::ctl {

// Where the broker is and as whom to log in. From a TOML file:
//
//   host = "127.0.0.1"        # default
//   port = 1883               # default
//   tls = true                # default false: over TLS; the broker's certificate must be for `host`
//   ca_file = "ca.crt"        # and of an authority in here; default: those of the system
//   cert_file = "me.crt"      # a certificate to show, with its key
//   key_file = "me.key"
//   websocket = true          # default false: over WebSocket (at /mqtt)
//   user = "admin"            # required
//   token = "plt_…"           # one of these four is required, unless there is a cert_file:
//   token_file = "admin.token"     # relative paths, of all files, are taken from this one's own folder
//   password = "…"
//   password_file = "admin.password"
//   timeout_ms = 10000        # default; how long one answer may take
//
// Unknown keys are errors. A file that holds a secret must not be readable by others (mode & 0007).
struct Config {
  Endpoint broker{};
  std::string user;
  std::string secret;  // token or password: what goes into MQTT's password field; "" with a certificate alone
  std::chrono::milliseconds timeout{10'000};
};

// Fails with Exit::usage and a sentence that names file and key.
Outcome<Config> load_config(const std::filesystem::path& path);

}  // namespace parley::ctl
