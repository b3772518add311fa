#include "base/dependency.h"

namespace parley {
namespace {

void append_head(std::string& out, const char* name, const char* type, const char* help) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n");
  out.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void append_sample(std::string& out, const char* name, const std::string& labels, std::uint64_t value) {
  out.append(name).append("{").append(labels).append("} ").append(std::to_string(value)).append("\n");
}

}  // namespace

std::string dependency_metrics(const std::vector<Dependency>& dependencies) {
  constexpr const char* kState = "parley_breaker_state";
  constexpr const char* kTransitions = "parley_breaker_transitions_total";
  constexpr const char* kRefused = "parley_breaker_refused_total";
  std::string state, transitions, refused;
  append_head(state, kState, "gauge", "How a dependency stands: 0 closed (it works), 1 half-open, 2 open.");
  append_head(transitions, kTransitions, "counter", "Times it came into the state `to`.");
  append_head(refused, kRefused, "counter", "Calls not made because it was open.");
  for (const auto& dependency : dependencies) {
    const auto reading = dependency.reading();
    const auto label = "dependency=\"" + dependency.name + "\"";
    const auto to = [&](BreakerState s) {
      return label + ",to=\"" + std::string(breaker_state_name(s)) + "\"";
    };
    append_sample(state, kState, label, static_cast<std::uint64_t>(reading.state));
    append_sample(transitions, kTransitions, to(BreakerState::closed), reading.closed);
    append_sample(transitions, kTransitions, to(BreakerState::half_open), reading.half_opened);
    append_sample(transitions, kTransitions, to(BreakerState::open), reading.opened);
    append_sample(refused, kRefused, label, reading.refused);
  }
  return state + transitions + refused;
}

}  // namespace parley
