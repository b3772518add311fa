#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/parley-bench/contender.h"
#include "tools/parley-bench/fleet.h"
#include "tools/parley-bench/stats.h"

namespace parley::bench {

struct LoadShape {
  Population population;
  int qos = 1;
  std::size_t window =
      20;  // a sender's messages that are not yet acknowledged, or not yet with all who get them
  std::size_t content_bytes = 100;
};

// invalid_argument: what the shape asks for can't be (a sentence).
Result<> check_shape(const LoadShape& shape);

struct LoadResult {
  std::uint64_t sent = 0;       // warm-up and what was under way at the end included
  std::uint64_t delivered = 0;  // while it was measured
  std::chrono::nanoseconds measured{};
  LatencyHistogram latency;  // of offer() only
  double per_second() const {
    return static_cast<double>(delivered) / std::chrono::duration<double>(measured).count();
  }
};

// Called when the measured part begins and when it ends.
struct Stopwatch {
  std::function<void()> begin = [] {};
  std::function<void()> end = [] {};
};

// Senders and receivers of one contender. Sender s sends to the rooms whose number is s modulo the number of senders,
// in turn (with fewer rooms than senders: to one), receiver q subscribes to those that are q modulo the number of
// receivers likewise; so with as many of both each message has one receiver. Each message carries its sender and
// number; at the end of each run every delivery has come, each sender's in order, or the run fails: a fast broker that
// loses messages is not fast. Not thread-safe.
class Load final : public ConnectionHandler {
 public:
  Load(Run& run, Contender& contender, const LoadShape& shape);

  // Connects and subscribes everybody.
  Result<> join();
  Result<> leave() { return fleet_.leave(); }

  // As much as it takes (closed loop).
  Result<LoadResult> saturate(const Stopwatch& stopwatch = {});
  // `rate` messages a second on a fixed schedule, whatever comes back (open loop). A message's latency counts from when
  // it was due, so a stall of broker or generator is seen in all it delays.
  Result<LoadResult> offer(double rate, const Stopwatch& stopwatch = {});

 private:
  struct Sender {
    std::vector<std::string> topics;
    std::uint64_t fanout = 1;
    std::uint64_t sent = 0, acknowledged = 0, deliveries = 0;
  };

  void delivered(Connection& connection, const Publish& publish) override;
  void acknowledged(Connection& connection, const Ack& ack) override;
  bool may_send(const Sender& sender) const;
  void fill(std::size_t s);
  void send(std::size_t s);
  bool drained() const;
  Result<> begin();
  Result<> turn(SteadyTime next);
  Result<> drain();
  SteadyTime due(std::uint64_t message) const;

  Run& run_;
  Contender& contender_;
  LoadShape shape_;
  Fleet fleet_;  // senders, then receivers
  std::vector<Sender> senders_;
  std::vector<std::vector<std::uint64_t>> last_;  // [receiver][sender]: the number after the last one seen
  std::string content_;
  std::string trouble_;
  bool filling_ = false;

  SteadyTime start_{}, measure_from_{}, measure_to_{};
  std::chrono::nanoseconds interval_{0};  // open loop: between two messages of all senders
  LoadResult result_;
};

}  // namespace parley::bench
