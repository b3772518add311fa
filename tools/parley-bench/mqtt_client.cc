#include "tools/parley-bench/mqtt_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace parley::bench {
namespace {

std::unexpected<Error> system_failure(const char* what) {
  return fail(Errc::unavailable, std::string(what) + ": " + std::strerror(errno));
}

timespec to_timespec(std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {.tv_sec = seconds.count(), .tv_nsec = (time - seconds).count()};
}

// Hands on what could be read; false when it could not.
template <class Read, class Handler>
bool tell(const std::optional<Read>& read, Handler handler) {
  if (read) handler(*read);
  return read.has_value();
}

}  // namespace

Result<std::unique_ptr<Reactor>> Reactor::make() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return system_failure("epoll_create1");
  ::prctl(PR_SET_TIMERSLACK, 1);  // a schedule kept to the microsecond; 50 µs is the default
  return std::unique_ptr<Reactor>(new Reactor(std::move(epoll)));
}

Result<> Reactor::poll(std::chrono::nanoseconds timeout) {
  for (std::size_t i = 0; i < dirty_.size(); ++i) {
    if (dirty_[i]) dirty_[i]->flush();
  }
  dirty_.clear();
  std::array<epoll_event, 256> events{};
  const auto wait = to_timespec(std::max(timeout, std::chrono::nanoseconds(0)));
  const int n = ::epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()), &wait, nullptr);
  now_ = std::chrono::steady_clock::now();
  if (n < 0 && errno != EINTR) return system_failure("epoll_wait");
  for (int i = 0; i < n; ++i) static_cast<Connection*>(events[i].data.ptr)->on_event(events[i].events);
  return {};
}

namespace {

// To 127.0.0.`host`, any port; chosen when connecting, so that ports are shared by destinations.
bool bind_to(const Fd& socket, std::uint8_t host) {
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl((127u << 24) | host);
  return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof(own)) == 0;
}

}  // namespace

Result<> Connection::open(const Login& login, const SessionKind& session) {
  close();
  socket_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return system_failure("socket");
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint_.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (endpoint_.source_host != 0 && !bind_to(socket_, endpoint_.source_host)) {
    auto failed = system_failure("bind");
    socket_ = Fd();
    return failed;
  }
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(socket_.get(), generic, sizeof(address)) < 0 && errno != EINPROGRESS) {
    auto failed = system_failure("connect");
    socket_ = Fd();
    return failed;
  }
  stage_ = Stage::connecting;
  watching_writable_ = true;
  epoll_event event{.events = EPOLLIN | EPOLLOUT, .data = {.ptr = this}};
  if (::epoll_ctl(reactor_.epoll_.get(), EPOLL_CTL_ADD, socket_.get(), &event) < 0) {
    auto failed = system_failure("epoll_ctl");
    socket_ = Fd();
    return failed;
  }
  if (endpoint_.websocket) framed_ = websocket_request("127.0.0.1:" + std::to_string(endpoint_.port));
  append_connect(mqtt_, endpoint_.version, login, session);
  return {};
}

void Connection::close() {
  tls_.reset();
  socket_ = Fd();  // which takes it out of epoll too
  if (dirty_) std::ranges::replace(reactor_.dirty_, this, nullptr);
  dirty_ = false;
  mqtt_.clear();
  framed_.clear();
  partial_.clear();
  frames_ = FrameReader();
}

void Connection::subscribe(std::uint16_t packet_id, std::span<const std::string> filters, int qos) {
  append_subscribe(mqtt_, endpoint_.version, packet_id, filters, qos);
  mark_dirty();
}

void Connection::publish(std::string_view topic, std::string_view payload, int qos, std::uint16_t packet_id) {
  append_publish(mqtt_, endpoint_.version, topic, payload, qos, packet_id);
  mark_dirty();
}

void Connection::disconnect() {
  append_disconnect(mqtt_);
  flush();
}

void Connection::mark_dirty() {
  if (dirty_ || stage_ != Stage::open) return;
  dirty_ = true;
  reactor_.dirty_.push_back(this);
}

void Connection::on_event(std::uint32_t events) {
  if (!socket_) return;  // closed by a handler earlier in this turn
  if (stage_ == Stage::connecting && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
    int error = 0;
    socklen_t size = sizeof(error);
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail_with(std::strerror(error));
    if (endpoint_.tls) {
      tls_.emplace(socket_.get());
      stage_ = Stage::securing;
    } else {
      stage_ = endpoint_.websocket ? Stage::upgrading : Stage::open;
    }
  }
  if (stage_ == Stage::securing) return secure();
  if (events & EPOLLOUT) flush();
  if (socket_ && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) receive();
}

void Connection::secure() {
  switch (tls_->handshake()) {
    case TlsStream::Step::failed:
      return fail_with("no TLS");
    case TlsStream::Step::want_read:
      if (watching_writable_) watch(false);
      return;
    case TlsStream::Step::want_write:
      if (!watching_writable_) watch(true);
      return;
    case TlsStream::Step::done:
      break;
  }
  stage_ = endpoint_.websocket ? Stage::upgrading : Stage::open;
  flush();
  if (socket_) receive();  // what came with the end of the handshake
}

