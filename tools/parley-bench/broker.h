#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/parley-bench/processes.h"
#include "tools/parley-bench/run.h"

namespace parley::bench {

// A Mosquitto of ours in a folder of its own: the same configuration for all contenders but for `lines`. Listens on
// 127.0.0.1, plain and WebSocket, and when clients are to come by TLS on both with it, too; on free ports. Ended with the object.
class Broker {
 public:
  // Writes the configuration; `lines` say who may connect.
  static Result<Broker> prepare(Run& run, const std::filesystem::path& folder,
                                const std::vector<std::string>& lines);

  // Returns when it accepts connections. internal: it ended (the log's end is told).
  Result<> start();
  void stop() { process_.stop(); }
  void kill() { process_.kill(); }  // SIGKILL

  Process& process() { return process_; }
  const std::filesystem::path& folder() const { return folder_; }
  std::uint16_t port() const { return ports_[0]; }
  Endpoint endpoint(Version version) const {
    const bool tls = transport_ == Transport::tls || transport_ == Transport::wss;
    const bool websocket = transport_ == Transport::ws || transport_ == Transport::wss;
    return {.port = ports_[(tls ? 2u : 0u) + (websocket ? 1u : 0u)],
            .websocket = websocket,
            .tls = tls,
            .version = version};
  }

 private:
  Broker(std::filesystem::path program, std::filesystem::path folder, std::vector<std::uint16_t> ports,
         Transport transport)
      : program_(std::move(program)),
        folder_(std::move(folder)),
        ports_(std::move(ports)),
        transport_(transport) {}

  std::filesystem::path program_, folder_;
  std::vector<std::uint16_t> ports_;  // plain, WebSocket, and both over TLS
  Transport transport_;
  Process process_;
};

// Writes `text` whole; unavailable when the folder can't be written.
Result<> write_text(const std::filesystem::path& path, const std::string& text, int mode = 0600);
Result<> make_folder(const std::filesystem::path& path);

}  // namespace parley::bench
