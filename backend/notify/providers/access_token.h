#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backend/notify/notification.h"
#include "backend/notify/providers/http_client.h"
#include "backend/notify/providers/private_key.h"
#include "base/clock.h"

namespace parley::backend {

// What a service account's JSON file says of itself.
struct ServiceAccount {
  std::string client_email, token_uri, project_id, key_id;
  PrivateKey key;
};
// invalid_argument: not such a file. read_secret_file's errors.
Result<ServiceAccount> read_service_account(const std::string& path);

// The answer of a token endpoint (RFC 6749 §5.1).
struct GrantedToken {
  std::string token;
  std::chrono::seconds lifetime{};
};
// On failure: why there is none, as a delivery that could not be made.
std::expected<GrantedToken, Delivery> parse_token_answer(const HttpAnswer& answer);

// An OAuth 2 access token got by a signed assertion (RFC 7523), kept until shortly before it expires. One request is under way at a time;
// whoever asks meanwhile waits for it. Thread-safe, does not block.
class AccessToken {
 public:
  using Token = std::expected<std::string, Delivery>;
  using Got = std::function<void(Token)>;  // called once, on the client's thread or the caller's

  // All outlive this; the client is stopped first.
  AccessToken(const ServiceAccount& account, HttpClient& client, const Clock& clock)
      : account_(account), client_(client), clock_(clock) {}

  void get(Got got);
  // The server took it no more: the next get() asks for another one. Nothing when that has happened already.
  void forget(const std::string& token);

 private:
  void ask();
  void take(std::expected<GrantedToken, Delivery> granted);

  const ServiceAccount& account_;
  HttpClient& client_;
  const Clock& clock_;

  std::mutex mutex_;
  std::string token_;
  SteadyTime until_{};
  std::vector<Got> waiting_;  // not empty: a request is under way
};

}  // namespace parley::backend
