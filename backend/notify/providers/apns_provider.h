#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "backend/notify/provider.h"
#include "backend/notify/providers/http_client.h"
#include "backend/notify/providers/private_key.h"

namespace parley::backend {

struct ApnsOptions {
  PrivateKey key;  // P-256
  std::string key_id, team_id, topic;
  std::string url = "https://api.push.apple.com", sandbox_url = "https://api.sandbox.push.apple.com";
  HttpClientOptions client{};
};

// The token Apple knows us by: ES256, made anew every 50 minutes. Apple takes none older than 60 minutes, and no new one within 20.
// Thread-safe.
class ApnsToken {
 public:
  ApnsToken(const PrivateKey& key, std::string key_id, std::string team_id, const Clock& clock)
      : key_(key), key_id_(std::move(key_id)), team_id_(std::move(team_id)), clock_(clock) {}

  Result<std::string> get();
  // Apple called `token` expired: another one, or nullopt when it was asked for already within 20 minutes (then the clock is wrong).
  std::optional<std::string> instead_of(const std::string& token);

 private:
  Result<std::string> make();

  const PrivateKey& key_;
  const std::string key_id_, team_id_;
  const Clock& clock_;
  std::mutex mutex_;
  std::string token_;
  SteadyTime made_{};
  std::optional<SteadyTime> forced_{};
};

// The payload: an alert, or what wakes the application without a word. At most 4,096 bytes.
std::string apns_payload(const Notification& notification);
std::vector<std::string> apns_headers(const Notification& notification, const std::string& topic,
                                      const std::string& token);
// A UUID (RFC 9562, version 8) that is always the same for an id.
std::string apns_id(const std::string& notification_id);

// `registered`: when the device gave its token. `token_expired`: a new provider token may help.
Delivery apns_answer(const HttpAnswer& answer, WallTime registered, bool* token_expired = nullptr);

// Apple Push Notification service, over HTTP/2. A send ends within two timeouts: an expired provider token is made anew once.
class ApnsProvider final : public Provider {
 public:
  static Result<std::unique_ptr<Provider>> make(ApnsOptions options, const Clock& clock);
  ~ApnsProvider() override;

  std::string name() const override { return "apns"; }
  void send(const Notification& notification, const Registration& to, Done done) override;
  std::size_t concurrency() const override { return options_.client.in_flight_max; }

 private:
  struct Sending;
  ApnsProvider(ApnsOptions options, const Clock& clock, std::unique_ptr<HttpClient> client);
  void post(std::shared_ptr<Sending> sending, const std::string& token);

  const ApnsOptions options_;
  ApnsToken token_;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace parley::backend
