#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <stop_token>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "wire/record.h"

namespace parley::backend {

// Puts stored messages into a full-text index on a thread of its own, room by room, a little at a time. While messages come in it
// works for at most a quarter of the time, so that storing hardly feels it; otherwise without a pause. It begins with whatever an
// earlier process left. After an error it waits for `retry`. Thread-safe.
class SearchWork {
 public:
  // The rooms that have entries the index has not looked at.
  using FindRooms = std::function<Result<std::vector<std::uint64_t>>()>;
  // Some entries of a room, in a transaction of its own; false: it has no more.
  using IndexSome = std::function<Result<bool>(std::uint64_t room_id)>;

  SearchWork(FindRooms find, IndexSome index, std::chrono::milliseconds retry);
  ~SearchWork();  // after the transaction under way

  // Does not block.
  void stored(std::span<const wire::Record> records);

 private:
  void run(const std::stop_token& stop);
  bool find_rooms();
  // 0: there is none, or the wait was ended.
  std::uint64_t next_room(const std::stop_token& stop);
  void put_back(std::uint64_t room_id);
  void rest(const std::stop_token& stop, std::chrono::steady_clock::duration worked);

  FindRooms find_;
  IndexSome index_;
  const std::chrono::milliseconds retry_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::uint64_t> rooms_;
  std::unordered_set<std::uint64_t> waiting_;  // what is in rooms_
  std::chrono::steady_clock::time_point busy_until_{};
  std::jthread thread_;
};

}  // namespace parley::backend
