#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tools/parley-bench/broker.h"
#include "tools/parley-bench/mqtt_client.h"
#include "tools/parley-bench/run.h"

namespace parley::bench {

struct StormResult {
  double logins_per_second = 0;
  double broker_cpu_us = 0;  // of each login and logout
};

// Logs in, out, and in again, on several connections at once. Not thread-safe.
class Storm final : public ConnectionHandler {
 public:
  Storm(Run& run, Broker& broker, std::size_t at_once);

  // Connection i uses login i again and again for the time of one measurement. permission_denied: one was refused.
  Result<StormResult> repeat(const std::vector<Login>& logins);
  // Each login once.
  Result<StormResult> once(const std::vector<Login>& logins);

 private:
  template <class NextLogin, class Done>
  Result<> go_on(NextLogin next_login, Done done);
  void begin_counting();
  StormResult counted();

  void connected(Connection& connection, const Connack& connack) override;
  void closed(Connection& connection, std::string_view why) override;

  Run& run_;
  Broker& broker_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<char> welcomed_;      // by connection: logged in, and not closed yet
  std::vector<std::size_t> ready_;  // connections that may log in again
  std::size_t done_ = 0;            // since begin_counting
  SteadyTime begin_{};
  double cpu_begin_ = 0;
  std::string trouble_;
};

}  // namespace parley::bench
