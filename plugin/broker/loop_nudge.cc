#include "plugin/broker/loop_nudge.h"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>

namespace parley::plugin {
namespace {

constexpr auto kPause = std::chrono::microseconds(200);  // between two nudges; a turn takes some ten

void do_nothing(int) {}

}  // namespace

bool LoopNudge::needed() {
  auto version =
      reinterpret_cast<const char* (*)()>(dlsym(RTLD_DEFAULT, "lws_get_library_version"));  // "4.1.6-…"
  if (!version) return false;
  char* rest = nullptr;
  const auto major = std::strtol(version(), &rest, 10);
  const auto minor = rest && *rest == '.' ? std::strtol(rest + 1, nullptr, 10) : 0;
  return major < 4 || (major == 4 && minor < 3);
}

LoopNudge::LoopNudge() : loop_(pthread_self()) {
  struct sigaction now {};
  if (sigaction(SIGURG, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) return;
  struct sigaction nothing {};
  nothing.sa_handler = do_nothing;
  nothing.sa_flags = SA_RESTART;  // all but the waiting goes on
  if (sigaction(SIGURG, &nothing, nullptr) != 0) return;
  ours_ = true;
  sigset_t all, before;  // the broker's signals are not for this thread
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LoopNudge::~LoopNudge() {
  if (!ours_) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wanted_.notify_one();
  thread_.join();
  std::signal(SIGURG, SIG_DFL);
}

void LoopNudge::sending(std::size_t bytes) {
  if (!ours_ || bytes < kChunk) return;
  {
    std::lock_guard lock(mutex_);
    turns_ = std::min(turns_ + bytes / kChunk + 2, kMostTurns);
  }
  wanted_.notify_one();
}

void LoopNudge::turned() {
  std::lock_guard lock(mutex_);
  if (turns_ > 0) --turns_;
}

void LoopNudge::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wanted_.wait(lock, [this] { return stopping_ || turns_ > 0; });
    if (stopping_) return;
    pthread_kill(loop_, SIGURG);
    wanted_.wait_for(lock, kPause, [this] { return stopping_; });
  }
}

}  // namespace parley::plugin
