#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "backend/metrics/metrics.h"
#include "backend/mqtt/link.h"
#include "backend/requests/dispatcher.h"
#include "backend/store/marks.h"
#include "base/clock.h"
#include "base/log.h"
#include "wire/control.h"
#include "wire/topics.h"

namespace parley::backend {

// Where what comes from the broker goes, besides requests. None may block.
struct Routes {
  std::function<void()> connected;
  std::function<void(const std::string& reason)> lost;
  std::function<void(std::string payload)> feed;
  std::function<void(std::string payload)> answer;
  std::function<void()> events_lost;
  std::function<void(std::string_view payload)> trace;
  std::function<void(bool on)> draining;  // the broker's clients are moved off
  std::function<void(const std::string& room, const std::string& user, const Marks& marks)> receipt;
  std::function<void(const wire::Event& event)> session;  // connected, disconnected
  std::function<void(const std::string& user, const std::string& device, std::string_view payload)>
      device_status;
  std::function<bool(const Incoming& message)>
      retained;  // something below rooms/ or users/; false: not wanted
};

// Takes messages by their topic to whom they are for, and replies to requests back to the broker: to the Response Topic given when it is
// one of the user's own, else to users/{user}/replies. Thread-safe; never blocks.
class Router final : public LinkListener {
 public:
  Router(Routes routes, Dispatcher& dispatcher, Publisher& publisher, Metrics& metrics, const Clock& clock,
         LogSink log);

  void on_connected() override { routes_.connected(); }
  void on_lost(const std::string& reason) override { routes_.lost(reason); }
  void on_message(Incoming message) override;

 private:
  void request(const wire::Topic& topic, Incoming message);
  void receipt(const wire::Topic& topic, const Incoming& message);
  void events(std::string_view lines);
  void event(std::string_view payload);
  void reply(const std::string& topic, const std::string& correlation, std::string payload);
  void count(const std::string& method, const std::string& reply, SteadyTime begun);

  Routes routes_;
  Dispatcher& dispatcher_;
  Publisher& publisher_;
  Metrics& metrics_;
  const Clock& clock_;
  LogSink log_;
  Counter lost_replies_, strays_;
};

// The code of a reply: "ok", or what the failure says.
std::string reply_code(const std::string& reply);

}  // namespace parley::backend
