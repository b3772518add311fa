#pragma once
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "backend/cache/redis_connection.h"
#include "backend/mqtt/test_broker.h"
#include "base/ids.h"

namespace parley::backend {

// For tests: a real redis-server on 127.0.0.1 with a password, killed with the object.
class TestRedis {
 public:
  static bool installed() {
    return std::filesystem::exists("/usr/bin/redis-server") ||
           std::filesystem::exists("/usr/local/bin/redis-server");
  }

  TestRedis() {
    std::filesystem::create_directory(dir_);
    // In a file that only its owner can read: a command line is everybody's.
    const auto config = dir_ / "redis.conf";
    std::ofstream(config).flush();
    std::filesystem::permissions(config,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::ofstream(config) << "port " << port_ << "\nbind 127.0.0.1\nrequirepass " << password_ << "\ndir "
                          << dir_.string() << "\nsave \"\"\nappendonly no\nlogfile "
                          << (dir_ / "log").string() << "\n";
    start();
  }
  ~TestRedis() {
    kill();
    std::filesystem::remove_all(dir_);
  }
  TestRedis(const TestRedis&) = delete;

  void start() {
    const auto config = (dir_ / "redis.conf").string();
    const char* argv[] = {"redis-server", config.c_str(), nullptr};
    if (::posix_spawnp(&pid_, "redis-server", nullptr, nullptr, const_cast<char**>(argv), environ) != 0 ||
        !eventually([&] { return run({"PING"}).text == "PONG"; }))
      throw std::runtime_error("redis-server does not start");
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

  // Beside whatever is under test.
  RedisReply run(const RedisCommand& command) {
    const RedisTimes patient{.connect = std::chrono::seconds(10), .command = std::chrono::seconds(10)};
    auto connection = RedisConnection::open({"127.0.0.1", static_cast<std::uint16_t>(port_)}, patient, {});
    if (!connection) return {};
    auto replies = (*connection)->run({{"AUTH", password_}, command});
    return replies ? replies->back() : RedisReply{};
  }
  void save_dump() { run({"SAVE"}); }
  std::string url() const { return "redis://:" + password_ + "@127.0.0.1:" + std::to_string(port_) + "/0"; }
  const std::string& password() const { return password_; }
  int port() const { return port_; }

 private:
  std::filesystem::path dir_ = std::filesystem::temp_directory_path() / ("parley-redis-" + random_id(12));
  std::string password_ = random_id(20);
  int port_ = draw_port();
  pid_t pid_ = -1;
};

}  // namespace parley::backend
