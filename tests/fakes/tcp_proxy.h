#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"

namespace parley::backend {

// Stands between a client and a server on 127.0.0.1 and does to their connections what networks do. One thread;
// its methods are for any.
class TcpProxy {
 public:
  explicit TcpProxy(std::uint16_t server_port);
  ~TcpProxy();

  std::uint16_t port() const { return port_; }
  std::uint32_t accepted() const { return accepted_; }

  // The connection on which the client next sends `bytes` is cut: before the server gets them, or after the
  // server has answered them (and the client gets no answer).
  void cut_before(const std::string& bytes);
  void cut_after(const std::string& bytes);
  bool has_cut() const { return cuts_ > 0; }
  // Passes nothing on, keeps connections and takes new ones, as a server that hangs does.
  void stall(bool on) { stalled_ = on; }
  // Ends all connections, and each new one at once, until told otherwise.
  void shut(bool on) { shut_ = on; }

 private:
  struct Pipe {
    Fd client, server;
    bool cut_at_answer = false;
    bool ended = false;
  };
  struct Trap {
    std::string bytes;
    bool after = false;
  };

  void run(const std::stop_token& stop);
  void accept_one();
  void pass(Pipe& pipe, bool from_client, bool from_server);
  bool trapped(Pipe& pipe, const std::string& bytes);

  std::uint16_t port_ = 0, server_port_;
  Fd listener_;
  std::atomic<std::uint32_t> accepted_ = 0, cuts_ = 0;
  std::atomic<bool> stalled_ = false, shut_ = false;
  std::mutex mutex_;
  std::optional<Trap> trap_;
  std::vector<Pipe> pipes_;  // of the thread
  std::jthread thread_;
};

}  // namespace parley::backend
