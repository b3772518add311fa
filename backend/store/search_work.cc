#include "backend/store/search_work.h"

namespace parley::backend {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBusyFor{500};  // after messages were stored
constexpr int kRestsFor = 3;                        // as long as it worked, while busy

}  // namespace

SearchWork::SearchWork(FindRooms find, IndexSome index, std::chrono::milliseconds retry)
    : find_(std::move(find)),
      index_(std::move(index)),
      retry_(retry),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

SearchWork::~SearchWork() = default;

void SearchWork::stored(std::span<const wire::Record> records) {
  std::lock_guard lock(mutex_);
  busy_until_ = steady_clock::now() + kBusyFor;
  bool added = false;
  std::uint64_t newest = 0;
  for (const auto& record : records) {
    if (record.room_id == newest) continue;
    newest = record.room_id;
    if (!waiting_.insert(record.room_id).second) continue;
    rooms_.push_back(record.room_id);
    added = true;
  }
  if (added) changed_.notify_one();
}

void SearchWork::run(const std::stop_token& stop) {
  bool known = false;
  while (!stop.stop_requested()) {
    if (!known && !(known = find_rooms())) {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, retry_, [] { return false; });
      continue;
    }
    const auto room = next_room(stop);
    if (room == 0) continue;
    const auto began = steady_clock::now();
    const auto more = index_(room);
    if (!more || *more) put_back(room);
    if (!more) {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, retry_, [] { return false; });
    } else {
      rest(stop, steady_clock::now() - began);
    }
  }
}

bool SearchWork::find_rooms() {
  auto found = find_();
  if (!found) return false;
  for (const auto room : *found) put_back(room);
  return true;
}

std::uint64_t SearchWork::next_room(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [this] { return !rooms_.empty(); })) return 0;
  const auto room = rooms_.front();
  rooms_.pop_front();
  waiting_.erase(room);
  return room;
}

void SearchWork::put_back(std::uint64_t room_id) {
  std::lock_guard lock(mutex_);
  if (waiting_.insert(room_id).second) rooms_.push_back(room_id);
}

void SearchWork::rest(const std::stop_token& stop, steady_clock::duration worked) {
  std::unique_lock lock(mutex_);
  if (steady_clock::now() < busy_until_)
    changed_.wait_for(lock, stop, kRestsFor * worked, [] { return false; });
}

}  // namespace parley::backend
