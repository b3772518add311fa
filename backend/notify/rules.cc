#include "backend/notify/rules.h"

namespace parley::backend {
namespace {

using What = NotifyRuling::What;

struct Rule {
  std::string_view reason;
  bool (*applies)(const NotifyFacts&, const NotifyTimes&);
  // When to ask again; in the past, or none: never.
  std::optional<WallTime> (*again)(const NotifyFacts&, const NotifyTimes&) = nullptr;
};

bool unwanted(const NotifyFacts& facts, const NotifyTimes&) {
  return !wanted(facts.wishes, facts.level_by_default, facts.direct, facts.mention);
}

std::optional<WallTime> after_away_delay(const NotifyFacts& facts, const NotifyTimes& times) {
  return facts.at + times.away_delay;
}

constexpr Rule kRules[] = {
    {"left", [](const auto& f, const auto&) { return !f.member; }},
    {"own", [](const auto& f, const auto&) { return f.own; }},
    {"read", [](const auto& f, const auto&) { return f.read; }},
    {"blocked", [](const auto& f, const auto&) { return f.blocked; }},
    {"muted", [](const auto& f, const auto&) { return f.wishes.muted_until > f.now; }},
    {"level", unwanted},
    {"stale", [](const auto& f, const auto& t) { return f.at + t.max_age < f.now; }},
    {"online", [](const auto& f, const auto&) { return f.attention == Attention::online; }, after_away_delay},
    {"quiet", [](const auto& f, const auto&) { return f.quiet_until && *f.quiet_until > f.now; },
     [](const auto& f, const auto&) { return f.quiet_until; }},
    {"away",
     [](const auto& f, const auto& t) {
       return f.attention == Attention::away && f.now < f.at + t.away_delay;
     },
     after_away_delay},
    {"delay", [](const auto& f, const auto& t) { return f.now < f.at + t.delay; },
     [](const auto& f, const auto& t) { return std::optional(f.at + t.delay); }},
};

}  // namespace

NotifyRuling rule(const NotifyFacts& facts, const NotifyTimes& times) {
  for (const auto& rule : kRules) {
    if (!rule.applies(facts, times)) continue;
    const auto again = rule.again ? rule.again(facts, times) : std::nullopt;
    if (again && *again > facts.now) return {What::later, *again, rule.reason};
    return {What::never, {}, rule.reason};
  }
  return {};
}

bool wanted(const RoomNotify& wishes, NotifyLevel by_default, bool direct, bool mention) {
  const auto level = wishes.level == NotifyLevel::by_default ? by_default : wishes.level;
  return level == NotifyLevel::all || (level == NotifyLevel::mentions && (mention || direct));
}

NotifyLevel default_level(bool direct, std::uint32_t members, NotifyLevel configured,
                          std::uint32_t large_room) {
  if (direct) return NotifyLevel::all;
  return configured == NotifyLevel::all && members > large_room ? NotifyLevel::mentions : configured;
}

}  // namespace parley::backend
