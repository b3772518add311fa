#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

extern char** environ;

namespace parley::backend {

// A port nobody listens on just now.
inline int draw_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  if (!bound) throw std::runtime_error("no port to be had");
  return ntohs(address.sin_port);
}

// Looks at `condition` until it holds, at most a minute.
template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds deadline = std::chrono::seconds(60)) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // between two looks
  }
  return true;
}

// A real mosquitto on 127.0.0.1 for tests, killed with the object.
class TestBroker {
 public:
  explicit TestBroker(int port = draw_port(), const std::string& more = "allow_anonymous true\n")
      : port_(port) {
    char pattern[] = "/tmp/parley-broker-XXXXXX";
    dir_ = ::mkdtemp(pattern);
    std::filesystem::permissions(dir_, std::filesystem::perms(0755));
    std::ofstream(dir_ / "mosquitto.conf")
        << "listener " << port << " 127.0.0.1\nmax_queued_messages 100000\n"
        << more;
    start();
  }
  ~TestBroker() {
    kill();
    std::filesystem::remove_all(dir_);
  }
  TestBroker(const TestBroker&) = delete;

  void start() {
    const auto conf = (dir_ / "mosquitto.conf").string();
    const char* argv[] = {"mosquitto", "-c", conf.c_str(), nullptr};
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 2, (dir_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_addopen(&files, 1, (dir_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    const char* program =
        std::filesystem::exists("/usr/sbin/mosquitto") ? "/usr/sbin/mosquitto" : "mosquitto";
    const int rc = ::posix_spawnp(&pid_, program, &files, nullptr, const_cast<char**>(argv), environ);
    posix_spawn_file_actions_destroy(&files);
    if (rc != 0 || !eventually([&] { return answers(); }))
      throw std::runtime_error("mosquitto does not start");
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGCONT);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  void pause() { ::kill(pid_, SIGSTOP); }
  void resume() { ::kill(pid_, SIGCONT); }

  int port() const { return port_; }

 private:
  bool answers() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool connected = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return connected;
  }

  std::filesystem::path dir_;
  int port_;
  pid_t pid_ = -1;
};

}  // namespace parley::backend
