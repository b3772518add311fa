#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace parley::backend {

// For tests: a server on 127.0.0.1 that reads Redis commands and answers what the test says, right or wrong.
class ScriptedRedis {
 public:
  using Command = std::vector<std::string>;
  // What to send; kHangUp closes the connection, kSilent answers nothing.
  using Script = std::function<std::string(const Command& command)>;
  static constexpr const char* kHangUp = "!hang up";
  static constexpr const char* kSilent = "!silent";
  static constexpr const char* kTrickle = "!trickle";  // a byte every few ms, for ever

  explicit ScriptedRedis(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::jthread([this] { accept_all(); });
  }
  ~ScriptedRedis() {
    const std::uint64_t one = 1;
    (void)!::write(stop_, &one, sizeof one);
    acceptor_.join();
    threads_.clear();
    ::close(listener_);
    ::close(stop_);
  }

  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }
  std::vector<Command> commands() {
    std::lock_guard lock(mutex_);
    return commands_;
  }

 private:
  bool readable(int fd, int timeout_ms = -1) const {
    pollfd fds[] = {{fd, POLLIN, 0}, {stop_, POLLIN, 0}};
    return ::poll(fds, 2, timeout_ms) > 0 && !fds[1].revents;
  }
  bool stopped() const {
    pollfd fd{stop_, POLLIN, 0};
    return ::poll(&fd, 1, 0) > 0;
  }

  void accept_all() {
    while (readable(listener_)) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++connections_;
      threads_.emplace_back([this, fd] {
        serve(fd);
        ::close(fd);
      });
    }
  }

  void serve(int fd) {
    std::string bytes;
    char piece[65536];
    while (readable(fd)) {
      const auto got = ::read(fd, piece, sizeof piece);
      if (got <= 0) return;
      bytes.append(piece, static_cast<std::size_t>(got));
      for (Command command; take_command(bytes, command);)
        if (!answer(fd, command)) return;
    }
  }

  bool answer(int fd, const Command& command) {
    std::string reply;
    {
      std::lock_guard lock(mutex_);
      commands_.push_back(command);
      reply = script_(command);
    }
    if (reply == kSilent) return true;
    if (reply == kHangUp) return false;
    if (reply != kTrickle) return ::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL) >= 0;
    ::send(fd, "$100000\r\n", 9, MSG_NOSIGNAL);
    do {
      if (::send(fd, "x", 1, MSG_NOSIGNAL) < 0) return false;
      pollfd stop{stop_, POLLIN, 0};
      if (::poll(&stop, 1, 5) > 0) return false;
    } while (true);
  }

  // *2\r\n$3\r\nGET\r\n$1\r\nk\r\n
  static bool take_command(std::string& bytes, Command& command) {
    std::size_t at = 0;
    const auto number = [&](char mark) -> long {
      const auto end = bytes.find("\r\n", at);
      if (end == std::string::npos || bytes[at] != mark) return -1;
      const auto value = std::stol(bytes.substr(at + 1, end - at - 1));
      at = end + 2;
      return value;
    };
    command.clear();
    auto count = number('*');
    if (count < 0) return false;
    while (count-- > 0) {
      const auto size = number('$');
      if (size < 0 || bytes.size() < at + static_cast<std::size_t>(size) + 2) return false;
      command.push_back(bytes.substr(at, static_cast<std::size_t>(size)));
      at += static_cast<std::size_t>(size) + 2;
    }
    bytes.erase(0, at);
    return true;
  }

  Script script_;
  int listener_ = -1;
  int stop_ = ::eventfd(0, EFD_CLOEXEC);
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::vector<Command> commands_;
  std::list<std::jthread> threads_;
  std::jthread acceptor_;
};

// Replies.
inline std::string redis_bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}
inline std::string redis_list(const std::vector<std::string>& texts) {
  std::string out = "*" + std::to_string(texts.size()) + "\r\n";
  for (const auto& text : texts) out += redis_bulk(text);
  return out;
}

}  // namespace parley::backend
