#pragma once
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "backend/notify/providers/easy_handle.h"
#include "base/result.h"

namespace parley::backend {

// One exchange with a server, and what it needs to live as long. When not ready() it ends as CURLE_FAILED_INIT without beginning.
class Transfer : public EasyHandle {
 public:
  // Called once: on the loop's thread, or on the one that handed it over when it did not begin. CURLE_AGAIN: too many are under
  // way; CURLE_ABORTED_BY_CALLBACK: the loop stops.
  virtual void finished(CURLcode code) = 0;
};

// One thread that carries out any number of exchanges at once, up to a bound, over connections that stay open in between.
class CurlLoop {
 public:
  // unavailable: libcurl has no TLS, or no more memory.
  static Result<std::unique_ptr<CurlLoop>> start(std::size_t in_flight_max);
  ~CurlLoop();  // what is under way ends before it returns

  // Thread-safe, does not block; finished() may add the next.
  void add(std::unique_ptr<Transfer> transfer);

 private:
  CurlLoop(CURLM* multi, std::size_t in_flight_max);
  void run();
  bool take_new();  // false: the loop is to end
  void finish_done();
  void end(std::unique_ptr<Transfer> transfer, CURLcode code);
  void end_all();

  CURLM* multi_;
  const std::size_t in_flight_max_;
  std::vector<std::unique_ptr<Transfer>> active_;  // the thread's own

  std::mutex mutex_;
  bool stopping_ = false;
  std::size_t in_flight_ = 0;
  std::vector<std::unique_ptr<Transfer>> queue_;

  std::thread thread_;  // last: begins when all else is there
};

}  // namespace parley::backend
