#include "backend/http/broker_stats.h"

#include <algorithm>
#include <cctype>

namespace parley::backend {
namespace {

std::string metric_name(const std::string& name, const char* suffix) {
  std::string out = "parley_broker_";
  for (const char c : name) out += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return out + suffix;
}

void append_kind(std::string& out, const nlohmann::json& stats, const char* member, const char* type,
                 const char* suffix) {
  const auto values = stats.find(member);
  if (values == stats.end() || !values->is_object()) return;
  for (const auto& [key, value] : values->items()) {
    if (!value.is_number()) continue;
    const auto name = metric_name(key, suffix);
    out += "# TYPE " + name + ' ' + type + '\n' + name + ' ' + value.dump() + '\n';
  }
}

}  // namespace

std::string format_broker_stats(const nlohmann::json& stats) {
  std::string out;
  append_kind(out, stats, "counters", "counter", "_total");
  append_kind(out, stats, "gauges", "gauge", "");
  return out;
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
    broker_.stats([shared = shared_](Result<nlohmann::json> answer) {
      std::lock_guard guard(shared->mutex);
      shared->asking = false;
      if (answer) shared->text = format_broker_stats(*answer);
      shared->came.notify_all();
    });
    lock.lock();
  }
  shared_->came.wait_for(lock, patience_, [&] { return !shared_->asking; });
  return shared_->text;
}

}  // namespace parley::backend
