#include "backend/notify/providers/curl_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace parley::backend {
namespace {

constexpr int kPollMs = 1'000;         // libcurl's own timers cut it short
constexpr int kPollOldMs = 10;         // while something is under way on connections that are left behind
constexpr std::size_t kStreams = 500;  // after which they are left behind

}  // namespace

Result<std::unique_ptr<CurlLoop>> CurlLoop::start(std::size_t in_flight_max) {
  Multi multi(curl_is_ready() ? curl_multi_init() : nullptr);
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!multi || !wake)
    return fail(Errc::unavailable, "libcurl can't be used: it has no TLS, or no memory is left.");
  return std::unique_ptr<CurlLoop>(new CurlLoop(std::move(multi), std::move(wake), in_flight_max));
}

CurlLoop::CurlLoop(Multi multi, Fd wake, std::size_t in_flight_max)
    : wake_(std::move(wake)),
      in_flight_max_(in_flight_max),
      current_{.multi = std::move(multi)},
      thread_([this] { run(); }) {}

void CurlLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ::eventfd_write(wake_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

void CurlLoop::add(std::unique_ptr<Transfer> transfer) {
  CURLcode refused = transfer->ready() ? CURLE_OK : CURLE_FAILED_INIT;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) refused = CURLE_ABORTED_BY_CALLBACK;
    if (!stopping_ && in_flight_ >= in_flight_max_) refused = CURLE_AGAIN;
    if (refused == CURLE_OK) {
      ++in_flight_;
      queue_.push_back(std::move(transfer));
    }
  }
  if (refused == CURLE_OK)
    ::eventfd_write(wake_.get(), 1);
  else
    transfer->finished(refused);
}

void CurlLoop::run() {
  while (take_new()) {
    step(current_);
    for (auto& connections : old_) step(connections);
    std::erase_if(old_, [](const Connections& connections) { return connections.active.empty(); });
    if (current_.streams >= kStreams) renew();
    wait();
  }
  end_all();
}

bool CurlLoop::take_new() {
  std::vector<std::unique_ptr<Transfer>> taken;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    taken.swap(queue_);
  }
  for (auto& transfer : taken) {
    if (curl_multi_add_handle(current_.multi.get(), transfer->easy()) == CURLM_OK)
      current_.active.push_back(std::move(transfer));
    else
      end(std::move(transfer), CURLE_FAILED_INIT);
  }
  return true;
}

void CurlLoop::renew() {
  Multi multi(curl_multi_init());
  if (!multi) return;
  old_.push_back(std::exchange(current_, Connections{.multi = std::move(multi)}));
}

void CurlLoop::step(Connections& connections) {
  int running = 0, left = 0;
  curl_multi_perform(connections.multi.get(), &running);
  while (const CURLMsg* message = curl_multi_info_read(connections.multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const auto at = std::ranges::find(connections.active, message->easy_handle, &Transfer::easy);
    if (at == connections.active.end()) continue;
    auto transfer = std::move(*at);
    *at = std::move(connections.active.back());
    connections.active.pop_back();
    long version = 0;
    curl_easy_getinfo(transfer->easy(), CURLINFO_HTTP_VERSION, &version);
    if (version == CURL_HTTP_VERSION_2_0) ++connections.streams;
    curl_multi_remove_handle(connections.multi.get(), transfer->easy());
    end(std::move(transfer), code);
  }
}

void CurlLoop::wait() {
  curl_waitfd woken{.fd = wake_.get(), .events = CURL_WAIT_POLLIN, .revents = 0};
  curl_multi_poll(current_.multi.get(), &woken, 1, old_.empty() ? kPollMs : kPollOldMs, nullptr);
  std::uint64_t count = 0;
  (void)::eventfd_read(wake_.get(), &count);
}

void CurlLoop::end(std::unique_ptr<Transfer> transfer, CURLcode code) {
  {
    const std::lock_guard lock(mutex_);
    --in_flight_;
  }
  transfer->finished(code);
}

void CurlLoop::end_all() {
  old_.push_back(std::move(current_));
  for (auto& connections : old_)
    for (auto& transfer : std::exchange(connections.active, {})) {
      curl_multi_remove_handle(connections.multi.get(), transfer->easy());
      end(std::move(transfer), CURLE_ABORTED_BY_CALLBACK);
    }
  std::vector<std::unique_ptr<Transfer>> queued;
  {
    const std::lock_guard lock(mutex_);
    queued.swap(queue_);
  }
  for (auto& transfer : queued) end(std::move(transfer), CURLE_ABORTED_BY_CALLBACK);
}

}  // namespace parley::backend
