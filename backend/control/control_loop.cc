#include "backend/control/control_loop.h"

#include <algorithm>

namespace parley::backend {
namespace {

using State = ControlLink::State;
constexpr auto kLongWait = std::chrono::hours(1);
constexpr const char* kRequests = "users/+/requests/#";

}  // namespace

ControlLoop::ControlLoop(Link& link, MessageStore& store, DirectoryLog& directory, LeaseListener& lease,
                         Metrics& metrics, const Clock& clock, const LogSink& log,
                         const ControlOptions& options)
    : link_(link),
      store_(store),
      lease_(lease),
      clock_(clock),
      log_(log),
      options_(options),
      attaches_(metrics.counter("parley_attaches_total", "Times this backend became the broker's consumer.")),
      renewals_(
          metrics.counter("parley_journal_renewals_total",
                          "Times journal and store did not continue each other: all rooms got new epochs.")),
      lost_bytes_(metrics.counter("parley_journal_lost_bytes_total",
                                  "Bytes of the journal that were let go of and are not in the store.")),
      state_gauge_(metrics.gauge("parley_attach_state",
                                 "0 no broker, 1 attaching, 2 standby, 3 synchronising, 4 ready.")),
      mailbox_(options.asked_max),
      conversation_(link, metrics, options.asked_max),
      directory_(directory, *this, metrics, log,
                 {.snapshot_part = options.snapshot_part, .answer_timeout = options.answer_timeout}),
      attach_pause_(options.retry),
      directory_pause_(options.retry) {}

void ControlLoop::set_state(State state) {
  state_ = state;
  state_gauge_.set(static_cast<double>(state));
}

std::string ControlLoop::trouble() const {
  std::lock_guard lock(trouble_mutex_);
  return trouble_;
}

void ControlLoop::set_trouble(const std::string& why) {
  std::lock_guard lock(trouble_mutex_);
  trouble_ = why;
}

void ControlLoop::run() {
  while (!mailbox_.closed()) {
    if (!connected_ || dropping_) {
      set_state(State::disconnected);
      pump(now() + kLongWait);
      continue;
    }
    ending_.reset();
    hold_lease();
    retire();
  }
  set_state(State::disconnected);
  connected_ = false;
  while (auto job = mailbox_.next(SteadyTime::duration(0))) (*job)();
  conversation_.abandon("parleyd is stopping");
  refuse_waiters("parleyd is stopping.");
}

void ControlLoop::pump(SteadyTime until) {
  if (const auto deadline = conversation_.next_deadline()) until = std::min(until, *deadline);
  for (const auto& waiter : waiters_) until = std::min(until, waiter.deadline);
  if (const auto job = mailbox_.next(until - now()))
    (*job)();
  else if (mailbox_.closed())
    conversation_.abandon("parleyd is stopping");
  conversation_.expire(now());
  expire_waiters();
}

void ControlLoop::wait(std::chrono::milliseconds how_long) {
  const auto until = now() + how_long;
  while (usable() && now() < until) pump(until);
}

Result<nlohmann::json> ControlLoop::call(CommandBody body, std::chrono::milliseconds timeout) {
  std::optional<Result<nlohmann::json>> answer;
  conversation_.send(generation_, std::move(body), now() + timeout,
                     [&](Result<nlohmann::json> result) { answer = std::move(result); });
  while (!answer) pump(now() + kLongWait);
  return *std::move(answer);
}

// From attaching to the end of what it brought.
void ControlLoop::hold_lease() {
  if (state_ != State::standby) set_state(State::attaching);
  const auto ok = attach();
  if (!ok) return;
  told_.clear();
  set_trouble("");
  set_state(State::synchronising);
  if (auto done = synchronise(*ok); !done) {
    failed(done.error(), "the plugin could not be brought up to date");
    return wait(attach_pause_.next());
  }
  attach_pause_.reset();
  serve();
}

// nullopt: not now; the wait before the next attempt is over.
std::optional<wire::AttachOk> ControlLoop::attach() {
  auto failed_because = [&](const std::string& why) {
    if (std::exchange(told_, why) != why)
      log_(LogLevel::warning, "not attached to the broker's plugin: " + why);
    set_trouble(why);
    set_state(State::attaching);
    wait(attach_pause_.next());
    return std::nullopt;
  };
  const auto position = store_.position();
  if (!position) return failed_because(position.error().message);
  auto attach = directory_.introduce();
  if (!attach) return failed_because(attach.error().message);
  attach->journal = position->journal;
  attach->offset = position->offset;
  generation_ = 0;
  const auto answer = call(*attach, options_.answer_timeout);
  if (!answer && answer.error().code == Errc::unavailable && connected_) {
    stand_by();
    return std::nullopt;
  }
  if (!answer && answer.error().code == Errc::in_doubt)
    return failed_because(answer.error().message + " Is mosquitto_parley.so loaded there?");
  if (!answer) return failed_because(answer.error().message);
  auto ok = wire::attach_ok_from_json(*answer);
  if (!ok) return failed_because(ok.error().message);
  return *std::move(ok);
}

void ControlLoop::stand_by() {
  if (subscribed_) {  // it was this backend's before: whoever leads now answers the requests
    return drop("another backend is attached");
  }
  set_state(State::standby);
  set_trouble("");
  if (std::exchange(told_, "standby") != "standby")
    log_(LogLevel::info, "another backend is attached to the broker; standing by");
  wait(options_.standby_retry);
}

Result<> ControlLoop::synchronise(const wire::AttachOk& ok) {
  generation_ = ok.generation;
  attaches_.add();
  const auto start = take_over(ok);
  if (!start) return std::unexpected(start.error());
  if (auto subscribed = subscribe(); !subscribed) return subscribed;
  directory_.plugin_has(ok.directory, ok.directory_version);
  directory_due_ = false;
  if (auto brought = directory_.bring_up(); !brought) return brought;
  complete_waiters();
  // Entries the journal has no room for are tried again later; they do not keep the feed from making some.
  if (auto settled = directory_.settle_entries(); !settled && settled.error().code != Errc::unavailable)
    return settled;
  leading_ = true;
  lease_.feed_begins(generation_, *start);
  if (auto started = call(wire::FeedStart{*start}, options_.answer_timeout); !started)
    return std::unexpected(started.error());
  return {};
}

// Makes the store follow this journal. Gives the offset the feed begins at.
Result<std::uint64_t> ControlLoop::take_over(const wire::AttachOk& ok) {
  if (!ok.renewed) {
    if (auto begun = store_.begin(ok.generation, ok.journal, std::nullopt); !begun)
      return std::unexpected(begun.error());
    const auto position = store_.position();
    if (!position) return std::unexpected(position.error());
    return position->offset;
  }
  renewals_.add();
  lost_bytes_.add(static_cast<double>(ok.lost_to - ok.lost_from));
  const std::string lost = ok.lost_to == ok.lost_from
                               ? "Nothing is known to be lost"
                               : "Bytes " + std::to_string(ok.lost_from) + " to " +
                                     std::to_string(ok.lost_to) + " of the journal are lost to this database";
  log_(LogLevel::error, "journal and database do not continue each other: " + ok.reason + " " + lost +
                            "; every room gets a new epoch.");
  // Epochs first: should the next step fail, all this comes again.
  if (auto renewed = directory_.renew_epochs(); !renewed) return std::unexpected(renewed.error());
  if (auto begun = store_.begin(ok.generation, ok.journal, ok.start); !begun)
    return std::unexpected(begun.error());
  return ok.start;
}

// From attach on the broker lets requests through: they are heard from here on.
Result<> ControlLoop::subscribe() {
  if (subscribed_) return {};
  std::optional<Result<>> told;
  auto shared =
      std::make_shared<std::function<void(Result<>)>>([&](Result<> result) { told = std::move(result); });
  link_.subscribe(kRequests, 1, [this, weak = std::weak_ptr(shared)](Result<> result) {
    mailbox_.put([weak, result = std::move(result)] {
      if (const auto tell = weak.lock()) (*tell)(result);
    });
  });
  const auto deadline = now() + options_.answer_timeout;
  while (!told && usable() && now() < deadline) pump(deadline);
  if (!told) return fail(Errc::in_doubt, "The broker did not answer the subscription to requests.");
  subscribed_ = told->has_value();
  return *told;
}

void ControlLoop::serve() {
  look_at_ = now() + options_.look_again;
  set_state(State::ready);
  log_(LogLevel::info, "ready: attached to the broker, generation " + std::to_string(generation_));
  lease_.ready();
  directory_pause_.reset();
  directory_at_ = now();
  while (usable() && !ending_) {
    if (now() >= look_at_) {
      directory_due_ = directory_due_ || directory_.behind();
      look_at_ = now() + options_.look_again;
    }
    const bool due = directory_due_ || directory_.entries_wait();
    if (due && now() >= directory_at_)
      keep_directory();
    else
      pump(due ? std::min(directory_at_, look_at_) : look_at_);
  }
}

void ControlLoop::keep_directory() {
  Result<> done;
  if (std::exchange(directory_due_, false)) {
    done = directory_.bring_up();
    if (!done)
      directory_due_ = true;
    else
      complete_waiters();
  }
  if (done && directory_.entries_wait()) done = directory_.settle_entries();
  if (done) return directory_pause_.reset();
  directory_at_ = now() + directory_pause_.next();
  failed(done.error(), "a change of the Directory could not be sent");
}

// What to do about an error of a command or the database: wait, attach anew, or stand back.
void ControlLoop::failed(const Error& error, const std::string& what) {
  log_(LogLevel::warning, what + ": " + error.message);
  if (error.code == Errc::permission_denied) {
    drop("another backend has taken over");
  } else if (error.code == Errc::in_doubt || error.code == Errc::timeout) {
    ending_ = error.message;
  }
}

void ControlLoop::drop(const std::string& why) {
  ending_ = why;
  dropping_ = true;
  link_.drop(why);
}

void ControlLoop::retire() {
  if (ending_ && state_ == State::ready) log_(LogLevel::warning, "attaching again: " + *ending_);
  if (std::exchange(leading_, false)) lease_.retired();
  if (state_ == State::ready || state_ == State::synchronising) set_state(State::attaching);
}

void ControlLoop::connected() {
  connected_ = true;
  dropping_ = false;
  subscribed_ = false;
  attach_pause_.reset();
}

void ControlLoop::lost(const std::string& reason) {
  connected_ = false;
  dropping_ = false;
  subscribed_ = false;
  conversation_.abandon(reason);
  refuse_waiters("The broker is away; it will be told when it is back.");
}

void ControlLoop::give_up(std::uint64_t generation, const std::string& why) {
  if (generation != generation_ || !leading_) return;
  drop(why);
}

void ControlLoop::attach_again(const std::string& why) {
  if (state_ == State::ready) ending_ = why;
}

void ControlLoop::directory_changed(std::uint64_t version, std::function<void(Result<>)> done) {
  if (!connected_) return done(fail(Errc::in_doubt, "The broker is away; it will be told when it is back."));
  if (state_ == State::ready && version <= directory_.version()) return done({});
  if (waiters_.size() >= options_.asked_max)
    return done(fail(Errc::in_doubt, "Too many changes wait for the broker; it will be told in turn."));
  waiters_.push_back({version, now() + options_.answer_timeout, std::move(done)});
  directory_due_ = true;
}

void ControlLoop::ask(CommandBody body, bool changes, Conversation::Done done) {
  if (state_ != State::ready) return done(fail(Errc::unavailable, "No broker is attached."));
  conversation_.send(generation_, std::move(body), now() + options_.answer_timeout,
                     [this, changes, done = std::move(done)](Result<nlohmann::json> result) {
                       if (!result && result.error().code == Errc::in_doubt) {
                         if (changes)
                           attach_again(result.error().message);
                         else
                           result = fail(Errc::timeout, result.error().message);
                       }
                       done(std::move(result));
                     });
}

void ControlLoop::complete_waiters() {
  for (std::size_t i = 0; i < waiters_.size();) {
    if (waiters_[i].version > directory_.version()) {
      ++i;
      continue;
    }
    const auto done = std::move(waiters_[i].done);
    waiters_.erase(waiters_.begin() + static_cast<std::ptrdiff_t>(i));
    done({});
  }
}

void ControlLoop::expire_waiters() {
  const auto late = [at = now()](const Waiter& w) { return w.deadline <= at; };
  std::vector<Waiter> expired;
  std::ranges::copy_if(waiters_, std::back_inserter(expired), late);
  std::erase_if(waiters_, late);
  for (auto& waiter : expired)
    waiter.done(fail(Errc::in_doubt, "The broker did not take the change in time."));
}

void ControlLoop::refuse_waiters(const std::string& why) {
  for (auto& waiter : std::exchange(waiters_, {})) waiter.done(fail(Errc::in_doubt, why));
}

}  // namespace parley::backend
