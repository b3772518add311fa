#include "backend/http/broker_stats.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "backend/http/broker_metric_help.h"
#include "backend/metrics/exposition.h"

namespace parley::backend {
namespace {

using nlohmann::json;

// Names PREFIX_VALUE that are series of one family, told apart by a label.
struct Labelled {
  std::string_view prefix, family, label, help;
};
constexpr auto kLabelled = std::to_array<Labelled>({
    {"refused_", "parley_broker_refusals_total", "code",
     "Messages and requests refused, by the code their sender is told."},
    {"bans_by_", "parley_broker_bans", "by",
     "Bans in force, by who made them: administrators, or the broker by itself."},
});

bool is_labelled(const std::string& key) {
  return std::ranges::any_of(kLabelled, [&](const auto& family) { return key.starts_with(family.prefix); });
}

std::string metric_name(const std::string& name, const char* suffix) {
  std::string out = "parley_broker_";
  for (const char c : name) out += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return out + suffix;
}

const json& member(const json& object, const char* name) {
  static const json kNothing = json::object();
  const auto at = object.find(name);
  return at != object.end() && at->is_object() ? *at : kNothing;
}

void add_values(Exposition& out, const json& values, const char* type, const char* suffix) {
  for (const auto& [key, value] : values.items())
    if (value.is_number() && !is_labelled(key))
      out.family(metric_name(key, suffix), type, broker_metric_help(key)).sample(value.get<double>());
}

void add_labelled(Exposition& out, const json& values, const char* type) {
  for (const auto& family : kLabelled) {
    bool begun = false;
    for (const auto& [key, value] : values.items()) {
      if (!value.is_number() || !key.starts_with(family.prefix)) continue;
      if (!std::exchange(begun, true)) out.family(family.family, type, family.help);
      out.sample(value.get<double>(), {{std::string(family.label), key.substr(family.prefix.size())}});
    }
  }
}

void add_queues(Exposition& out, const json& queues) {
  if (queues.empty()) return;
  const auto show = [&](const char* name, const char* help, const char* field) {
    out.family(name, "gauge", help);
    for (const auto& [queue, reading] : queues.items())
      if (reading.is_object()) out.sample(reading.value(field, 0.0), {{"queue", queue}});
  };
  show("parley_broker_queue_length", "Entries waiting in a bounded queue of the plugin.", "length");
  show("parley_broker_queue_capacity", "Entries it takes at most; what comes beyond is refused or dropped.",
       "capacity");
}

}  // namespace

std::string format_broker_stats(const json& stats) {
  Exposition out;
  const auto& plugin = member(stats, "plugin");
  if (plugin.contains("version"))
    out.family("parley_broker_build_info", "gauge", "Always 1; its label is the version of the plugin.")
        .sample(1, {{"version", plugin.value("version", "")}});
  add_values(out, member(stats, "counters"), "counter", "_total");
  add_labelled(out, member(stats, "counters"), "counter");
  add_values(out, member(stats, "gauges"), "gauge", "");
  add_labelled(out, member(stats, "gauges"), "gauge");
  add_queues(out, member(stats, "queues"));
  return out.take();
}

double clock_skew_s(const json& stats, WallTime asked, WallTime answered) {
  const auto& plugin = member(stats, "plugin");
  if (!plugin.contains("now_ms")) return 0;
  const auto between = to_ms(asked) + (to_ms(answered) - to_ms(asked)) / 2;
  return static_cast<double>(plugin.value("now_ms", std::int64_t{0}) - between) / 1000;
}

BrokerStats::BrokerStats(BrokerControl& broker, const Clock& clock, std::chrono::milliseconds fresh_for,
                         std::chrono::milliseconds patience)
    : broker_(broker), clock_(clock), fresh_for_(fresh_for), patience_(patience) {}

std::string BrokerStats::text() {
  std::unique_lock lock(shared_->mutex);
  const auto now = clock_.steady();
  if (!shared_->asking && (!asked_ || now - asked_at_ >= fresh_for_)) {
    shared_->asking = asked_ = true;
    asked_at_ = now;
    lock.unlock();
    ask();
    lock.lock();
  }
  shared_->came.wait_for(lock, patience_, [&] { return !shared_->asking; });
  const auto age = now - shared_->answered_at;
  if (shared_->text.empty() || age >= kKeptFor) return "";
  Exposition out;
  out.gauge("parley_broker_stats_age_seconds", "Age of what is told of the broker here.",
            std::chrono::duration<double>(std::max(age, SteadyTime::duration(0))).count());
  out.gauge("parley_broker_clock_skew_seconds", "The broker's clock less parleyd's.", shared_->skew_s);
  return shared_->text + out.take();
}

void BrokerStats::ask() {
  // The clock outlives every answer: the broker control, which has it too, gives them.
  broker_.stats([shared = shared_, &clock = clock_, asked = clock_.wall()](Result<json> answer) {
    std::lock_guard guard(shared->mutex);
    shared->asking = false;
    if (answer) {
      shared->text = format_broker_stats(*answer);
      shared->skew_s = clock_skew_s(*answer, asked, clock.wall());
      shared->answered_at = clock.steady();
    }
    shared->came.notify_all();
  });
}

}  // namespace parley::backend
