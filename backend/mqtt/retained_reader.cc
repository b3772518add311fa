#include "backend/mqtt/retained_reader.h"

#include "wire/topics.h"

namespace parley::backend {

void RetainedReader::read(const std::string& filter, Done done) {
  {
    std::lock_guard lock(mutex_);
    if (!readings_.contains(filter)) readings_[filter].done = std::exchange(done, nullptr);
  }
  if (done) return done(fail(Errc::unavailable, "This is being read already."));
  link_.subscribe(filter, 0, [this, filter](const Result<>& granted) {
    if (!granted) finish(filter, granted);
  });
  fence_([this, filter](const Result<>& passed) { finish(filter, passed); });
}

bool RetainedReader::offer(const Incoming& message) {
  std::lock_guard lock(mutex_);
  bool taken = false;
  for (auto& [filter, reading] : readings_) {
    if (!wire::matches(filter, message.topic)) continue;
    taken = true;
    auto& payloads = reading.found.payloads;
    if (message.payload.empty())
      payloads.erase(message.topic);
    else if (payloads.size() < messages_max_ || payloads.contains(message.topic))
      payloads[message.topic] = message.payload;
    else
      reading.found.complete = false;
  }
  return taken;
}

void RetainedReader::finish(const std::string& filter, Result<> how) {
  std::unique_lock lock(mutex_);
  auto reading = readings_.extract(filter);
  lock.unlock();
  if (!reading) return;  // refused before
  link_.unsubscribe(filter);
  if (how)
    reading.mapped().done(std::move(reading.mapped().found));
  else
    reading.mapped().done(std::unexpected(how.error()));
}

}  // namespace parley::backend
