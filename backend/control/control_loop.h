#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backend/control/control_link.h"
#include "backend/control/conversation.h"
#include "backend/control/directory_sync.h"
#include "backend/control/mailbox.h"
#include "base/backoff.h"

namespace parley::backend {

// What a ControlLink does on its thread. Only run() and state() are for others; all else runs as jobs of the mailbox.
class ControlLoop final : CommandCaller {
 public:
  ControlLoop(Link& link, MessageStore& store, DirectoryLog& directory, LeaseListener& lease,
              Metrics& metrics, const Clock& clock, const LogSink& log, const ControlOptions& options);

  void run();  // until the mailbox is closed
  ControlLink::State state() const { return state_; }
  std::string trouble() const;
  Mailbox& mailbox() { return mailbox_; }

  // Jobs.
  void connected();
  void lost(const std::string& reason);
  void answer(const std::string& payload) { conversation_.answer(payload); }
  void give_up(std::uint64_t generation, const std::string& why);
  void attach_again(const std::string& why);
  void directory_changed(std::uint64_t version, std::function<void(Result<>)> done);
  void ask(CommandBody body, bool changes, Conversation::Done done);

 private:
  struct Waiter {
    std::uint64_t version;
    SteadyTime deadline;
    std::function<void(Result<>)> done;
  };

  SteadyTime now() const { return clock_.steady(); }
  void set_state(ControlLink::State state);
  void set_trouble(const std::string& why);
  bool usable() const { return connected_ && !dropping_ && !mailbox_.closed(); }

  void pump(SteadyTime until);  // one job at most
  void wait(std::chrono::milliseconds how_long);
  Result<nlohmann::json> call(CommandBody body, std::chrono::milliseconds timeout) override;

  void hold_lease();
  std::optional<wire::AttachOk> attach();
  void stand_by();
  Result<> synchronise(const wire::AttachOk& ok);
  Result<std::uint64_t> take_over(const wire::AttachOk& ok);
  Result<> subscribe();
  void serve();
  void keep_directory();
  void failed(const Error& error, const std::string& what);
  void drop(const std::string& why);
  void retire();

  void complete_waiters();
  void expire_waiters();
  void refuse_waiters(const std::string& why);

  Link& link_;
  MessageStore& store_;
  LeaseListener& lease_;
  const Clock& clock_;
  LogSink log_;
  ControlOptions options_;
  Counter attaches_, renewals_, lost_bytes_;
  Gauge state_gauge_;
  Mailbox mailbox_;
  Conversation conversation_;
  DirectorySync directory_;

  std::atomic<ControlLink::State> state_{ControlLink::State::disconnected};
  bool connected_ = false;
  bool dropping_ = false;    // this connection is being given up: nothing more is sent on it
  bool subscribed_ = false;  // to requests, on this connection
  bool leading_ = false;     // the lease listener was told
  std::uint64_t generation_ = 0;
  std::optional<std::string> ending_;  // why this lease is to end
  std::string told_;                   // what was logged last, so as not to repeat it
  mutable std::mutex trouble_mutex_;
  std::string trouble_;

  Backoff attach_pause_, directory_pause_;
  bool directory_due_ = false;
  SteadyTime directory_at_{};
  SteadyTime look_at_{};
  std::vector<Waiter> waiters_;  // at most options_.asked_max
};

}  // namespace parley::backend
