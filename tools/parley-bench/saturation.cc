#include "tools/parley-bench/saturation.h"

#include <ctime>
#include <thread>

#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr std::chrono::milliseconds kQuiet{200};
constexpr std::chrono::seconds kStoreBound{120};
constexpr double kMebibyte = 1024.0 * 1024.0;

double own_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

Result<> saturate_once(Run& run, Contender& contender, const LoadShape& shape) {
  const auto stored = PARLEY_TRY(StoredCount::begin(contender));
  Load load(run, contender, shape);
  PARLEY_TRY(load.join());
  Usage usage(contender);
  const auto began = std::chrono::steady_clock::now();
  const auto result = PARLEY_TRY(load.saturate({[&] { usage.begin(); }, [&] { usage.end(); }}));
  PARLEY_TRY(stored.finish(result.sent, began, run.report));
  PARLEY_TRY(load.leave());
  run.report.add("delivered", "messages/s", contender.name(), result.per_second());
  usage.tell(run.report, result.delivered);
  run.say("  " + std::string(contender.name()) + ": " + format_number(result.per_second()) + " messages/s");
  return {};
}

}  // namespace

Usage::Reading Usage::read() const {
  auto* parley = contender_.parley();
  return {.broker_cpu = contender_.broker().process().cpu_seconds(),
          .backend_cpu = parley ? parley->parleyd().cpu_seconds() : 0,
          .generator_cpu = own_cpu_seconds(),
          .at = std::chrono::steady_clock::now()};
}

void Usage::begin() {
  begin_ = read();
}

void Usage::end() {
  end_ = read();
}

void Usage::tell(Report& report, std::uint64_t messages) const {
  const double seconds = std::chrono::duration<double>(end_.at - begin_.at).count();
  auto tell_one = [&](const std::string& who, double cpu_seconds, const Process& process) {
    report.add(who + " CPU", "% of a core", contender_.name(), 100 * cpu_seconds / seconds);
    report.add(who + " memory", "MiB resident", contender_.name(),
               static_cast<double>(process.memory().resident) / kMebibyte);
  };
  report.add("broker CPU a message", "us", contender_.name(),
             1e6 * (end_.broker_cpu - begin_.broker_cpu) / static_cast<double>(messages));
  tell_one("broker", end_.broker_cpu - begin_.broker_cpu, contender_.broker().process());
  if (auto* parley = contender_.parley())
    tell_one("parleyd", end_.backend_cpu - begin_.backend_cpu, parley->parleyd());
  report.add("generator CPU", "% of a core", contender_.name(),
             100 * (end_.generator_cpu - begin_.generator_cpu) / seconds);
}

Result<StoredCount> StoredCount::begin(Contender& contender) {
  auto* server = contender.parley();
  if (!server) return StoredCount(nullptr, 0);
  auto last = PARLEY_TRY(server->stored());
  for (;;) {
    std::this_thread::sleep_for(kQuiet);
    const auto now = PARLEY_TRY(server->stored());
    if (now == last) return StoredCount(server, now);
    last = now;
  }
}

Result<> StoredCount::finish(std::uint64_t sent, SteadyTime load_began, Report& report) const {
  if (!server_) return {};
  PARLEY_TRY(server_->wait_stored(before_ + sent, kStoreBound));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - load_began;
  report.add("stored end to end", "rows/s", "parley", static_cast<double>(sent) / took.count());
  return {};
}

Result<> saturate_in_turn(Run& run, Contenders& contenders, const LoadShape& shape) {
  for (unsigned round = 1; round <= run.settings.rounds; ++round) {
    run.say("round " + std::to_string(round) + " of " + std::to_string(run.settings.rounds));
    for (auto& contender : contenders) PARLEY_TRY(saturate_once(run, *contender, shape));
  }
  return {};
}

void describe(const LoadShape& shape, const Settings& settings, Report& report) {
  const auto& p = shape.population;
  report.parameter("senders", std::to_string(p.senders));
  report.parameter("receivers", std::to_string(p.receivers));
  report.parameter("rooms", std::to_string(p.rooms));
  report.parameter("QoS", std::to_string(shape.qos));
  report.parameter("content bytes", std::to_string(shape.content_bytes));
  report.parameter("window", std::to_string(shape.window));
  report.parameter("MQTT", settings.version5 ? "5" : "3.1.1");
  report.parameter("rounds",
                   std::to_string(settings.rounds) + " of " + format_number(settings.seconds) + " s");
}

}  // namespace parley::bench
