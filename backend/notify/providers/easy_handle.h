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

// An easy handle of libcurl with options. Not thread-safe.
class EasyHandle {
 public:
  EasyHandle() : easy_(curl_easy_init()) {}
  virtual ~EasyHandle();
  EasyHandle(const EasyHandle&) = delete;
  EasyHandle& operator=(const EasyHandle&) = delete;

  CURL* easy() const { return easy_; }
  // Whether all that was set was taken.
  bool ready() const { return easy_ && sound_; }

 protected:
  template <class T>
  void set(CURLoption option, T value) {
    sound_ = sound_ && easy_ && curl_easy_setopt(easy_, option, value) == CURLE_OK;
  }
  // TLS 1.2 or later, certificate and name verified; no proxy; ends after `timeout`. `options` stays until the end.
  void set_common(const TransferOptions& options, std::chrono::milliseconds timeout);
  void set_protocols(const char* names);  // "https", "smtp,smtps": no other is spoken
  void reset();                           // forgets what was set, not its connections

 private:
  CURL* easy_;
  bool sound_ = true;
};

// Once for the process, before anything else here. False: libcurl has no TLS, or no more memory.
bool curl_is_ready();

// Whether it ended for want of a certificate that is believed, or of TLS as it should be.
bool is_tls_failure(CURLcode code);

}  // namespace parley::backend
