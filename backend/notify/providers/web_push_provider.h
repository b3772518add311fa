#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "backend/notify/provider.h"
#include "backend/notify/providers/http_client.h"
#include "backend/notify/providers/private_key.h"

namespace parley::backend {

struct WebPushOptions {
  PrivateKey key;  // VAPID's, P-256
  std::string subject;
  HttpClientOptions client{};
};

// What a browser needs for subscribing (applicationServerKey): base64url of the uncompressed public point.
std::string web_push_public_key(const PrivateKey& key);

// "https://host:port" of an endpoint; "" when it is no https URL, or one with a user or a password in it.
std::string origin_of(const std::string& endpoint);

// Authorization of VAPID (RFC 8292), good for twelve hours; one token for each origin is kept, up to a bound. Thread-safe.
class Vapid {
 public:
  Vapid(const PrivateKey& key, std::string subject, const Clock& clock)
      : key_(key), subject_(std::move(subject)), public_key_(web_push_public_key(key)), clock_(clock) {}
  Result<std::string> authorization(const std::string& origin);

 private:
  struct Kept {
    std::string value;
    WallTime made;
  };
  const PrivateKey& key_;
  const std::string subject_, public_key_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Kept> kept_;
};

// The endpoint is a server that a user named: what it says counts for this registration alone, so none of its answers is
// `misconfigured`, and a retry is `of_target`.
Delivery web_push_answer(const HttpAnswer& answer);

// Web Push (RFC 8030) to browsers: the notification's JSON, encrypted for the browser (RFC 8291).
class WebPushProvider final : public Provider {
 public:
  static Result<std::unique_ptr<Provider>> make(WebPushOptions options, const Clock& clock);
  ~WebPushProvider() override;

  std::string name() const override { return "webpush"; }
  void send(const Notification& notification, const Registration& to, Done done) override;
  std::size_t concurrency() const override { return options_.client.in_flight_max; }

 private:
  WebPushProvider(WebPushOptions options, const Clock& clock, std::unique_ptr<HttpClient> client);

  const WebPushOptions options_;
  const Clock& clock_;
  Vapid vapid_;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace parley::backend
