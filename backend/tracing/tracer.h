#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "backend/tracing/span.h"
#include "base/log.h"
#include "wire/record.h"
#include "wire/trace.h"

namespace parley::backend {

// Follows traced messages through the backend. The plugin tells of each ahead of the feed batch that holds it; what happens to it then
// becomes spans below the broker's own:
//
//   publish lab                 the broker: looked at, numbered, journaled, queued for its readers
//   ├─ store                    parleyd: in the transaction that stored it
//   └─ notify fcm               parleyd: one for each notification that showed it
//
// Remembers the last kKept traced messages; what comes later of older ones is not traced. Thread-safe; never blocks. A null sink: nothing is
// traced, at the cost of a load.
class Tracer {
 public:
  static constexpr std::size_t kKept = 10'000;
  using Sink = std::function<void(Span)>;

  Tracer(Sink sink, LogSink log) : sink_(std::move(sink)), log_(std::move(log)) {}

  // The payload of a message on $parley/trace.
  void message(std::string_view payload);
  // Around a transaction, by the thread that stores.
  void storing() {
    if (active()) storing_since_us_ = wire::trace_time_us();
  }
  void stored(std::span<const wire::Record> records);
  // A notification that shows this message was sent, or not: `error` says why.
  void notified(std::uint64_t room_id, std::uint64_t seq, const std::string& provider,
                std::chrono::milliseconds took, const std::string& error);

 private:
  struct Traced {
    std::string trace_id, span_id;
  };
  using Key = std::pair<std::uint64_t, std::uint64_t>;  // room, seq

  bool active() const { return sink_ && followed_.load(std::memory_order_relaxed) > 0; }
  std::optional<Traced> find(const Key& key) const;

  const Sink sink_;
  const LogSink log_;
  std::int64_t storing_since_us_ = 0;  // of the thread that stores

  mutable std::mutex mutex_;
  std::map<Key, Traced> traced_;
  std::deque<Key> order_;  // oldest first
  std::atomic<std::size_t> followed_{0};
};

}  // namespace parley::backend
