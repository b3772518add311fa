#pragma once
#include <memory>
#include <mutex>
#include <string>

#include "backend/mqtt/publisher.h"
#include "backend/notify/provider.h"
#include "base/result.h"

namespace parley::backend {

// invalid_argument: it can't be published to, or (with any user's name for {user}) it is one of Parley's.
Result<> check_mqtt_topic(const std::string& topic);

// Publishes notification_text() with QoS 1 to a topic of the operator's; {user} in it is the user's name. `sent` means that the
// publisher took it: it is in parleyd's bounded queue to the broker, which sends it again until the broker has it, also over a new
// connection, but not over a parleyd that was killed. retry: not connected, or the queue is full.
class MqttProvider final : public Provider {
 public:
  MqttProvider(std::string topic, Publisher& publisher) : topic_(std::move(topic)), publisher_(publisher) {}

  std::string name() const override { return "mqtt"; }
  void send(const Notification& notification, const Registration& to, Done done) override;
  std::size_t concurrency() const override {
    return 100;
  }  // a send is over when it returns: so many are claimed at once

 private:
  const std::string topic_;
  Publisher& publisher_;
};

// Writes notification_text() and a line's end to a file descriptor, in one piece of at most PIPE_BUF bytes: never mixed with another's. `sent`
// means that the system took it. retry: nobody reads at the other end, or not fast enough; nothing was written then.
class StdoutProvider final : public Provider {
 public:
  explicit StdoutProvider(int fd) : fd_(fd) {}

  std::string name() const override { return "stdout"; }
  void send(const Notification& notification, const Registration& to, Done done) override;
  std::size_t concurrency() const override {
    return 100;
  }  // a send is over when it returns: so many are claimed at once

 private:
  const int fd_;
  std::mutex mutex_;
};

}  // namespace parley::backend
