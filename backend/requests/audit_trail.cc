#include "backend/requests/audit_trail.h"

#include <algorithm>
#include <array>

namespace parley::backend {
namespace {

// Never kept: secrets, and what people wrote.
constexpr std::array<std::string_view, 7> kLeftOut{"password", "old",     "code", "entries",
                                                   "confirm",  "address", "keys"};
constexpr std::chrono::hours kSweepEvery{1};
constexpr std::uint32_t kSweptAtOnce = 10'000;

std::string name_parameter(const wire::Json& params, const char* key) {
  const auto at = params.find(key);
  if (at == params.end() || !at->is_string()) return {};
  const auto& name = at->get_ref<const std::string&>();
  return wire::valid_name(name) ? name : std::string();
}

// A refusal that says: you may not. Others are mistakes.
bool is_denial(wire::Code code) {
  return code == wire::Code::not_allowed || code == wire::Code::not_a_member || code == wire::Code::banned;
}

}  // namespace

Act AuditTrail::act_of(const wire::Request& request) {
  Act act{.actor = request.user,
          .device = request.device,
          .address = request.address,
          .action = request.method,
          .room = name_parameter(request.params, "room"),
          .user = name_parameter(request.params, "user")};
  auto details = wire::Json::object();
  for (const auto& [key, value] : request.params.items()) {
    const bool left_out = std::ranges::find(kLeftOut, key) != kLeftOut.end();
    if (key != "room" && key != "user" && !left_out) details[key] = value;
  }
  act.details = details.dump(-1, ' ', false, wire::Json::error_handler_t::replace);
  if (act.details.size() > kActDetailsMax) act.details = R"({"too_large":true})";
  return act;
}

void AuditTrail::ended(Services& services, Act act, Audited audited, const Outcome& outcome) {
  const bool own = act.user.empty() || act.user == act.actor;
  if (audited == Audited::no || (audited == Audited::others && own)) return;
  if (outcome && audited == Audited::within) return forget_old(services);
  if (!outcome) {
    if (!is_denial(outcome.error().code) || !may_record_refusal(services.clock.steady())) return;
    act.outcome = wire::code_name(outcome.error().code);
  } else if (std::holds_alternative<Deferred>(*outcome)) {
    act.outcome = "asked";
  }
  if (auto kept = services.stores.audit->record(act); !kept && services.options.log)
    services.options.log(LogLevel::error, "the audit log lacks " + act.action + " of " + act.actor + ": " +
                                              kept.error().message);
  forget_old(services);
}

bool AuditTrail::may_record_refusal(SteadyTime now) {
  std::lock_guard lock(mutex_);
  if (now - minute_ >= std::chrono::minutes(1)) {
    minute_ = now;
    refusals_ = 0;
  }
  return ++refusals_ <= kRefusalsPerMinute;
}

void AuditTrail::forget_old(Services& services) {
  const auto kept = services.rules()->audit_kept;
  {
    std::lock_guard lock(mutex_);
    const auto now = services.clock.steady();
    if (kept.count() == 0 || (swept_ != SteadyTime{} && now - swept_ < kSweepEvery)) return;
    swept_ = now;
  }
  (void)services.stores.audit->forget_before(services.clock.wall() - kept, kSweptAtOnce);
}

}  // namespace parley::backend
