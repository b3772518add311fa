#include "backend/notify/providers/curl_loop.h"

#include <algorithm>
#include <utility>

namespace parley::backend {
namespace {

constexpr int kPollMs = 1'000;  // libcurl's own timers cut it short

}  // namespace

Result<std::unique_ptr<CurlLoop>> CurlLoop::start(std::size_t in_flight_max) {
  CURLM* multi = curl_is_ready() ? curl_multi_init() : nullptr;
  if (!multi) return fail(Errc::unavailable, "libcurl can't be used: it has no TLS, or no memory is left.");
  return std::unique_ptr<CurlLoop>(new CurlLoop(multi, in_flight_max));
}

CurlLoop::CurlLoop(CURLM* multi, std::size_t in_flight_max)
    : multi_(multi), in_flight_max_(in_flight_max), thread_([this] { run(); }) {}

CurlLoop::~CurlLoop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  curl_multi_wakeup(multi_);
  thread_.join();
  curl_multi_cleanup(multi_);
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
    curl_multi_wakeup(multi_);
  else
    transfer->finished(refused);
}

void CurlLoop::run() {
  int running = 0;
  while (take_new()) {
    curl_multi_perform(multi_, &running);
    finish_done();
    curl_multi_poll(multi_, nullptr, 0, kPollMs, nullptr);
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
    if (curl_multi_add_handle(multi_, transfer->easy()) == CURLM_OK)
      active_.push_back(std::move(transfer));
    else
      end(std::move(transfer), CURLE_FAILED_INIT);
  }
  return true;
}

void CurlLoop::finish_done() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const auto at = std::ranges::find(active_, message->easy_handle, &Transfer::easy);
    if (at == active_.end()) continue;
    auto transfer = std::move(*at);
    *at = std::move(active_.back());
    active_.pop_back();
    curl_multi_remove_handle(multi_, transfer->easy());
    end(std::move(transfer), code);
  }
}

void CurlLoop::end(std::unique_ptr<Transfer> transfer, CURLcode code) {
  {
    const std::lock_guard lock(mutex_);
    --in_flight_;
  }
  transfer->finished(code);
}

void CurlLoop::end_all() {
  std::vector<std::unique_ptr<Transfer>> queued;
  {
    const std::lock_guard lock(mutex_);
    queued.swap(queue_);
  }
  for (auto& transfer : std::exchange(active_, {})) {
    curl_multi_remove_handle(multi_, transfer->easy());
    end(std::move(transfer), CURLE_ABORTED_BY_CALLBACK);
  }
  for (auto& transfer : queued) end(std::move(transfer), CURLE_ABORTED_BY_CALLBACK);
}

}  // namespace parley::backend
