#include "backend/requests/in_flight.h"

#include <utility>
#include <vector>

namespace parley::backend {
namespace {

std::string format(const std::string& id, const Reply& reply) {
  return reply ? wire::format_raw_reply(id, *reply) : wire::format_failure(id, reply.error());
}

}  // namespace

void PendingReply::begun(const std::string& id) {
  std::lock_guard lock(mutex_);
  id_ = id;
  begun_ = true;
}

void PendingReply::abandon() {
  bool begun = false;
  {
    std::lock_guard lock(mutex_);
    begun = begun_;
  }
  if (!begun) return answer(refuse(wire::Code::unavailable, "The server is stopping; try again later."));
  answer(refuse(wire::Code::in_doubt,
                "The server stopped while this was being done: look before you repeat it."));
}

// The lock is held throughout, so that abandon() returns only when an answer under way has done with the
// world.
void PendingReply::answer(const Reply& reply, const std::function<void()>& first) {
  std::lock_guard lock(mutex_);
  auto respond = std::exchange(respond_, nullptr);
  if (!respond) return;
  if (first) first();
  respond(format(id_, reply));
  all_.ended(this);
}

std::shared_ptr<PendingReply> InFlight::begin(std::function<void(std::string)> respond) {
  auto pending = std::make_shared<PendingReply>(*this, std::move(respond));
  std::lock_guard lock(mutex_);
  pending_.emplace(pending.get(), pending);
  return pending;
}

bool InFlight::wait_until_none(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return none_.wait_until(lock, deadline, [&] { return pending_.empty(); });
}

void InFlight::abandon() {
  std::vector<std::shared_ptr<PendingReply>> left;
  {
    std::lock_guard lock(mutex_);
    for (auto& [key, pending] : pending_) left.push_back(pending);
  }
  for (auto& pending : left) pending->abandon();
}

// Notifies under the lock: once the last one has ended, this object may go.
void InFlight::ended(PendingReply* pending) {
  std::lock_guard lock(mutex_);
  pending_.erase(pending);
  none_.notify_all();
}

}  // namespace parley::backend
