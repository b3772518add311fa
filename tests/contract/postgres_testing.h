#pragma once
#include <gtest/gtest.h>

#include <charconv>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "backend/store/postgres_stores.h"
#include "base/clock.h"
#include "tests/fakes/tcp_proxy.h"
#include "tests/fakes/test_database.h"

namespace parley::backend {

// As it goes to the server: no other statement holds these bytes.
inline const std::string kCommit("COMMIT\0", 7);

// Waits for `condition`, at most a minute.
template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// A database of its own, with a proxy before it that the stores go through.
class PostgresTest : public testing::Test {
 protected:
  void SetUp() override {
    if (auto why = TestDatabase::why_not(); !why.empty()) GTEST_SKIP() << why;
    database = std::make_unique<TestDatabase>();
    address = database->address();
    proxy = std::make_unique<TcpProxy>(server_port(address));
    address = through(*proxy, address);
  }

  static std::uint16_t server_port(const PostgresAddress& server) {
    std::uint16_t port = 0;
    std::from_chars(server.ports.data(), server.ports.data() + server.ports.size(), port);
    return port;
  }
  // In the clear: the proxy looks at what passes.
  static PostgresAddress through(const TcpProxy& proxy, PostgresAddress server) {
    server.hosts = "127.0.0.1";
    server.ports = std::to_string(proxy.port());
    server.options.emplace_back("sslmode", "disable");
    server.options.emplace_back("gssencmode", "disable");
    return server;
  }

  Stores open(PostgresOptions options = {}) {
    auto stores = open_postgres_stores({.main = address}, options, clock);
    if (!stores) throw std::runtime_error(stores.error().message);
    return std::move(*stores);
  }
  std::uint64_t make_room(Stores& stores, const std::string& name) {
    if (!stores.users->find("alice")) {
      auto alice = stores.users->create({.name = "alice", .title = "", .scram = ""});
      EXPECT_TRUE(alice) << alice.error().message;
    }
    auto room = stores.rooms->create({.name = name, .title = "", .members = {{"alice", wire::Role::owner}}});
    EXPECT_TRUE(room) << room.error().message;
    return room ? room->value.id : 0;
  }

  SystemClock clock;
  std::unique_ptr<TestDatabase> database;
  std::unique_ptr<TcpProxy> proxy;
  PostgresAddress address;
};

template <class T>
std::optional<Errc> error_code(const Result<T>& result) {
  return result ? std::nullopt : std::optional(result.error().code);
}

}  // namespace parley::backend
