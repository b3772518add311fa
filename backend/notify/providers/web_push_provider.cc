#include "backend/notify/providers/web_push_provider.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "backend/notify/providers/answers.h"
#include "backend/notify/providers/notification_json.h"
#include "backend/notify/providers/web_push_encryption.h"
#include "base/encoding.h"

namespace parley::backend {
namespace {

using std::chrono::seconds;

constexpr seconds kTokenLife{12 * 3'600}, kTtlMax{28 * 86'400};
constexpr std::size_t kOriginsMax = 1'000;  // more than there are push services
constexpr std::size_t kTopicMax = 32;       // characters, RFC 8030 §5.4

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

bool is_printable(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

std::string topic_of(const std::string& collapse) {
  std::string topic;
  for (const char c : collapse.substr(0, kTopicMax))
    topic += (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ? c : '_';
  return topic;
}

std::vector<std::string> headers_of(const Notification& notification, WallTime now) {
  const auto life =
      std::clamp<seconds>(std::chrono::floor<seconds>(notification.expires - now), seconds(0), kTtlMax);
  const bool urgent = notification.kind == Notification::Kind::message;
  std::vector<std::string> headers{"Content-Type: application/octet-stream", "Content-Encoding: aes128gcm",
                                   "TTL: " + std::to_string(life.count()),
                                   std::string("Urgency: ") + (urgent ? "high" : "normal")};
  if (!notification.collapse.empty()) headers.push_back("Topic: " + topic_of(notification.collapse));
  return headers;
}

}  // namespace

std::string web_push_public_key(const PrivateKey& key) {
  return base64url_encode(key.public_point());
}

std::string origin_of(const std::string& endpoint) {
  struct Free {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
  };
  const std::unique_ptr<CURLU, Free> url(curl_url());
  if (!url || !is_printable(endpoint) || !endpoint.starts_with("https://") ||
      curl_url_set(url.get(), CURLUPART_URL, endpoint.c_str(), 0) != CURLUE_OK)
    return {};
  const auto host = part_of(url.get(), CURLUPART_HOST), port = part_of(url.get(), CURLUPART_PORT);
  if (host.empty() || !part_of(url.get(), CURLUPART_USER).empty() ||
      !part_of(url.get(), CURLUPART_PASSWORD).empty())
    return {};
  return "https://" + host + (port.empty() || port == "443" ? "" : ":" + port);
}

Result<std::string> Vapid::authorization(const std::string& origin) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.wall();
  if (const auto at = kept_.find(origin); at != kept_.end())
    if (now >= at->second.made && now - at->second.made < kTokenLife / 2) return at->second.value;
  const auto expires_s = std::chrono::floor<seconds>((now + kTokenLife).time_since_epoch()).count();
  auto token = sign_jwt(key_, {{"typ", "JWT"}}, {{"aud", origin}, {"exp", expires_s}, {"sub", subject_}});
  if (!token) return token;
  if (kept_.size() >= kOriginsMax) kept_.clear();
  auto value = "vapid t=" + *token + ", k=" + public_key_;
  kept_[origin] = {value, now};
  return value;
}

Delivery web_push_answer(const HttpAnswer& answer) {
  using Failure = HttpAnswer::Failure;
  if (answer.failure == Failure::busy || answer.failure == Failure::internal) return unanswered(answer);
  if (answer.failure == Failure::address) return refused(answer.error);
  if (answer.failure != Failure::none) return of_target(retry(answer.error));
  const int status = answer.status;
  if (status >= 200 && status < 300) return sent();
  if (status == 404 || status == 410) return target_dead(status_text(answer));
  if (status == 408 || status == 429 || status >= 500) return of_target(retry(status_text(answer), answer));
  return refused(status_text(answer));
}

Result<std::unique_ptr<Provider>> WebPushProvider::make(WebPushOptions options, const Clock& clock) {
  auto client = HttpClient::start(options.client, clock);
  if (!client) return std::unexpected(client.error());
  return std::unique_ptr<Provider>(new WebPushProvider(std::move(options), clock, *std::move(client)));
}

WebPushProvider::WebPushProvider(WebPushOptions options, const Clock& clock,
                                 std::unique_ptr<HttpClient> client)
    : options_(std::move(options)),
      clock_(clock),
      vapid_(options_.key, options_.subject, clock),
      client_(std::move(client)) {}

WebPushProvider::~WebPushProvider() = default;

void WebPushProvider::send(const Notification& notification, const Registration& to, Done done) {
  const auto keys = parse_web_push_keys(to.keys);
  const auto origin = origin_of(to.address);
  if (!keys || origin.empty()) return done(target_dead("Its endpoint or keys are none"));
  const auto text = encode_within(notification, kWebPushTextMax, notification_text);
  if (text.size() > kWebPushTextMax) return done(refused("It is too large for a push service"));
  auto body = encrypt_web_push(text, *keys);
  if (!body && body.error().code == Errc::invalid_argument) return done(target_dead("Its p256dh is no key"));
  const auto authorization = vapid_.authorization(origin);
  if (!body || !authorization)
    return done(misconfigured(body ? authorization.error().message : body.error().message));
  auto headers = headers_of(notification, clock_.wall());
  headers.push_back("Authorization: " + *authorization);
  client_->post({.url = to.address, .headers = std::move(headers), .body = *std::move(body)},
                [done = std::move(done)](const HttpAnswer& answer) { done(web_push_answer(answer)); });
}

}  // namespace parley::backend
