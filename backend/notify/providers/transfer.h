#pragma once
#include <curl/curl.h>

#include <chrono>
#include <string>

namespace parley::backend {

// What every exchange has in common: how long it may take, and whose certificates are believed.
struct TransferOptions {
  std::chrono::milliseconds timeout{10'000};  // of all of it
  std::string ca_file{};                      // PEM; "": those of the system
};

// One exchange with a server: an easy handle of libcurl, and what it needs to live as long.
class Transfer {
 public:
  Transfer() : easy_(curl_easy_init()) {}
  virtual ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* easy() const { return easy_; }
  // Whether all that was set was taken; otherwise the exchange ends as CURLE_FAILED_INIT without beginning.
  bool ready() const { return easy_ && sound_; }
  // Called once: on the loop's thread, or on the one that handed it over when it did not begin. CURLE_AGAIN: too many are under
  // way; CURLE_ABORTED_BY_CALLBACK: the loop stops.
  virtual void finished(CURLcode code) = 0;

 protected:
  template <class T>
  void set(CURLoption option, T value) {
    sound_ = sound_ && easy_ && curl_easy_setopt(easy_, option, value) == CURLE_OK;
  }
  // TLS 1.2 or later, certificate and name verified; no proxy; ends after `timeout`. `options` stays until the end.
  void set_common(const TransferOptions& options, std::chrono::milliseconds timeout);
  void set_protocols(const char* names);  // "https", "smtp,smtps": no other is spoken

 private:
  CURL* easy_;
  bool sound_ = true;
};

// Whether it ended for want of a certificate that is believed, or of TLS as it should be.
bool is_tls_failure(CURLcode code);

}  // namespace parley::backend