void Connection::receive() {
  auto& buffer = reactor_.buffer_;
  if (!tls_) {
    const auto n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    reactor_.now_ = std::chrono::steady_clock::now();
    if (n == 0) return fail_with("closed by the broker");
    if (n > 0) return consume({buffer.data(), static_cast<std::size_t>(n)});
    if (errno != EAGAIN && errno != EINTR) fail_with(std::strerror(errno));
    return;
  }
  while (socket_) {
    std::size_t n = 0;
    const auto step = tls_->read(buffer.data(), buffer.size(), n);
    reactor_.now_ = std::chrono::steady_clock::now();
    if (step == TlsStream::Step::failed || (step == TlsStream::Step::done && n == 0))
      return fail_with("closed by the broker");
    if (step != TlsStream::Step::done) return;
    consume({buffer.data(), n});
  }
}

void Connection::consume(std::string_view bytes) {
  if (!endpoint_.websocket) {
    take(bytes);
    return;
  }
  if (stage_ == Stage::upgrading) {
    partial_.append(bytes);
    bytes = partial_;
    const auto upgrade = take_upgrade(bytes);
    if (upgrade == Upgrade::incomplete) return;
    if (upgrade == Upgrade::refused) return fail_with("not upgraded to WebSocket");
    stage_ = Stage::open;
    const std::string rest(bytes);
    partial_.clear();
    flush();
    unframed_.clear();
    if (!frames_.read(rest, unframed_)) return fail_with("WebSocket closed by the broker");
    take(unframed_);
    return;
  }
  unframed_.clear();
  if (!frames_.read(bytes, unframed_)) return fail_with("WebSocket closed by the broker");
  take(unframed_);
}

// False when the connection is no more.
bool Connection::take(std::string_view bytes) {
  if (!partial_.empty()) {
    partial_.append(bytes);
    bytes = partial_;
  }
  const auto* const begin = bytes.data();
  Packet packet;
  for (;;) {
    const auto took = take_packet(bytes, packet);
    if (took == Take::malformed) {
      fail_with("what came is no MQTT");
      return false;
    }
    if (took == Take::incomplete) break;
    if (!handle(packet)) return false;
  }
  if (partial_.empty())
    partial_.assign(bytes);
  else
    partial_.erase(0, static_cast<std::size_t>(bytes.data() - begin));
  return true;
}

bool Connection::handle(const Packet& packet) {
  bool sound = true;
  switch (packet.type) {
    case PacketType::connack:
      sound = tell(read_connack(packet), [&](const Connack& connack) { handler_.connected(*this, connack); });
      break;
    case PacketType::suback:
      sound = tell(read_suback(packet, endpoint_.version),
                   [&](const Ack& ack) { handler_.subscribed(*this, ack); });
      break;
    case PacketType::puback:
      sound = tell(read_puback(packet), [&](const Ack& ack) { handler_.acknowledged(*this, ack); });
      break;
    case PacketType::publish:
      sound =
          tell(read_publish(packet, endpoint_.version), [&](const Publish& publish) { deliver(publish); });
      break;
    case PacketType::pingresp:
      break;
    default:
      sound = false;  // a DISCONNECT of version 5 among them
  }
  if (!sound) fail_with("the broker sent a packet of type " + std::to_string(static_cast<int>(packet.type)));
  return static_cast<bool>(socket_);
}

void Connection::deliver(const Publish& publish) {
  handler_.delivered(*this, publish);
  if (!socket_ || publish.qos == 0) return;
  append_puback(mqtt_, publish.packet_id);
  mark_dirty();
}

void Connection::fail_with(std::string_view why) {
  const std::string kept(why);
  close();
  handler_.closed(*this, kept);
}

void Connection::flush() {
  dirty_ = false;
  if (!socket_ || stage_ == Stage::connecting || stage_ == Stage::securing) return;
  bool all = true;
  if (!endpoint_.websocket) {
    all = send_some(mqtt_);
  } else {
    if (stage_ == Stage::open && !mqtt_.empty()) {
      append_frame(framed_, mqtt_);
      mqtt_.clear();
    }
    all = send_some(framed_);
  }
  if (all == watching_writable_) watch(!all);
}

// False when some is left because the socket is full. Failures are left to the next recv() to find.
bool Connection::send_some(std::string& bytes) {
  if (bytes.empty()) return true;
  if (tls_) {
    std::size_t sent = 0;
    while (!bytes.empty() && tls_->write(bytes, sent) == TlsStream::Step::done) bytes.erase(0, sent);
    return bytes.empty();
  }
  const auto n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n > 0) bytes.erase(0, static_cast<std::size_t>(n));
  return bytes.empty();
}

void Connection::watch(bool writable) {
  watching_writable_ = writable;
  epoll_event event{.events = EPOLLIN | (writable ? EPOLLOUT : 0u), .data = {.ptr = this}};
  ::epoll_ctl(reactor_.epoll_.get(), EPOLL_CTL_MOD, socket_.get(), &event);
}

}  // namespace parley::bench
