#include "backend/notify/office.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "base/ids.h"

namespace parley::backend {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kShowEvery{10'000}, kSweepEvery{60'000};
constexpr std::uint32_t kSweptAtOnce = 1'000;
constexpr std::chrono::hours kShownKept{24};  // so long an edit or a deletion is followed

bool reaches_everybody(const std::string& provider) {
  return provider == "webhook" || provider == "mqtt" || provider == "stdout";
}

std::vector<std::string> for_everybody(const std::vector<std::unique_ptr<Provider>>& providers) {
  std::vector<std::string> names;
  for (const auto& provider : providers)
    if (reaches_everybody(provider->name())) names.push_back(provider->name());
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> names_of(const std::vector<std::unique_ptr<Provider>>& providers) {
  std::vector<std::string> names;
  for (const auto& provider : providers) names.push_back(provider->name());
  return names;
}

PlannerOptions planner_options(const Config::Notify& config,
                               const std::vector<std::unique_ptr<Provider>>& providers,
                               const EventLog& events) {
  return {
      .judge = {.times = {.delay = config.delay, .away_delay = config.away_delay, .max_age = config.max_age},
                .default_level = static_cast<NotifyLevel>(config.default_level),
                .large_room = config.large_room,
                .user_per_minute = config.user_per_minute},
      .email_delay = config.email.delay,
      .for_everybody = for_everybody(providers),
      .providers = names_of(providers),
      .events = events};
}

std::uint32_t per_s(const Config::Notify& config, const std::string& provider) {
  const std::map<std::string, std::uint32_t> rates{{"fcm", config.fcm.per_s},
                                                   {"apns", config.apns.per_s},
                                                   {"webpush", config.webpush.per_s},
                                                   {"webhook", config.webhook.per_s},
                                                   {"email", config.email.per_s}};
  const auto found = rates.find(provider);
  return found == rates.end() ? 1'000 : found->second;
}

CourierOptions courier_options(const Config::Notify& config, const std::string& provider,
                               const std::string& by, const AttemptMade& attempt_made,
                               const EventLog& events) {
  return {.by = by,
          .per_s = per_s(config, provider),
          .attempts = config.attempts,
          .max_age = config.max_age,
          .window = provider == "email" ? milliseconds(config.email.delay) : milliseconds(config.window),
          .lease = 3 * config.timeout + milliseconds(10'000),
          .attempt_made = attempt_made,
          .events = events};
}

const char* word(Delivery::What what) {
  switch (what) {
    case Delivery::What::sent:
      return "sent";
    case Delivery::What::retry:
      return "retry";
    case Delivery::What::target_dead:
      return "target_dead";
    case Delivery::What::refused:
      return "refused";
    case Delivery::What::misconfigured:
      return "misconfigured";
  }
  return "";
}

// Answers of one test as they come in; the last one tells.
struct TestRun {
  std::mutex mutex;
  std::vector<NotifyDesk::Tested> results;
  std::size_t missing = 0;
  std::function<void(Result<std::vector<NotifyDesk::Tested>>)> done;

  void came(std::size_t which, const Delivery& delivery, milliseconds took) {
    std::unique_lock lock(mutex);
    results[which].outcome = word(delivery.what);
    results[which].reason = delivery.reason;
    results[which].took = took;
    if (--missing > 0) return;
    lock.unlock();
    done(std::move(results));
  }
};

}  // namespace

NotifyOffice::NotifyOffice(const Config::Notify& config, std::vector<std::unique_ptr<Provider>> providers,
                           std::string webpush_key, Stores& stores,
                           std::function<std::optional<Attention>(const std::string&)> attention,
                           Metrics& metrics, const Clock& clock, LogSink log, AttemptMade attempt_made,
                           const EventLog& events)
    : stores_(stores),
      metrics_(metrics),
      clock_(clock),
      log_(log),
      webpush_key_(std::move(webpush_key)),
      kept_(std::chrono::hours(24) * config.keep_days),
      composer_(stores, config.content, config.max_age,
                {static_cast<NotifyLevel>(config.default_level), config.large_room}),
      planner_(stores, {.attention = std::move(attention), .jobs_ready = [this] { jobs_ready(); }}, metrics,
               clock, log, planner_options(config, providers, events)) {
  const auto by = "parleyd-" + random_id(16);
  for (auto& provider : providers) {
    const auto name = provider->name();
    couriers_.push_back(std::make_unique<Courier>(std::move(provider), stores, composer_, metrics, clock, log,
                                                  courier_options(config, name, by, attempt_made, events)));
  }
  std::ranges::sort(couriers_, {}, [](const auto& courier) { return courier->name(); });
}

void NotifyOffice::start() {
  if (couriers_.empty()) return;
  planner_.start();
  for (auto& courier : couriers_) courier->start();
  house_.start([this] { return keep_house(); });
}

void NotifyOffice::stop() {
  planner_.stop();
  house_.stop();
  for (auto& courier : couriers_) courier->stop();
}

void NotifyOffice::activate() {
  if (!couriers_.empty()) planner_.activate();
}
void NotifyOffice::deactivate() {
  planner_.deactivate();
}

std::vector<Dependency> NotifyOffice::dependencies() const {
  std::vector<Dependency> all;
  for (const auto& courier : couriers_)
    all.push_back({"notify_" + courier->name(), [raw = courier.get()] { return raw->reading(); }});
  return all;
}

std::vector<std::string> NotifyOffice::providers() const {
  std::vector<std::string> names;
  for (const auto& courier : couriers_) names.push_back(courier->name());
  return names;
}

Courier* NotifyOffice::courier(const std::string& provider) const {
  const auto found =
      std::ranges::find(couriers_, provider, [](const auto& courier) { return courier->name(); });
  return found == couriers_.end() ? nullptr : found->get();
}

void NotifyOffice::jobs_ready() {
  for (auto& courier : couriers_) courier->wake();
}

void NotifyOffice::test(const std::string& user, std::function<void(Result<std::vector<Tested>>)> done) {
  auto registrations = stores_.push->list(user);
  if (!registrations) return done(std::unexpected(registrations.error()));
  for (const auto& courier : couriers_)
    if (reaches_everybody(courier->name()))
      registrations->push_back({.user = user, .device = "", .provider = courier->name()});
  auto run = std::make_shared<TestRun>();
  run->done = std::move(done);
  std::vector<std::pair<Courier*, Registration>> targets;
  for (auto& registration : *registrations)
    if (auto* by = courier(registration.provider)) {
      run->results.push_back({.provider = registration.provider, .device = registration.device});
      targets.emplace_back(by, std::move(registration));
    }
  run->missing = targets.size();
  if (targets.empty()) return run->done(std::vector<Tested>());
  const auto notification = composer_.test(user, clock_.wall());
  for (std::size_t i = 0; i < targets.size(); ++i)
    targets[i].first->send_test(
        notification, targets[i].second, [run, i, began = clock_.steady(), this](const Delivery& delivery) {
          run->came(i, delivery, std::chrono::duration_cast<milliseconds>(clock_.steady() - began));
        });
}

std::optional<SteadyTime> NotifyOffice::keep_house() {
  const auto now = clock_.steady();
  if (now >= show_at_) {
    show_queues();
    show_at_ = now + kShowEvery;
  }
  if (now >= sweep_at_) {
    const auto wall = clock_.wall();
    const auto more = stores_.deliveries->sweep(wall - kShownKept, wall - kept_, kSweptAtOnce);
    if (more && *more) return now + milliseconds(100);
    sweep_at_ = now + kSweepEvery;
  }
  return show_at_;
}

void NotifyOffice::show_queues() {
  const auto queues = stores_.deliveries->queues();
  if (!queues) return;
  for (const auto& courier : couriers_) {
    const auto found = std::ranges::find(*queues, courier->name(), &NotifyQueue::provider);
    const auto queue = found == queues->end() ? NotifyQueue{} : *found;
    const auto show = [&](const char* state, std::uint64_t number) {
      metrics_
          .gauge("parley_notify_jobs", "Notifications in the outbox, and dead letters.",
                 {{"provider", courier->name()}, {"state", state}})
          .set(static_cast<double>(number));
    };
    show("waiting", queue.waiting);
    show("ready", queue.ready);
    show("sending", queue.sending);
    show("shown", queue.shown);
    show("dead", queue.dead);
    const auto age = queue.oldest == WallTime{}
                         ? milliseconds(0)
                         : std::chrono::duration_cast<milliseconds>(clock_.wall() - queue.oldest);
    metrics_
        .gauge("parley_notify_queue_age_seconds",
               "Age of the oldest notification that is ready, and not sent.", {{"provider", courier->name()}})
        .set(std::chrono::duration<double>(age).count());
  }
}

}  // namespace parley::backend
