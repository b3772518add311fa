#pragma once
#include <csignal>
#include <future>
#include <utility>

namespace parley::plugin {

// Runs `work` in a thread of its own that takes no signals: those are the broker's main thread's. Throws
// std::system_error when no thread can be made.
template <class Work>
auto run_in_background(Work work) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // a new thread begins with its maker's mask
  struct Restore {
    const sigset_t& mask;
    ~Restore() { pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
  } restore{before};
  return std::async(std::launch::async, std::move(work));
}

}  // namespace parley::plugin
