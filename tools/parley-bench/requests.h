#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/parley-bench/mqtt_client.h"
#include "tools/parley-bench/run.h"
#include "wire/request.h"

namespace parley::bench {

struct Call {
  std::string method;
  wire::Json params;
};

// Requests of topics.md §4, many under way at once, over one connection. Not thread-safe.
class Requests final : public ConnectionHandler {
 public:
  static Result<std::unique_ptr<Requests>> open(Run& run, std::uint16_t port, const Login& login);

  // Their results, in order. The first one that fails ends it: internal, with the request and the server's sentence.
  Result<std::vector<wire::Json>> call(std::span<const Call> calls);

 private:
  Requests(Run& run, std::uint16_t port, const Login& login)
      : run_(run),
        user_(login.user),
        connection_(run.reactor, *this, {.port = port, .version = Version::v5}) {}

  void connected(Connection& connection, const Connack& connack) override;
  void subscribed(Connection& connection, const Ack& ack) override;
  void delivered(Connection& connection, const Publish& publish) override;
  void acknowledged(Connection& connection, const Ack& ack) override;
  void closed(Connection& connection, std::string_view why) override;
  void send(const Call& call, std::size_t index);
  void fail_with(std::string what);

  Run& run_;
  std::string user_;
  Connection connection_;
  bool ready_ = false;
  std::string trouble_;
  std::span<const Call> calls_;
  std::vector<wire::Json> results_;
  std::size_t answered_ = 0;
  std::uint16_t packet_id_ = 0;
};

}  // namespace parley::bench
