#pragma once
#include <csignal>

namespace parley::ctl {

// From its making on Ctrl-C and SIGTERM no longer end the process but make raised() true. Make it before any
// other thread begins: threads inherit the mask.
class StopSignal {
 public:
  StopSignal() {
    sigset_t set = signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
  }
  bool raised() const {
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
  }

 private:
  static sigset_t signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
  }
};

}  // namespace parley::ctl
