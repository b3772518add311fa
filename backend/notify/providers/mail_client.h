#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "backend/notify/providers/easy_handle.h"
#include "base/result.h"

namespace parley::backend {

struct MailClientOptions {
  TransferOptions transfer{};
  std::size_t threads = 4;         // mails at once, each over a connection of its own
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

// Hands mails to a server by SMTP over TLS, one recipient each; connections are kept for the next. By threads of its own, as libcurl
// does not return to its loop while a mail server ponders what it was given. Thread-safe, does not block.
class MailClient {
 public:
  using Done =
      std::function<void(const MailAnswer&)>;  // called once, on a thread of the client's or the caller's

  // unavailable: libcurl can't be used.
  static Result<std::unique_ptr<MailClient>> start(const MailClientOptions& options);
  ~MailClient();  // what is under way ends as busy, within a second, before it returns

  // At most `threads` at once; more end as busy.
  void send(Mail mail, Done done);

 private:
  struct Waiting {
    Mail mail;
    Done done;
  };
  explicit MailClient(const MailClientOptions& options);
  void run();

  const MailClientOptions options_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable came_;
  std::size_t under_way_ = 0;
  std::deque<Waiting> queue_;
  std::vector<std::thread> threads_;  // last: they begin when all else is there
};

}  // namespace parley::backend
