#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace parley::backend {

// What requests need of notifying (backend/notify). Thread-safe, never blocks.
class NotifyDesk {
 public:
  struct Tested {
    std::string provider, device;  // device: "" of an operator's provider
    std::string outcome;           // sent, retry, target_dead, refused, misconfigured
    std::string reason;            // "" of sent
    std::chrono::milliseconds took{0};
  };

  virtual ~NotifyDesk() = default;
  // Those in use, in byte order: fcm, apns, webpush and email take registrations; webhook, mqtt and stdout reach everybody.
  virtual std::vector<std::string> providers() const = 0;
  // The key browsers subscribe with (RFC 8292): base64url of the uncompressed point; "" without webpush.
  virtual std::string webpush_key() const = 0;
  // Sends a test notification to each target of the user at once, beside the outbox. `done` is called once, on any thread.
  virtual void test(const std::string& user, std::function<void(Result<std::vector<Tested>>)> done) = 0;
  // There are new jobs that are ready.
  virtual void jobs_ready() = 0;
  // Somebody's registrations or wishes have changed, or they were forgotten.
  virtual void forget(const std::string& user) = 0;
};

}  // namespace parley::backend
