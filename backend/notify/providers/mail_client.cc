#include "backend/notify/providers/mail_client.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

namespace parley::backend {
namespace {

using Failure = MailAnswer::Failure;
using Stage = MailAnswer::Stage;

class MailTransfer final : public Transfer {
 public:
  MailTransfer(Mail mail, const MailClientOptions& options, MailClient::Done done)
      : mail_(std::move(mail)), done_(std::move(done)) {
    recipients_ = curl_slist_append(nullptr, ("<" + mail_.to + ">").c_str());
    from_ = "<" + mail_.from + ">";
    set_common(options.transfer, options.transfer.timeout);
    set_protocols("smtp,smtps");
    set(CURLOPT_URL, options.url.c_str());
    set(CURLOPT_USE_SSL, long{CURLUSESSL_ALL});
    if (!options.user.empty()) {
      set(CURLOPT_USERNAME, options.user.c_str());
      set(CURLOPT_PASSWORD, options.password.c_str());
    }
    set(CURLOPT_MAIL_FROM, from_.c_str());
    set(CURLOPT_MAIL_RCPT, recipients_);
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &MailTransfer::give_text);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_WRITEFUNCTION, &MailTransfer::drop);
    set(CURLOPT_HEADERFUNCTION, &MailTransfer::drop);
    set(CURLOPT_DEBUGFUNCTION, &MailTransfer::watch);
    set(CURLOPT_DEBUGDATA, this);
    set(CURLOPT_VERBOSE, 1L);
  }
  ~MailTransfer() override { curl_slist_free_all(recipients_); }

  void finished(CURLcode code) override {
    long last = 0;
    curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &last);
    MailAnswer answer{.stage = stage_, .code = static_cast<int>(last)};
    answer.failure = failure_of(code, answer.code);
    if (answer.failure == Failure::busy)
      answer.error = "Too much is under way, or parleyd stops";
    else if (answer.failure != Failure::none && answer.failure != Failure::answer)
      answer.error = curl_easy_strerror(code);
    done_(answer);
  }

 private:
  Failure failure_of(CURLcode code, int last) const {
    if (code == CURLE_OK) return Failure::none;
    if (code == CURLE_AGAIN || code == CURLE_ABORTED_BY_CALLBACK) return Failure::busy;
    if (code == CURLE_FAILED_INIT || code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
      return Failure::internal;
    if (last >= 400) return Failure::answer;
    return is_tls_failure(code) ? Failure::tls : Failure::lost;
  }

  // Which command was the last is told to no other callback. What it says of logins is not looked at.
  static int watch(CURL*, curl_infotype type, char* data, std::size_t size, void* self) {
    if (type != CURLINFO_HEADER_OUT) return 0;
    auto& stage = static_cast<MailTransfer*>(self)->stage_;
    const std::string_view line(data, size);
    if (line.starts_with("AUTH")) stage = Stage::login;
    if (line.starts_with("MAIL")) stage = Stage::from;
    if (line.starts_with("RCPT")) stage = Stage::to;
    if (line.starts_with("DATA")) stage = Stage::text;
    return 0;
  }

  static std::size_t give_text(char* to, std::size_t size, std::size_t count, void* self) {
    auto* transfer = static_cast<MailTransfer*>(self);
    const auto given = std::min(size * count, transfer->mail_.text.size() - transfer->given_);
    std::memcpy(to, transfer->mail_.text.data() + transfer->given_, given);
    transfer->given_ += given;
    return given;
  }

  static std::size_t drop(char*, std::size_t size, std::size_t count, void*) { return size * count; }

  Mail mail_;
  MailClient::Done done_;
  std::string from_;
  curl_slist* recipients_ = nullptr;
  std::size_t given_ = 0;
  Stage stage_ = Stage::connect;
};

}  // namespace

Result<std::unique_ptr<MailClient>> MailClient::start(const MailClientOptions& options) {
  auto loop = CurlLoop::start(options.in_flight_max);
  if (!loop) return std::unexpected(loop.error());
  return std::unique_ptr<MailClient>(new MailClient(options, *std::move(loop)));
}

MailClient::~MailClient() = default;

void MailClient::send(Mail mail, Done done) {
  loop_->add(std::make_unique<MailTransfer>(std::move(mail), options_, std::move(done)));
}

}  // namespace parley::backend
