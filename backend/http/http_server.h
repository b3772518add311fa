#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"

namespace parley::backend {

struct Readiness {
  bool ready = false;
  std::string reason;  // when not: standby, no broker, store … ; a sentence
};

struct HttpOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: the system draws one
  std::size_t threads = 2;
  std::size_t payload_max = 16 * 1024;  // bytes of a request's body
};

// What is answered, asked on the server's threads. May block for a moment (the database, the broker's
// counters).
struct HttpSources {
  std::function<Readiness()> readiness;
  std::function<std::string()> metrics;  // text exposition format 0.0.4
  // Ends what a mail's link is of; false: the token is none of ours. Null: there are no such links.
  std::function<Result<bool>(const std::string& token)> unsubscribe{};
};

// GET /healthz: 200 while the process answers. GET /readyz: 200 {"ready":true}, or 503
// {"ready":false,"reason":…}. GET /metrics. POST /notify/unsubscribe?t=TOKEN (RFC 8058): 200, 404 for a token that is none,
// 503 while the database is away; GET of it changes nothing (programs that look at mails follow links) and shows a page with a button.
// Others 404. No authentication: meant for an address only operators reach, and /notify/unsubscribe for a proxy before it.
class HttpServer {
 public:
  // Listens when this returns. unavailable: the address can't be bound.
  static Result<std::unique_ptr<HttpServer>> start(const HttpOptions& options, HttpSources sources,
                                                   const LogSink& log);
  ~HttpServer();  // stops and waits for answers under way

  std::uint16_t port() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::backend
