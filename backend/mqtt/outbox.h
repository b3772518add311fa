#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "backend/mqtt/publisher.h"

namespace parley::backend {

// The messages of one connection on their way out: a bounded queue, from which one thread sends in order as
// long as fewer than a window are unacknowledged. (Paho C 1.3 left to itself stalls for up to a second each
// time the broker's Receive Maximum is reached.) What is told of an earlier connection's messages counts no
// more. Thread-safe.
class Outbox {
 public:
  explicit Outbox(std::uint32_t max) : max_(max) {}  // messages waiting and unacknowledged together

  void begin();                         // a connection is being made: end() counts from here on
  void open(std::uint32_t window);      // it was made
  void end(const std::string& reason);  // it ends: next() gives nothing more. The first reason stays
  std::string close();                  // forgets all messages; gives the reason

  bool push(Publication message);  // false: not open, or full

  struct Ticket {
    Publication message;
    std::uint64_t connection;
  };
  std::optional<Ticket> next();         // blocks until one can be sent; nullopt once end() was called
  void left(std::uint64_t connection);  // acknowledged, or given up

  bool is_open() const;
  std::uint32_t size() const;  // waiting and unacknowledged
  // Waits until there are none or it is not open. False when the deadline came first.
  bool wait_empty(std::chrono::milliseconds deadline);

 private:
  std::uint32_t size_locked() const { return static_cast<std::uint32_t>(waiting_.size()) + under_way_; }

  const std::uint32_t max_;
  mutable std::mutex mutex_;
  std::condition_variable sendable_, emptied_;
  std::deque<Publication> waiting_;
  std::uint32_t under_way_ = 0, window_ = 0;
  std::uint64_t connection_ = 0;
  bool open_ = false;
  std::string reason_;  // "" while the connection lasts
};

}  // namespace parley::backend
