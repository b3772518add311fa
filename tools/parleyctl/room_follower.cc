#include "tools/parleyctl/room_follower.h"

#include <utility>

#include "wire/limits.h"

namespace parley::ctl {
namespace {

constexpr std::chrono::milliseconds kAskAgain{250};
constexpr std::chrono::seconds kGiveUp{10};
constexpr std::size_t kWaitingMax = 10'000;  // envelopes beyond a hole

std::uint64_t seq_of(const Json& envelope) {
  return envelope.value("seq", std::uint64_t{0});
}

}  // namespace

RoomFollower::RoomFollower(Requests& requests, std::string room, const Clock& clock, Events events)
    : requests_(requests), room_(std::move(room)), clock_(clock), events_(std::move(events)) {}

Outcome<> RoomFollower::start(std::optional<std::uint64_t> since) {
  auto newest = requests_.call("history", {{"room", room_}, {"limit", 1}});
  if (!newest) return std::unexpected(newest.error());
  epoch_ = newest->value("epoch", std::string{});
  last_ = since.value_or(newest->value("through", std::uint64_t{0}));
  return since ? read_after() : Outcome<>{};
}

void RoomFollower::live(Json envelope) {
  const auto seq = seq_of(envelope);
  if (seq == 0) return;
  same_epoch(envelope.value("epoch", std::string{}), seq - 1);
  if (seq <= last_) return;
  if (seq == last_ + 1) {
    give(envelope);
    return give_waiting();
  }
  if (waiting_.empty()) hole_since_ = clock_.steady();
  // Full: it is dropped here, and history has it when the hole is filled.
  if (waiting_.size() < kWaitingMax) waiting_.emplace(seq, std::move(envelope));
}

void RoomFollower::heal() {
  const auto now = clock_.steady();
  if ((waiting_.empty() && !missed_) || now - asked_ < kAskAgain) return;
  asked_ = now;
  const auto before = last_;
  const auto read = read_after();
  if (read) missed_ = false;
  give_waiting();
  if (last_ != before) hole_since_ = now;
  if (waiting_.empty() || now - hole_since_ < kGiveUp) return;
  const auto next = waiting_.begin()->first;
  events_.note("messages " + std::to_string(last_ + 1) + " to " + std::to_string(next - 1) +
               " can't be had just now" + (read ? "" : ": " + read.error().message));
  last_ = next - 1;
  hole_since_ = now;
  give_waiting();
}

// Every page of history above last_.
Outcome<> RoomFollower::read_after() {
  for (;;) {
    auto page =
        requests_.call("history", {{"room", room_}, {"after", last_}, {"limit", wire::kHistoryLimitMax}});
    if (!page) return std::unexpected(page.error());
    if (!same_epoch(page->value("epoch", std::string{}), page->value("through", std::uint64_t{0}))) return {};
    skip_expired(page->value("first_seq", std::uint64_t{1}));
    const auto before = last_;
    for (const auto& message : page->value("messages", Json::array())) {
      if (seq_of(message) > last_) give(message);
    }
    if (last_ == before || !page->value("more", false)) return {};
  }
}

// What has expired is no hole.
void RoomFollower::skip_expired(std::uint64_t first) {
  if (first <= last_ + 1) return;
  events_.note("messages " + std::to_string(last_ + 1) + " to " + std::to_string(first - 1) +
               " have expired");
  last_ = first - 1;
}

void RoomFollower::give(const Json& envelope) {
  last_ = seq_of(envelope);
  events_.message(envelope);
}

void RoomFollower::give_waiting() {
  while (!waiting_.empty() && waiting_.begin()->first <= last_ + 1) {
    auto next = waiting_.extract(waiting_.begin());
    if (next.key() > last_) give(next.mapped());
  }
}

// Numbers of another epoch mean other messages: forget what was known and go on behind `before`.
bool RoomFollower::same_epoch(const std::string& epoch, std::uint64_t before) {
  if (epoch.empty() || epoch == epoch_) return true;
  const bool first = epoch_.empty();
  epoch_ = epoch;
  if (first) return true;
  events_.note("the room's numbers begin anew (epoch " + epoch + "); going on from " +
               std::to_string(before + 1));
  waiting_.clear();
  last_ = before;
  return false;
}

}  // namespace parley::ctl
