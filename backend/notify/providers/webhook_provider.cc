#include "backend/notify/providers/webhook_provider.h"

#include "backend/notify/providers/answers.h"
#include "backend/notify/providers/notification_json.h"
#include "base/crypto.h"
#include "base/encoding.h"

namespace parley::backend {
namespace {

constexpr std::string_view kSecretPrefix = "whsec_";

std::string key_of(const std::string& secret) {
  if (!secret.starts_with(kSecretPrefix)) return secret;
  return base64_decode(secret.substr(kSecretPrefix.size())).value_or(secret);
}

}  // namespace

std::string webhook_signature(const std::string& secret, const std::string& id, std::int64_t at_s,
                              const std::string& body) {
  const auto mac = hmac_sha256(key_of(secret), id + "." + std::to_string(at_s) + "." + body);
  return "v1," + base64_encode(as_view(mac));
}

Delivery webhook_answer(const HttpAnswer& answer) {
  if (answer.failure != HttpAnswer::Failure::none) return unanswered(answer);
  const int status = answer.status;
  if (status >= 200 && status < 300) return sent();
  if (status == 401 || status == 403) return misconfigured(status_text(answer));
  if (status == 408 || status == 425 || status == 429 || status >= 500)
    return retry(status_text(answer), answer);
  return refused(status_text(answer));
}

Result<std::unique_ptr<Provider>> WebhookProvider::make(WebhookOptions options, const Clock& clock) {
  auto client = HttpClient::start(options.client, clock);
  if (!client) return std::unexpected(client.error());
  return std::unique_ptr<Provider>(new WebhookProvider(std::move(options), clock, *std::move(client)));
}

void WebhookProvider::send(const Notification& notification, const Registration&, Done done) {
  const auto at_s = std::chrono::floor<std::chrono::seconds>(clock_.wall().time_since_epoch()).count();
  auto body = notification_text(notification);
  auto signature = webhook_signature(options_.secret, notification.id, at_s, body);
  client_->post({.url = options_.url,
                 .headers = {"Content-Type: application/json", "Webhook-Id: " + notification.id,
                             "Webhook-Timestamp: " + std::to_string(at_s),
                             "Webhook-Signature: " + std::move(signature)},
                 .body = std::move(body)},
                [done = std::move(done)](const HttpAnswer& answer) { done(webhook_answer(answer)); });
}

}  // namespace parley::backend
