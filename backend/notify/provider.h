#pragma once
#include <functional>
#include <memory>
#include <string>

#include "backend/notify/notification.h"

namespace parley::backend {

// One way to reach people. send() does not block beyond handing over; `done` is called exactly once, on a thread of the provider's or
// the caller's, also when the provider stops. Thread-safe. Bounded: at most concurrency() are under way, every one ends within its timeout.
class Provider {
 public:
  using Done = std::function<void(Delivery)>;

  virtual ~Provider() = default;  // what is under way ends as retry before it returns

  virtual std::string name() const = 0;  // fcm, apns, webpush, webhook, email, mqtt, stdout
  // `to`: the registration; of an operator's provider (webhook, mqtt, stdout) empty but for its user.
  virtual void send(const Notification& notification, const Registration& to, Done done) = 0;
  virtual std::size_t concurrency() const = 0;
};

}  // namespace parley::backend
