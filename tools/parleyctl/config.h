#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "tools/parleyctl/outcome.h"

namespace parley::ctl {

// Where the broker is and as whom to log in. From a TOML file:
//
//   host = "127.0.0.1"        # default
//   port = 1883               # default
//   user = "admin"            # required
//   token = "plt_…"           # one of these four is required:
//   token_file = "admin.token"     # relative paths are taken from the file's own folder
//   password = "…"
//   password_file = "admin.password"
//   timeout_ms = 10000        # default; how long one answer may take
//
// Unknown keys are errors. A file that holds a secret must not be readable by others (mode & 0007).
struct Config {
  std::string host = "127.0.0.1";
  std::uint16_t port = 1883;
  std::string user;
  std::string secret;  // token or password: what goes into MQTT's password field
  std::chrono::milliseconds timeout{10'000};
};

// Fails with Exit::usage and a sentence that names file and key.
Outcome<Config> load_config(const std::filesystem::path& path);

}  // namespace parley::ctl
