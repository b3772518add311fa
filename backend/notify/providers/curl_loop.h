#pragma once
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "backend/notify/providers/easy_handle.h"
#include "base/file.h"
#include "base/result.h"

namespace parley::backend {

// One exchange with a server, and what it needs to live as long. When not ready() it ends as CURLE_FAILED_INIT without beginning.
class Transfer : public EasyHandle {
 public:
  // Called once: on the loop's thread, or on the one that handed it over when it did not begin. CURLE_AGAIN: too many are under
  // way; CURLE_ABORTED_BY_CALLBACK: the loop stops.
  virtual void finished(CURLcode code) = 0;
};

// One thread that carries out any number of exchanges at once, up to a bound, over connections that stay open in between. Connections of
// HTTP/2 are left behind after some hundred requests: libcurl before 8.0 resets each stream after its answer, and servers that count
// resets (against CVE-2023-44487) break the connection at the thousandth, with all that is under way on it.
class CurlLoop {
 public:
  // unavailable: libcurl has no TLS, or no more memory.
  static Result<std::unique_ptr<CurlLoop>> start(std::size_t in_flight_max);
  ~CurlLoop() { stop(); }

  // What is under way ends before it returns, and nothing begins any more. By one thread, none of the loop's.
  void stop();
  // Thread-safe, does not block; finished() may add the next.
  void add(std::unique_ptr<Transfer> transfer);

 private:
  struct Free {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
  };
  using Multi = std::unique_ptr<CURLM, Free>;
  struct Connections {  // and what is under way on them
    Multi multi;
    std::vector<std::unique_ptr<Transfer>> active{};
    std::size_t streams = 0;  // of HTTP/2, that are over
  };

  CurlLoop(Multi multi, Fd wake, std::size_t in_flight_max);
  void run();
  bool take_new();  // false: the loop is to end
  void renew();
  void step(Connections& connections);
  void wait();
  void end(std::unique_ptr<Transfer> transfer, CURLcode code);
  void end_all();

  const Fd wake_;  // an eventfd
  const std::size_t in_flight_max_;

  // The thread's own: what new exchanges go over, and what is left behind and empties.
  Connections current_;
  std::vector<Connections> old_;

  std::mutex mutex_;
  bool stopping_ = false;
  std::size_t in_flight_ = 0;
  std::vector<std::unique_ptr<Transfer>> queue_;

  std::thread thread_;  // last: begins when all else is there
};

}  // namespace parley::backend
