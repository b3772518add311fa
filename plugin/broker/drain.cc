#include "plugin/broker/drain.h"

#include "wire/request.h"
#include "wire/topics.h"

namespace parley::plugin {

void Drain::obey(const wire::Drain& plan) {
  plan_ = plan;
  began_ = core_.clock.steady();
  clients_.clear();
  told_ = moved_ = 0;
  stopped_ = false;
  if (core_.draining != plan.on) core_.backend.tell({.event = plan.on ? "draining" : "drain.ended"});
  core_.draining = plan.on;
  if (!plan.on) return core_.log(LogLevel::warning, "clients are not moved off any more");
  core_.sessions.for_each([this](const Session& s) {
    if (!core_.stays(s)) clients_.push_back({s.key, s.number});
  });
  core_.log(LogLevel::warning, "moving " + std::to_string(clients_.size()) + " clients off, over " +
                                   std::to_string(plan.over_s) + " s; nobody else is let in");
}

std::size_t Drain::left() const {
  std::size_t left = 0;
  if (core_.draining) core_.sessions.for_each([&](const Session& s) { left += !core_.stays(s); });
  return left;
}

const Session* Drain::still_there(const Client& client) const {
  const Session* session = core_.sessions.find(client.key);
  return session && session->number == client.session ? session : nullptr;
}

// How many of the clients: all of them at the end of the time.
std::size_t Drain::due(SteadyTime since, SteadyTime now) const {
  if (now < since) return 0;
  const double over = std::max(plan_.over_s, 1u);
  const double part = std::chrono::duration<double>(now - since).count() / over;
  return part >= 1 ? clients_.size() : static_cast<std::size_t>(part * static_cast<double>(clients_.size()));
}

void Drain::tick() {
  if (!core_.draining) return;
  const auto now = core_.clock.steady();
  const auto until = [&](SteadyTime since, std::size_t done) {
    return std::min(due(since, now), done + kPerTick);
  };
  for (const auto end = until(began_, told_); told_ < end; ++told_)
    if (const Session* session = still_there(clients_[told_])) {
      const auto topic = wire::user_topic(wire::TopicKind::user_inbox, session->user);
      core_.broker.publish_to(session->device.c_str(), topic.c_str(),
                              wire::format_moving(plan_.server, kNoticeAhead.count()), 1);
    }
  for (const auto end = until(began_ + kNoticeAhead, moved_); moved_ < end; ++moved_)
    if (const Session* session = still_there(clients_[moved_])) core_.sessions.kick_later(session->key);
  if (!plan_.stop || stopped_ || moved_ < clients_.size() || left() > 0) return;
  stopped_ = true;
  core_.log(LogLevel::warning, "nobody is left: the broker stops");
  core_.broker.stop();
}

}  // namespace parley::plugin
