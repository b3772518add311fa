#include "backend/notify/rules.h"

#include <gtest/gtest.h>

#include <functional>

#include "backend/store/room_store.h"

namespace parley::backend {
namespace {

using namespace std::chrono_literals;

const WallTime kAt{std::chrono::milliseconds(1'795'314'673'123)};
const NotifyTimes kTimes{.delay = 5s, .away_delay = 60s, .max_age = 24h};

// Somebody offline, ten minutes after a message in a room of the level `all`: they are told.
NotifyFacts base() {
  return {.at = kAt, .now = kAt + 10min};
}

struct Case {
  const char* what;
  std::function<void(NotifyFacts&)> change;
  const char* expected;  // tell, the reason of never, or `reason+N`: again N seconds after the message
};

std::string outcome(const NotifyRuling& ruling) {
  if (ruling.what == NotifyRuling::What::tell) return "tell";
  if (ruling.what == NotifyRuling::What::never) return std::string(ruling.reason);
  return std::string(ruling.reason) + "+" +
         std::to_string(std::chrono::duration_cast<std::chrono::seconds>(ruling.when - kAt).count());
}

#define IS(...) []([[maybe_unused]] NotifyFacts& f) { __VA_ARGS__; }

const Case kTable[] = {
    {"offline and unread", IS(), "tell"},
    {"somebody who left", IS(f.member = false), "left"},
    {"their own message", IS(f.own = true), "own"},
    {"their own that mentions them", IS(f.own = f.mention = true), "own"},
    {"read on another device", IS(f.read = true), "read"},
    {"read, though it mentions them", IS(f.read = f.mention = true), "read"},
    {"a blocked sender", IS(f.blocked = true), "blocked"},
    {"a blocked sender's direct message", IS(f.blocked = f.direct = true), "blocked"},
    {"a muted room", IS(f.wishes.muted_until = f.now + 1s), "muted"},
    {"muted for good", IS(f.wishes.muted_until = kForever), "muted"},
    {"muted, though it mentions them", IS(f.wishes.muted_until = kForever; f.mention = true), "muted"},
    {"a mute that has ended", IS(f.wishes.muted_until = f.now), "tell"},
    {"level none", IS(f.wishes.level = NotifyLevel::none), "level"},
    {"level none, though it mentions them", IS(f.wishes.level = NotifyLevel::none; f.mention = true),
     "level"},
    {"level none in a direct chat", IS(f.wishes.level = NotifyLevel::none; f.direct = true), "level"},
    {"level mentions", IS(f.wishes.level = NotifyLevel::mentions), "level"},
    {"level mentions, and a mention", IS(f.wishes.level = NotifyLevel::mentions; f.mention = true), "tell"},
    {"level mentions in a direct chat", IS(f.wishes.level = NotifyLevel::mentions; f.direct = true), "tell"},
    {"the default is mentions", IS(f.level_by_default = NotifyLevel::mentions), "level"},
    {"the default is mentions, they want all",
     IS(f.level_by_default = NotifyLevel::mentions; f.wishes.level = NotifyLevel::all), "tell"},
    {"the default is all, they want none", IS(f.wishes.level = NotifyLevel::none), "level"},
    {"too old", IS(f.now = kAt + 24h + 1ms), "stale"},
    {"as old as may be", IS(f.now = kAt + 24h), "tell"},
    {"online, the message is new", IS(f.attention = Attention::online; f.now = kAt + 1s), "online+60"},
    {"online still when asked again", IS(f.attention = Attention::online; f.now = kAt + 60s), "online"},
    {"online, and quiet hours", IS(f.attention = Attention::online; f.quiet_until = f.now + 1h), "online"},
    {"away, the message is new", IS(f.attention = Attention::away; f.now = kAt + 1s), "away+60"},
    {"away for long enough", IS(f.attention = Attention::away; f.now = kAt + 60s), "tell"},
    {"offline, the message is new", IS(f.now = kAt + 1s), "delay+5"},
    {"offline for the delay", IS(f.now = kAt + 5s), "tell"},
    {"quiet hours", IS(f.quiet_until = kAt + 2h), "quiet+7200"},
    {"quiet hours, though it mentions them", IS(f.quiet_until = kAt + 2h; f.mention = true), "quiet+7200"},
    {"quiet hours, muted", IS(f.quiet_until = kAt + 2h; f.wishes.muted_until = kForever), "muted"},
    {"quiet hours, away", IS(f.quiet_until = kAt + 2h; f.attention = Attention::away), "quiet+7200"},
};

TEST(NotifyRules, hold_case_by_case) {
  for (const auto& item : kTable) {
    auto facts = base();
    item.change(facts);
    EXPECT_EQ(outcome(rule(facts, kTimes)), item.expected) << item.what;
  }
}

TEST(NotifyRules, end_whatever_the_facts) {
  // Asked again when it says, nothing else having changed, it comes to an end within three rounds.
  for (const auto attention : {Attention::online, Attention::away, Attention::offline})
    for (const auto quiet : {0h, 1h, 30h}) {
      NotifyFacts facts{.attention = attention, .at = kAt, .now = kAt};
      if (quiet > 0h) facts.quiet_until = kAt + quiet;
      int rounds = 0;
      for (auto ruling = rule(facts, kTimes); ruling.what == NotifyRuling::What::later;
           ruling = rule(facts, kTimes)) {
        ASSERT_GT(ruling.when, facts.now);
        facts.now = ruling.when;
        ASSERT_LT(++rounds, 4);
      }
    }
}

TEST(NotifyRules, large_rooms_default_to_mentions) {
  EXPECT_EQ(default_level(false, 500, NotifyLevel::all, 500), NotifyLevel::all);
  EXPECT_EQ(default_level(false, 501, NotifyLevel::all, 500), NotifyLevel::mentions);
  EXPECT_EQ(default_level(false, 501, NotifyLevel::none, 500), NotifyLevel::none);
  EXPECT_EQ(default_level(true, 2, NotifyLevel::none, 500), NotifyLevel::all);
}

}  // namespace
}  // namespace parley::backend
