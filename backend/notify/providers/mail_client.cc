#include "backend/notify/providers/mail_client.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

namespace parley::backend {
namespace {

using Failure = MailAnswer::Failure;
using Stage = MailAnswer::Stage;

constexpr auto kBusy = "Too much is under way, or parleyd stops";

// A connection to the mail server, and whoever speaks over it.
class MailSession final : public EasyHandle {
 public:
  MailSession(const MailClientOptions& options, const std::atomic<bool>& stopping)
      : options_(options), stopping_(stopping) {}
  ~MailSession() override { break_connection(); }

  MailAnswer deliver(const Mail& mail) {
    given_ = 0;
    stage_ = Stage::connect;
    text_ = mail.text;
    const std::string from = "<" + mail.from + ">";
    const Recipients recipients(curl_slist_append(nullptr, ("<" + mail.to + ">").c_str()));
    prepare(from, recipients.get());
    const auto code = ready() ? curl_easy_perform(easy()) : CURLE_FAILED_INIT;
    long last = 0;
    curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &last);
    if (code != CURLE_OK) break_connection();
    MailAnswer answer{.stage = stage_, .code = static_cast<int>(last)};
    answer.failure = failure_of(code, answer.code);
    if (answer.failure != Failure::none && answer.failure != Failure::answer)
      answer.error = answer.failure == Failure::busy ? kBusy : curl_easy_strerror(code);
    return answer;
  }

 private:
  struct Free {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  using Recipients = std::unique_ptr<curl_slist, Free>;

  void prepare(const std::string& from, curl_slist* recipients) {
    reset();
    set_common(options_.transfer, options_.transfer.timeout);
    set_protocols("smtp,smtps");
    set(CURLOPT_URL, options_.url.c_str());
    set(CURLOPT_USE_SSL, long{CURLUSESSL_ALL});
    if (!options_.user.empty()) {
      set(CURLOPT_USERNAME, options_.user.c_str());
      set(CURLOPT_PASSWORD, options_.password.c_str());
    }
    set(CURLOPT_MAIL_FROM, from.c_str());
    set(CURLOPT_MAIL_RCPT, recipients);
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &MailSession::give_text);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_WRITEFUNCTION, &MailSession::drop);
    set(CURLOPT_HEADERFUNCTION, &MailSession::drop);
    set(CURLOPT_DEBUGFUNCTION, &MailSession::watch);
    set(CURLOPT_DEBUGDATA, this);
    set(CURLOPT_VERBOSE, 1L);
    set(CURLOPT_XFERINFOFUNCTION, &MailSession::look_up);
    set(CURLOPT_XFERINFODATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
  }

  // One on which something went wrong may be in the middle of an exchange, but libcurl would take it for the next mail; and before it
  // closes one it says QUIT, and waits up to two minutes for a server that hangs.
  void break_connection() const {
    curl_socket_t socket = CURL_SOCKET_BAD;
    if (easy() && curl_easy_getinfo(easy(), CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK &&
        socket != CURL_SOCKET_BAD)
      ::shutdown(socket, SHUT_RDWR);
  }

  Failure failure_of(CURLcode code, int last) const {
    if (code == CURLE_OK) return Failure::none;
    if (code == CURLE_ABORTED_BY_CALLBACK) return Failure::busy;
    if (code == CURLE_FAILED_INIT || code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
      return Failure::internal;
    if (last >= 400) return Failure::answer;
    return is_tls_failure(code) ? Failure::tls : Failure::lost;
  }

  // Which command was the last is told to no other callback. What it says of logins is not looked at.
  static int watch(CURL*, curl_infotype type, char* data, std::size_t size, void* self) {
    if (type != CURLINFO_HEADER_OUT) return 0;
    auto& stage = static_cast<MailSession*>(self)->stage_;
    const std::string_view line(data, size);
    if (line.starts_with("AUTH")) stage = Stage::login;
    if (line.starts_with("MAIL")) stage = Stage::from;
    if (line.starts_with("RCPT")) stage = Stage::to;
    if (line.starts_with("DATA")) stage = Stage::text;
    return 0;
  }

  static std::size_t give_text(char* to, std::size_t size, std::size_t count, void* self) {
    auto* session = static_cast<MailSession*>(self);
    const auto given = std::min(size * count, session->text_.size() - session->given_);
    std::memcpy(to, session->text_.data() + session->given_, given);
    session->given_ += given;
    return given;
  }

  static std::size_t drop(char*, std::size_t size, std::size_t count, void*) { return size * count; }

  static int look_up(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<MailSession*>(self)->stopping_ ? 1 : 0;
  }

  const MailClientOptions& options_;
  const std::atomic<bool>& stopping_;
  std::string text_;
  std::size_t given_ = 0;
  Stage stage_ = Stage::connect;
};

}  // namespace

Result<std::unique_ptr<MailClient>> MailClient::start(const MailClientOptions& options) {
  if (!curl_is_ready()) return fail(Errc::unavailable, "libcurl can't be used: it has no TLS.");
  return std::unique_ptr<MailClient>(new MailClient(options));
}

MailClient::MailClient(const MailClientOptions& options) : options_(options) {
  for (std::size_t i = 0; i < options.threads; ++i) threads_.emplace_back([this] { run(); });
}

MailClient::~MailClient() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  came_.notify_all();
  for (auto& thread : threads_) thread.join();
  for (const auto& waiting : queue_) waiting.done({.failure = Failure::busy, .error = kBusy});
}

void MailClient::send(Mail mail, Done done) {
  bool taken = false;
  {
    const std::lock_guard lock(mutex_);
    taken = !stopping_ && under_way_ < options_.threads;
    if (taken) {
      ++under_way_;
      queue_.push_back({std::move(mail), std::move(done)});
    }
  }
  if (!taken) return done({.failure = Failure::busy, .error = kBusy});
  came_.notify_one();
}

void MailClient::run() {
  MailSession session(options_, stopping_);
  std::unique_lock lock(mutex_);
  while (true) {
    came_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const auto next = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    const auto answer = session.deliver(next.mail);
    lock.lock();
    --under_way_;
    lock.unlock();
    next.done(answer);
    lock.lock();
  }
}

}  // namespace parley::backend
