#include "tests/fakes/tcp_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace parley::backend {
namespace {

constexpr int kLookAgainMs = 5;  // for what other threads have told

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Fd listen_anywhere(std::uint16_t& port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd.get(), 64) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no port to listen on");
  port = ntohs(address.sin_port);
  return fd;
}

bool send_all(int fd, const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    auto n = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

// What there is to read; "" at the end.
std::string receive(int fd) {
  std::string bytes(64 * 1024, '\0');
  auto n = ::recv(fd, bytes.data(), bytes.size(), 0);
  bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return bytes;
}

}  // namespace

TcpProxy::TcpProxy(std::uint16_t server_port)
    : server_port_(server_port),
      listener_(listen_anywhere(port_)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

TcpProxy::~TcpProxy() = default;

void TcpProxy::cut_before(const std::string& bytes) {
  std::lock_guard lock(mutex_);
  trap_ = Trap{bytes, false};
}

void TcpProxy::cut_after(const std::string& bytes) {
  std::lock_guard lock(mutex_);
  trap_ = Trap{bytes, true};
}

void TcpProxy::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (shut_) pipes_.clear();
    std::vector<pollfd> polled{{listener_.get(), POLLIN, 0}};
    for (const auto& pipe : pipes_) {
      short events = stalled_ ? 0 : POLLIN;
      polled.push_back({pipe.client.get(), events, 0});
      polled.push_back({pipe.server.get(), events, 0});
    }
    ::poll(polled.data(), polled.size(), kLookAgainMs);
    for (std::size_t i = 0; i < pipes_.size() && !stalled_; ++i)
      pass(pipes_[i], polled[1 + 2 * i].revents != 0, polled[2 + 2 * i].revents != 0);
    std::erase_if(pipes_, [](const Pipe& pipe) { return pipe.ended; });
    if (polled[0].revents != 0) accept_one();
  }
}

void TcpProxy::accept_one() {
  Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!client || shut_) return;
  ++accepted_;
  Fd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = loopback(server_port_);
  if (::connect(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return;
  pipes_.push_back({std::move(client), std::move(server)});
}

void TcpProxy::pass(Pipe& pipe, bool from_client, bool from_server) {
  if (from_client) {
    auto bytes = receive(pipe.client.get());
    pipe.ended = bytes.empty() || trapped(pipe, bytes) || !send_all(pipe.server.get(), bytes);
  }
  if (from_server && !pipe.ended) {
    auto bytes = receive(pipe.server.get());
    pipe.ended = bytes.empty() || pipe.cut_at_answer || !send_all(pipe.client.get(), bytes);
  }
}

// True: to be cut now.
bool TcpProxy::trapped(Pipe& pipe, const std::string& bytes) {
  std::lock_guard lock(mutex_);
  if (!trap_ || bytes.find(trap_->bytes) == std::string::npos) return false;
  pipe.cut_at_answer = trap_->after;
  trap_.reset();
  ++cuts_;
  return !pipe.cut_at_answer;
}

}  // namespace parley::backend
