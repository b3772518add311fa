#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "tools/parleyctl/config.h"
#include "tools/parleyctl/requests.h"

namespace parley::ctl {

struct Incoming {
  std::string topic;
  std::string payload;
};

// One MQTT 5 connection, used by one thread, everything waited for: Paho MQTT C++ behind it. Clean start,
// random client id, gone with the object.
//
// What arrives is held in a queue of at most 20,000 messages; when it is full, what comes is dropped (a
// reader of a room sees the hole in `seq` and asks history).
class Session final : public Requests {
 public:
  // Failures: unreachable (nobody there, no answer in time), refused (login not accepted: not_allowed; server
  // busy: unavailable).
  static Outcome<std::unique_ptr<Session>> connect(const Config& config);
  ~Session() override;

  Outcome<Json> call(const std::string& method, Json params) override;
  std::vector<Outcome<Json>> call_all(const std::string& method, std::vector<Json> params) override;

  // Refused with not_allowed when the broker does not grant it.
  Outcome<> subscribe(const std::string& filter);

  // Publishes at QoS 1 and waits for the acknowledgement. A refusal's code and sentence are taken from the
  // inbox notice whose `ref` (or, for requests, `id`) is `key`; not_allowed when none comes.
  Outcome<> publish(const std::string& topic, const std::string& payload, const std::string& key);

  // The next message that is no reply to call(); nullopt when none came in time, or the connection is lost.
  std::optional<Incoming> receive(std::chrono::milliseconds timeout);

  bool connected() const;
  const Config& config() const;

 private:
  class Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::ctl
