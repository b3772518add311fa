#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/notify/providers/curl_loop.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

struct HttpClientOptions {
  TransferOptions transfer{};
  std::size_t in_flight_max = 100;
  bool plain = false;  // http:// is allowed too
  // HTTP/2 over few connections, and an error when the server speaks it not; otherwise HTTP/2 where it is offered.
  bool http2_only = false;
  // No connection to loopback, private, link-local and other addresses that are not of the Internet, whatever name led there.
  bool public_only = false;
};

struct HttpRequest {
  std::string url;
  std::vector<std::string>
      headers{};  // "Name: value"; whoever makes them sees to it that no line break is in them
  std::string body{};
  std::optional<std::chrono::milliseconds> timeout{};  // other than the client's
};

struct HttpAnswer {
  enum class Failure {
    none,      // there is an answer: `status`
    lost,      // no connection, it broke, or no answer in time: it may have arrived or not
    tls,       // the server is not who it should be, or speaks no TLS we do
    protocol,  // it speaks no HTTP/2
    address,   // the address is none of the Internet
    busy,      // too many are under way, or we stop: nothing was sent
    internal,
  };
  Failure failure = Failure::none;
  std::string error{};  // of a failure, a sentence without address
  int status = 0;
  std::string body{};  // at most kAnswerBodyMax
  std::optional<std::chrono::milliseconds> retry_after{};
};
inline constexpr std::size_t kAnswerBodyMax = 64 * 1024;  // bytes; what is longer is cut

// How long `value` of Retry-After (RFC 9110 §10.2.3: seconds or a date) says to wait, at most kRetryAfterMax; nullopt: neither.
std::optional<std::chrono::milliseconds> parse_retry_after(const std::string& value, WallTime now);
inline constexpr std::chrono::hours kRetryAfterMax{24};

// POSTs. TLS 1.2 or later, certificates and names verified, no redirect followed, no proxy, no cookie.
// Thread-safe, does not block.
class HttpClient {
 public:
  using Done = std::function<void(HttpAnswer)>;  // called once, on the client's thread or the caller's

  static Result<std::unique_ptr<HttpClient>> start(const HttpClientOptions& options, const Clock& clock);
  ~HttpClient();  // as stop()

  // What is under way, and what is posted from then on, ends as busy: the first before it returns. For owners whose callbacks post again,
  // and must find the client there.
  void stop() { loop_->stop(); }

  void post(HttpRequest request, Done done);

 private:
  HttpClient(const HttpClientOptions& options, const Clock& clock, std::unique_ptr<CurlLoop> loop)
      : options_(options), clock_(clock), loop_(std::move(loop)) {}

  const HttpClientOptions options_;
  const Clock& clock_;
  std::unique_ptr<CurlLoop> loop_;
};

}  // namespace parley::backend
