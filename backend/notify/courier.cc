#include "backend/notify/courier.h"

#include <algorithm>
#include <utility>

#include "base/crypto.h"
#include "base/encoding.h"

namespace parley::backend {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAfterFailure{500};
constexpr milliseconds kObeyedMax{3'600'000};
constexpr milliseconds kPauseMax{300'000};  // of all, when one is told to wait
constexpr milliseconds kPostponedMax{60'000};
constexpr std::size_t kClaimMax = 100;  // at once

const char* told(Notification::Kind kind) {
  switch (kind) {
    case Notification::Kind::updated:
      return "updated";
    case Notification::Kind::withdrawn:
      return "withdrawn";
    default:
      return "sent";
  }
}

// What a provider says, as a line of the log: whole characters, none that controls.
std::string as_line(std::string text) {
  constexpr std::size_t kMax = 300;
  if (text.size() > kMax) text.resize(kMax);
  for (auto& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return repair_utf8(text);
}

milliseconds since(SteadyTime began, const Clock& clock) {
  return std::chrono::duration_cast<milliseconds>(clock.steady() - began);
}

}  // namespace

Courier::Courier(std::unique_ptr<Provider> provider, Stores& stores, const Composer& composer,
                 Metrics& metrics, const Clock& clock, LogSink log, CourierOptions options)
    : name_(provider->name()),
      stores_(stores),
      composer_(composer),
      clock_(clock),
      log_(std::move(log)),
      options_(std::move(options)),
      breaker_({}, clock),
      seconds_(metrics.histogram("parley_notify_delivery_seconds", "How long providers took to answer.",
                                 {{"provider", name_}})),
      in_flight_(metrics.gauge("parley_notify_in_flight", "Notifications on their way to the provider.",
                               {{"provider", name_}})),
      misconfigured_(
          metrics.gauge("parley_notify_misconfigured",
                        "1: the provider refuses our credentials or settings; somebody has to mend them.",
                        {{"provider", name_}})),
      pace_(options_.per_s),
      provider_(std::move(provider)) {
  for (const char* outcome : {"sent", "updated", "withdrawn", "dropped", "retry", "pruned", "dead"})
    outcomes_.emplace(outcome, metrics.counter("parley_notify_deliveries_total",
                                               "What became of notifications that were ready to be sent.",
                                               {{"provider", name_}, {"outcome", outcome}}));
}

void Courier::stop() {
  thread_.stop();
  if (!provider_) return;
  provider_.reset();
  (void)write_down();
}

std::optional<SteadyTime> Courier::step() {
  const bool written = write_down();
  const auto now = clock_.steady();
  if (!written) return now + kAfterFailure;
  if (now < not_before_) return not_before_;
  std::size_t free = 0;
  {
    std::lock_guard lock(mutex_);
    free = provider_->concurrency() - std::min(provider_->concurrency(), under_way_ + back_.size());
  }
  if (free == 0) return now + options_.poll;  // woken when one comes back
  if (pace_.left(now) == 0) return pace_.next();
  if (breaker_.resting()) return now + options_.poll;
  const auto state = breaker_.reading().state;
  // One tries the provider out; the others stay where they are until it is back.
  if (state == BreakerState::half_open && free < provider_->concurrency()) return now + options_.poll;
  const std::size_t tried = state == BreakerState::closed ? kClaimMax : 1;
  const auto limit = static_cast<std::uint32_t>(std::min<std::size_t>({free, pace_.left(now), tried}));
  const auto wall = clock_.wall();
  const auto jobs = stores_.deliveries->claim(name_, options_.by, limit, wall, wall + options_.lease);
  if (!jobs) {
    if (std::exchange(works_, false))
      log_(LogLevel::warning, "notifications by " + name_ + " wait: " + jobs.error().message);
    return now + kAfterFailure;
  }
  works_ = true;
  // What would be sent when the claim is nearly over might be sent by somebody else, too.
  const auto late = now + options_.lease / 4;
  for (const auto& job : *jobs)
    if (clock_.steady() < late)
      carry(job);
    else
      hold(postponed(job));
  if (!write_down()) return clock_.steady() + kAfterFailure;
  return jobs->empty() ? now + options_.poll : clock_.steady();
}

void Courier::carry(const NotifyJob& job) {
  Composed composed;
  Registration to;
  if (auto without = prepare(job, composed, to)) {
    note(job, "", *without);
    return hold(*std::move(without));
  }
  auto permit = breaker_.enter();
  if (!permit) return hold(postponed(job));
  const auto now = clock_.steady();
  pace_.spend(1, now);
  Sent sent{.job = job,
            .to = to,
            .kind = composed.notification->kind,
            .shown_seq = composed.shown_seq,
            .message = std::move(composed.message),
            .permit = std::make_shared<CircuitBreaker::Permit>(*std::move(permit))};
  {
    std::lock_guard lock(mutex_);
    in_flight_.set(static_cast<double>(++under_way_));
  }
  provider_->send(*composed.notification, to, [this, sent = std::move(sent), now](Delivery delivery) mutable {
    sent.delivery = std::move(delivery);
    sent.delivery.reason = as_line(std::move(sent.delivery.reason));
    sent.took = since(now, clock_);
    come_back(std::move(sent));
  });
}

// A result, when the provider need not be asked.
std::optional<NotifyResult> Courier::prepare(const NotifyJob& job, Composed& composed, Registration& to) {
  using What = NotifyResult::What;
  if (job.since + options_.max_age < clock_.wall())
    return NotifyResult{.job = job.id, .what = What::dead, .outcome = "dead", .reason = "too old to be sent"};
  to.user = job.user;
  if (!job.target.starts_with('@')) {
    auto found = stores_.push->get(job.target);
    if (!found) return postponed(job);
    if (!*found)
      return NotifyResult{
          .job = job.id, .what = What::unneeded, .outcome = "dropped", .reason = "unregistered"};
    to = *std::move(*found);
  }
  auto made = composer_.compose(job);
  if (!made) return postponed(job);
  if (!made->notification)
    return NotifyResult{.job = job.id, .what = What::unneeded, .outcome = "dropped", .reason = made->reason};
  composed = *std::move(made);
  return std::nullopt;
}

// Nobody was asked: nothing for the log. What has waited long can wait a little longer.
NotifyResult Courier::postponed(const NotifyJob& job) {
  const auto age = std::chrono::duration_cast<milliseconds>(clock_.wall() - job.since);
  const auto pause = std::clamp(age / 4, options_.poll, kPostponedMax);
  return {.job = job.id,
          .what = NotifyResult::What::retry,
          .due = clock_.wall() + pause + milliseconds(random_u64() % 2'000),
          .attempt = false};
}

void Courier::hold(NotifyResult result) {
  if (!result.outcome.empty()) outcomes_.at(result.outcome).add();
  results_.push_back(std::move(result));
}

void Courier::come_back(Sent sent) {
  {
    std::lock_guard lock(mutex_);
    in_flight_.set(static_cast<double>(--under_way_));
    back_.push_back(std::move(sent));
  }
  thread_.wake();
}

// What came back, into the outbox. What can't be written now is kept, and counts as under way.
bool Courier::write_down() {
  std::deque<Sent> back;
  {
    std::lock_guard lock(mutex_);
    back = std::exchange(back_, {});
  }
  for (const auto& sent : back) {
    const bool taken = sent.delivery.what == Delivery::What::sent;
    if (options_.attempt_made)
      options_.attempt_made(sent.job.room_id, sent.shown_seq, name_, sent.took,
                            taken ? "" : sent.delivery.reason);
    learn(sent);
    auto result = result_of(sent);
    note(sent.job, sent.message, result);
    hold(std::move(result));
  }
  if (results_.empty()) return true;
  const auto written = stores_.deliveries->finish(options_.by, results_, clock_.wall());
  if (!written) return false;
  results_.clear();
  for (const auto& [id, address] : std::exchange(dead_targets_, {})) (void)stores_.push->prune(id, address);
  return true;
}

NotifyResult Courier::result_of(const Sent& sent) {
  using What = NotifyResult::What;
  seconds_.observe(std::chrono::duration<double>(sent.took).count());
  NotifyResult result{.job = sent.job.id, .reason = sent.delivery.reason, .took = sent.took};
  switch (sent.delivery.what) {
    case Delivery::What::sent:
      result.what = What::sent;
      result.outcome = told(sent.kind);
      result.shown_seq = sent.kind == Notification::Kind::withdrawn ? 0 : sent.shown_seq;
      result.due = clock_.wall() + options_.window;
      return result;
    case Delivery::What::target_dead:
      dead_targets_.emplace_back(sent.to.id, sent.to.address);
      result.what = What::unneeded;
      result.outcome = "pruned";
      return result;
    case Delivery::What::refused:
      result.what = What::dead;
      result.outcome = "dead";
      return result;
    case Delivery::What::retry:
    case Delivery::What::misconfigured:
      break;
  }
  auto later = again(sent.job, sent.delivery);
  later.took = sent.took;
  return later;
}

NotifyResult Courier::again(const NotifyJob& job, const Delivery& delivery) {
  if (delivery.what == Delivery::What::misconfigured) {
    return {.job = job.id,
            .what = NotifyResult::What::retry,
            .outcome = "retry",
            .reason = delivery.reason,
            .due = clock_.wall() + options_.misconfigured_pause,
            .attempt = false};
  }
  if (job.attempts + 1 >= options_.attempts)
    return {.job = job.id,
            .what = NotifyResult::What::dead,
            .outcome = "dead",
            .reason = "given up after " + std::to_string(job.attempts + 1) + " attempts: " + delivery.reason};
  auto bound = options_.retry;
  for (std::uint32_t i = 0; i < job.attempts && bound.first < bound.max; ++i) bound.first *= 2;
  const auto pause = std::max(Backoff(bound).next(), std::min(delivery.after, kObeyedMax));
  return {.job = job.id,
          .what = NotifyResult::What::retry,
          .outcome = "retry",
          .reason = delivery.reason,
          .due = clock_.wall() + pause};
}

// What became of a notice, for who follows a message through the log.
void Courier::note(const NotifyJob& job, const std::string& message, const NotifyResult& result) const {
  if (result.outcome.empty() || !options_.events.wanted(LogLevel::debug)) return;
  options_.events(LogLevel::debug, "notification " + result.outcome,
                  {{"id", std::string_view(message)},
                   {"notice", std::string_view(job.notice)},
                   {"provider", std::string_view(name_)},
                   {"user", std::string_view(job.user)},
                   {"target", std::string_view(job.target)},
                   {"seq", job.notice_seq},
                   {"ms", static_cast<std::uint64_t>(result.took.count())},
                   {"reason", std::string_view(result.reason)}});
}

// What an answer says of the provider itself.
void Courier::learn(const Sent& sent) {
  const auto what = sent.delivery.what;
  if (sent.delivery.of_target) return sent.permit->succeeded();
  const bool told_to_wait = what == Delivery::What::retry && sent.delivery.after > milliseconds(0);
  if (what == Delivery::What::retry && !told_to_wait)
    sent.permit->failed();
  else
    sent.permit->succeeded();
  const bool misconfigured = what == Delivery::What::misconfigured;
  if (misconfigured != std::exchange(is_misconfigured_, misconfigured)) {
    misconfigured_.set(misconfigured ? 1 : 0);
    log_(misconfigured ? LogLevel::error : LogLevel::info,
         misconfigured ? name_ + " refuses us, notifications wait: " + sent.delivery.reason
                       : name_ + " takes us again");
  }
  const auto now = clock_.steady();
  if (misconfigured) not_before_ = now + options_.misconfigured_pause;
  if (told_to_wait) not_before_ = std::max(not_before_, now + std::min(sent.delivery.after, kPauseMax));
}

void Courier::send_test(const Notification& notification, const Registration& to, Provider::Done done) {
  provider_->send(notification, to, std::move(done));
}

}  // namespace parley::backend
