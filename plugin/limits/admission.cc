#include "plugin/limits/admission.h"

#include <algorithm>

#include "base/encoding.h"
#include "wire/names.h"

namespace parley::plugin {
namespace {

constexpr std::uint8_t kOneHouseholdIpv6 = 64;  // bits: what one customer has at the least

bool is_backend(const Arrival& arrival) {
  return fold_case(arrival.user) == wire::kBackendUser;
}

// Names are kept as keys: none that could not be an account's, however long it is.
std::string_view name_or_none(std::string_view name) {
  return wire::valid_name(name) ? name : std::string_view();
}

std::string ban_reason(const wire::Ban& ban) {
  return std::string(wire::ban_kind_name(ban.kind)) + " " + ban.target + " is banned" +
         (ban.until_ms == 0 ? "" : " for a time");
}

}  // namespace

Admission::Admission(AdmissionOptions options, const BanIndex& bans)
    : options_(std::move(options)),
      bans_(bans),
      connects_(options_.connects, options_.addresses_max),
      failures_(options_.failures),
      flapping_(options_.clients_max) {}

void Admission::set_options(AdmissionOptions options) {
  connects_.set_limit(options.connects);
  failures_.set_rules(options.failures);
  options_ = std::move(options);
}

bool Admission::is_trusted(const wire::IpAddress& address) const {
  return std::ranges::any_of(options_.trusted,
                             [&](const auto& network) { return network.contains(address); });
}

std::string Admission::counted_address(std::string_view text) const {
  const auto address = wire::parse_client_address(text);
  if (!address || is_trusted(*address)) return {};
  return to_text(address->is_ipv4() ? wire::network_of(*address, 128)
                                    : wire::network_of(*address, kOneHouseholdIpv6));
}

const wire::Ban* Admission::banned(const Arrival& arrival, WallTime wall) const {
  if (is_backend(arrival)) return nullptr;
  if (const auto* ban = bans_.user(arrival.user, wall)) return ban;
  if (const auto* ban = bans_.client(arrival.client_id, wall)) return ban;
  const auto address = wire::parse_client_address(arrival.address);
  return address ? bans_.address(*address, wall) : nullptr;
}

std::optional<NotNow> Admission::may_connect(const Arrival& arrival, SteadyTime now, WallTime wall) {
  if (is_backend(arrival)) return std::nullopt;
  if (const auto* ban = banned(arrival, wall)) return NotNow{NotNow::Cause::banned, ban_reason(*ban)};
  const auto address = counted_address(arrival.address);
  if (!address.empty() && !connects_.try_take(address, now))
    return NotNow{NotNow::Cause::connect_rate, "this address connects too often"};
  const auto user = name_or_none(arrival.user);
  if (!arrival.guessable || user.empty()) return std::nullopt;
  const auto wait = failures_.wait({address, user, name_or_none(arrival.client_id)}, now);
  if (!wait) return std::nullopt;
  return NotNow{NotNow::Cause::slowed,
                "too many wrong passwords; the next is looked at in " + std::to_string(wait->count()) + " s"};
}

void Admission::login_failed(const Arrival& arrival, SteadyTime now) {
  const auto user = is_backend(arrival) ? wire::kBackendUser : name_or_none(arrival.user);
  if (!arrival.guessable || user.empty()) return;
  failures_.failed({counted_address(arrival.address), user, name_or_none(arrival.client_id)}, now);
}

std::optional<wire::Ban> Admission::login_ok(const Arrival& arrival, SteadyTime now, WallTime wall) {
  if (is_backend(arrival)) return std::nullopt;
  const auto id = name_or_none(arrival.client_id);
  if (arrival.guessable) failures_.succeeded({counted_address(arrival.address), arrival.user, id}, now);
  if (options_.flap_connects == 0 || id.empty()) return std::nullopt;
  const auto key = fold_case(id);
  Flapping* known = flapping_.find(key);
  if (known == nullptr) known = &flapping_.insert(key, Flapping{now});
  if (now - known->since >= options_.flap_window) *known = Flapping{now};
  if (++known->connects <= options_.flap_connects) return std::nullopt;
  *known = Flapping{now};
  return wire::Ban{.kind = wire::BanKind::client,
                   .target = std::string(id),
                   .reason = "It connected more than " + std::to_string(options_.flap_connects) +
                             " times in " + std::to_string(options_.flap_window.count()) + " s.",
                   .at_ms = to_ms(wall),
                   .until_ms = to_ms(wall + options_.flap_ban)};
}

}  // namespace parley::plugin
