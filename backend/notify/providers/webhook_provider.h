#pragma once
#include <memory>
#include <string>

#include "backend/notify/provider.h"
#include "backend/notify/providers/http_client.h"

namespace parley::backend {

struct WebhookOptions {
  std::string url;
  std::string secret;  // "whsec_" and base64 (Standard Webhooks' form), or any bytes
  HttpClientOptions client{};
};

// The value of Webhook-Signature (Standard Webhooks): "v1," and the base64 of HMAC-SHA-256 over "id.seconds.body".
std::string webhook_signature(const std::string& secret, const std::string& id, std::int64_t at_s,
                              const std::string& body);
Delivery webhook_answer(const HttpAnswer& answer);

// POSTs notification_text() to an application of the operator's, signed. At least once: Webhook-Id is the same in each attempt.
class WebhookProvider final : public Provider {
 public:
  static Result<std::unique_ptr<Provider>> make(WebhookOptions options, const Clock& clock);

  std::string name() const override { return "webhook"; }
  void send(const Notification& notification, const Registration& to, Done done) override;
  std::size_t concurrency() const override { return options_.client.in_flight_max; }

 private:
  WebhookProvider(WebhookOptions options, const Clock& clock, std::unique_ptr<HttpClient> client)
      : options_(std::move(options)), clock_(clock), client_(std::move(client)) {}

  const WebhookOptions options_;
  const Clock& clock_;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace parley::backend
