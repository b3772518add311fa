#pragma once
#include <functional>
#include <memory>
#include <string>

#include "backend/notify/providers/curl_loop.h"
#include "base/result.h"

namespace parley::backend {

struct MailClientOptions {
  TransferOptions transfer{};
  std::size_t in_flight_max = 100;
  std::string url;                 // smtp://host:587 (STARTTLS is required) or smtps://host:465
  std::string user{}, password{};  // "": without login
};

struct Mail {
  std::string from, to;  // the envelope's addresses, alone
  std::string text;      // RFC 5322, lines ended by CR LF
};

struct MailAnswer {
  enum class Stage { connect, login, from, to, text };  // how far it came
  enum class Failure {
    none,
    answer,  // the server said no: `code`
    lost,    // no connection, or it broke: it may have been taken when the stage is `text`
    tls,     // no TLS, or the server is not who it should be
    busy,    // too many are under way, or we stop: nothing was sent
    internal,
  };
  Failure failure = Failure::none;
  Stage stage = Stage::connect;
  int code = 0;         // the last one of the server (RFC 5321 §4.2)
  std::string error{};  // of lost, tls, busy, internal; without address
};

// Hands mails to a server by SMTP over TLS, one recipient each; connections are kept for the next. Thread-safe, does not block.
class MailClient {
 public:
  using Done = std::function<void(const MailAnswer&)>;  // called once, on the client's thread or the caller's

  static Result<std::unique_ptr<MailClient>> start(const MailClientOptions& options);
  ~MailClient();  // what is under way ends as busy before it returns

  void send(Mail mail, Done done);

 private:
  MailClient(const MailClientOptions& options, std::unique_ptr<CurlLoop> loop)
      : options_(options), loop_(std::move(loop)) {}

  const MailClientOptions options_;
  std::unique_ptr<CurlLoop> loop_;
};

}  // namespace parley::backend
