#include "backend/store/deleted_room_purge.h"

namespace parley::backend {

DeletedRoomPurge::DeletedRoomPurge(std::function<Result<bool>()> some, std::chrono::milliseconds retry)
    : some_(std::move(some)), retry_(retry), thread_([this](const std::stop_token& stop) { run(stop); }) {}

DeletedRoomPurge::~DeletedRoomPurge() = default;

void DeletedRoomPurge::wake() {
  {
    std::lock_guard lock(mutex_);
    work_ = true;
  }
  woken_.notify_one();
}

void DeletedRoomPurge::run(const std::stop_token& stop) {
  bool failed = false;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      auto woken = [&] { return work_; };
      if (failed)
        woken_.wait_for(lock, stop, retry_, woken);
      else
        woken_.wait(lock, stop, woken);
      work_ = false;
    }
    Result<bool> more = true;
    while (more && *more && !stop.stop_requested()) more = some_();
    failed = !more;
  }
}

}  // namespace parley::backend
