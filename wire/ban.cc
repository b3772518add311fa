#include "wire/ban.h"

#include <algorithm>

#include "wire/json_members.h"
#include "wire/limits.h"
#include "wire/names.h"
#include "wire/network.h"

namespace parley::wire {
namespace {

constexpr std::string_view kNames[] = {"user", "client", "network"};

Result<std::string> canonical_network(std::string_view target) {
  const auto network = parse_network(target);
  if (!network)
    return fail(Errc::invalid_argument,
                "This is neither an address nor a network such as 192.0.2.0/24 or 2001:db8::/32.");
  const bool ipv4 = network->base.is_ipv4() && network->bits >= 96;
  const int least = ipv4 ? 96 + kBanNetworkBitsMin4 : kBanNetworkBitsMin6;
  if (network->bits < least)
    return fail(Errc::invalid_argument, "A network can't be wider than /" +
                                            std::to_string(kBanNetworkBitsMin4) + " (IPv4) or /" +
                                            std::to_string(kBanNetworkBitsMin6) + " (IPv6).");
  return to_text(*network);
}

}  // namespace

bool valid_ban_reason(std::string_view reason) {
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  return reason.size() <= kBanReasonMax && std::ranges::none_of(reason, is_control);
}

std::string ban_id(BanKind kind, std::string_view target) {
  return std::string(ban_kind_name(kind)) + ":" + std::string(target);
}

std::optional<std::pair<BanKind, std::string>> parse_ban_id(std::string_view id) {
  const auto colon = id.find(':');
  if (colon == id.npos) return std::nullopt;
  const auto kind = parse_ban_kind(id.substr(0, colon));
  if (!kind) return std::nullopt;
  auto target = canonical_target(*kind, id.substr(colon + 1));
  if (!target) return std::nullopt;
  return std::pair(*kind, std::move(*target));
}

nlohmann::json ban_to_json(const Ban& ban) {
  nlohmann::json json{{"id", ban_id(ban.kind, ban.target)},
                      {"kind", ban_kind_name(ban.kind)},
                      {"target", ban.target},
                      {"at", ban.at_ms}};
  if (!ban.reason.empty()) json["reason"] = ban.reason;
  if (!ban.by.empty()) json["by"] = ban.by;
  if (ban.until_ms != 0) json["until"] = ban.until_ms;
  return json;
}

Result<Ban> ban_from_json(const nlohmann::json& json) {
  JsonMembers members(json, "ban");
  Ban ban;
  const auto id = members.text("id", kBanIdMax);
  const auto kind = parse_ban_kind(members.text("kind", kBanIdMax));
  ban.target = members.text("target", kBanIdMax);
  ban.reason = members.text("reason", kBanReasonMax, JsonMembers::optional);
  ban.by = members.text("by", kNameMax, JsonMembers::optional);
  ban.at_ms = static_cast<std::int64_t>(members.number("at", kJsonIntegerMax));
  ban.until_ms = static_cast<std::int64_t>(members.number("until", kJsonIntegerMax, JsonMembers::optional));
  if (!kind)
    members.complain("kind", "is none.");
  else if (ban.kind = *kind;
           canonical_target(ban.kind, ban.target) != ban.target || id != ban_id(ban.kind, ban.target))
    members.complain("target", "is not in its one spelling.");
  if (!ban.by.empty() && !valid_name(ban.by)) members.complain("by", "is not a legal name.");
  if (!valid_ban_reason(ban.reason)) members.complain("reason", "holds control characters.");
  if (auto finished = members.finish(); !finished) return std::unexpected(std::move(finished.error()));
  return ban;
}

std::string_view ban_kind_name(BanKind kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

std::optional<BanKind> parse_ban_kind(std::string_view name) {
  for (std::uint8_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == name) return static_cast<BanKind>(i);
  return std::nullopt;
}

Result<std::string> canonical_target(BanKind kind, std::string_view target) {
  if (kind == BanKind::network) return canonical_network(target);
  if (!valid_name(target)) return fail(Errc::invalid_argument, "This is not a legal name.");
  return std::string(target);
}

}  // namespace parley::wire
