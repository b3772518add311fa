#pragma once
#include <memory>
#include <string>

#include "backend/notify/provider.h"
#include "backend/notify/providers/access_token.h"
#include "backend/notify/providers/http_client.h"

namespace parley::backend {

struct FcmOptions {
  ServiceAccount account;
  std::string url = "https://fcm.googleapis.com";
  HttpClientOptions client{};
};

// The message of FCM's HTTP v1 API for one device. What is to be shown is a `notification` (title and body); a wake-up and a
// withdrawal are `data` alone, which an application acts on. Data are id, kind, collapse and, where there are such, room, seq, count
// and badge; all text, as FCM wants it. Within FCM's 4,096 bytes.
std::string fcm_message(const Notification& notification, const std::string& token, WallTime now);

// `token_refused`: the access token was not taken, so that a new one may help.
Delivery fcm_answer(const HttpAnswer& answer, bool* token_refused = nullptr);

// Firebase Cloud Messaging. A send ends within two timeouts: a refused access token is got anew once.
class FcmProvider final : public Provider {
 public:
  static Result<std::unique_ptr<Provider>> make(FcmOptions options, const Clock& clock);
  ~FcmProvider() override;

  std::string name() const override { return "fcm"; }
  void send(const Notification& notification, const Registration& to, Done done) override;
  std::size_t concurrency() const override { return concurrency_; }

 private:
  struct Sending;
  FcmProvider(FcmOptions options, const Clock& clock, std::size_t concurrency,
              std::unique_ptr<HttpClient> client);
  void begin(std::shared_ptr<Sending> sending);
  void post(std::shared_ptr<Sending> sending, const std::string& token);

  const FcmOptions options_;
  const Clock& clock_;
  const std::size_t concurrency_;
  const std::string url_;
  std::unique_ptr<HttpClient> client_;
  std::unique_ptr<AccessToken> token_;
};

}  // namespace parley::backend
