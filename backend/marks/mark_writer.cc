#include "backend/marks/mark_writer.h"

#include <algorithm>
#include <iterator>

namespace parley::backend {
namespace {

std::unexpected<Error> away() {
  return fail(Errc::unavailable, "The server can't write this down just now.");
}

}  // namespace

MarkWriter::MarkWriter(MarkStore& marks, Metrics& metrics, const Clock& clock, LogSink log,
                       MarkWriterOptions options)
    : marks_(marks),
      clock_(clock),
      log_(std::move(log)),
      options_(options),
      received_(metrics.counter("parley_receipts_total", "Receipts of members that came in.")),
      raised_(
          metrics.counter("parley_marks_raised_total", "Marks of members that were raised in the database.")),
      dropped_(metrics.counter("parley_receipts_dropped_total",
                               "Receipts for which there was no place; their clients repeat them.")),
      failures_(
          metrics.counter("parley_mark_failures_total", "Times marks could not be written; tried again.")),
      waiting_(metrics.gauge("parley_receipts_waiting", "Members whose receipts wait to be written.")),
      backoff_(options.retry) {}

MarkWriter::~MarkWriter() {
  stop();
}

void MarkWriter::start() {
  thread_ = std::thread([this] { run(); });
}

void MarkWriter::run() {
  for (;;) {
    const auto due = step();
    std::unique_lock lock(mutex_);
    const auto woken = [&] { return stopping_ || woken_; };
    if (due)
      changed_.wait_until(lock, *due, woken);
    else
      changed_.wait(lock, woken);
    if (stopping_) return;
  }
}

void MarkWriter::stop() {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  {
    std::lock_guard lock(mutex_);
    receipts_at_ = patient_at_ = {};
  }
  (void)step();
  std::lock_guard lock(mutex_);
  for (auto& request : std::exchange(requests_, {})) request.done(away());
  for (auto& request : std::exchange(patient_, {})) request.done(away());
}

void MarkWriter::receipt(const std::string& room, const std::string& user, const Marks& marks) {
  received_.add();
  std::lock_guard lock(mutex_);
  if (stopping_) return dropped_.add();
  const bool idle = receipts_.empty();
  keep(room, user, marks);
  if (!idle) return;
  woken_ = true;
  changed_.notify_all();
}

void MarkWriter::keep(const std::string& room, const std::string& user, const Marks& marks) {
  auto at = receipts_.find({room, user});
  if (at == receipts_.end()) {
    if (receipts_.size() >= options_.receipts_max) return dropped_.add();
    at = receipts_.emplace(Member{room, user}, Marks{}).first;
  }
  at->second = {.received = std::max(at->second.received, marks.received),
                .read = std::max(at->second.read, marks.read)};
}

void MarkWriter::raise(MarkRaise raise, Done done) {
  {
    std::lock_guard lock(mutex_);
    if (!stopping_ && requests_.size() + patient_.size() < options_.requests_max) {
      requests_.push_back({std::move(raise), clock_.steady() + options_.patience, std::move(done)});
      woken_ = true;
      changed_.notify_all();
      return;
    }
  }
  done(away());
}

std::vector<QueueReading> MarkWriter::queues() {
  std::lock_guard lock(mutex_);
  return {{"receipts", receipts_.size(), options_.receipts_max},
          {"marks", requests_.size() + patient_.size(), options_.requests_max}};
}

// What is due, at most batch_max of it.
MarkWriter::Batch MarkWriter::take(SteadyTime now) {
  Batch batch;
  std::lock_guard lock(mutex_);
  woken_ = false;
  if (receipts_at_ <= now) {
    while (!receipts_.empty() && batch.raises.size() < options_.batch_max / 2) {
      auto first = receipts_.extract(receipts_.begin());
      batch.raises.push_back({.room = first.key().first, .user = first.key().second, .to = first.mapped()});
    }
    batch.receipts = batch.raises.size();
    if (batch.receipts > 0 && receipts_.empty()) receipts_at_ = now + options_.pause;
  }
  waiting_.set(static_cast<double>(receipts_.size()));
  if (patient_at_ <= now) batch.requests = std::exchange(patient_, {});
  while (!requests_.empty() && batch.receipts + batch.requests.size() < options_.batch_max) {
    batch.requests.push_back(std::move(requests_.front()));
    requests_.pop_front();
  }
  for (const auto& request : batch.requests) batch.raises.push_back(request.raise);
  return batch;
}

std::optional<SteadyTime> MarkWriter::step() {
  const auto now = clock_.steady();
  auto batch = take(now);
  if (batch.raises.empty()) return next_due();
  const auto outcomes = marks_.raise(batch.raises);
  if (outcomes)
    written(std::move(batch), *outcomes, now);
  else
    failed(std::move(batch), outcomes.error(), now);
  return next_due();
}

void MarkWriter::written(Batch batch, const std::vector<MarkOutcome>& outcomes, SteadyTime now) {
  works_ = true;
  backoff_.reset();
  raised_.add(
      static_cast<double>(std::ranges::count(outcomes, MarkOutcome::What::raised, &MarkOutcome::what)));
  std::vector<Request> patient;
  for (std::size_t i = 0; i < batch.requests.size(); ++i) {
    auto& request = batch.requests[i];
    const auto& outcome = outcomes[batch.receipts + i];
    if (outcome.what == MarkOutcome::What::above_last_seq && now < request.deadline)
      patient.push_back(std::move(request));
    else
      request.done(outcome);
  }
  if (patient.empty()) return;
  std::lock_guard lock(mutex_);
  patient_at_ = now + options_.pause / 4;
  std::ranges::move(patient, std::back_inserter(patient_));
}

void MarkWriter::failed(Batch batch, const Error& error, SteadyTime now) {
  failures_.add();
  if (std::exchange(works_, false))
    log_(LogLevel::error, "marks can't be written, trying again: " + error.message);
  const auto again = now + backoff_.next();
  std::vector<Request> late;
  {
    std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < batch.receipts; ++i)
      keep(batch.raises[i].room, batch.raises[i].user, batch.raises[i].to);
    for (auto& request : batch.requests)
      (now < request.deadline ? patient_ : late).push_back(std::move(request));
    receipts_at_ = patient_at_ = again;
  }
  for (auto& request : late) request.done(away());
}

std::optional<SteadyTime> MarkWriter::next_due() {
  std::lock_guard lock(mutex_);
  if (!requests_.empty()) return clock_.steady();
  std::optional<SteadyTime> due;
  if (!receipts_.empty()) due = receipts_at_;
  if (!patient_.empty()) due = due ? std::min(*due, patient_at_) : patient_at_;
  return due;
}

}  // namespace parley::backend
