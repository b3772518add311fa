#pragma once
#include <algorithm>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "backend/requests/notify_desk.h"
#include "backend/store/notify_store.h"

namespace parley::backend {

// Notes what it is told, and tests as it was told to. Thread-safe but for what is set before.
class FakeNotifyDesk final : public NotifyDesk {
 public:
  std::vector<std::string> providers() const override { return in_use; }
  std::string webpush_key() const override { return key; }
  void test(const std::string& user, std::function<void(Result<std::vector<Tested>>)> done) override {
    note("test " + user);
    done(tested);
  }
  void jobs_ready() override { note("jobs ready"); }
  void forget(const std::string& user) override { note("forget " + user); }
  std::vector<std::string> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(told_, {});
  }

  std::vector<std::string> in_use{"apns", "email", "fcm", "stdout", "webpush"};
  std::string key = "BKey";
  Result<std::vector<Tested>> tested;

 private:
  void note(std::string what) {
    std::lock_guard lock(mutex_);
    told_.push_back(std::move(what));
  }
  std::mutex mutex_;
  std::vector<std::string> told_;
};

// The half of the outbox that administrators see, as it was set up; notes what was asked. For one request at a time.
class FakeDeliveries final : public NotifyDelivery {
 public:
  Result<std::vector<NotifyJob>> claim(const std::string&, const std::string&, std::uint32_t, WallTime,
                                       WallTime) override {
    return std::vector<NotifyJob>{};
  }
  Result<std::uint32_t> finish(const std::string&, std::span<const NotifyResult>, WallTime) override {
    return 0;
  }
  Result<bool> sweep(WallTime, WallTime, std::uint32_t) override { return false; }

  Result<std::vector<NotifyLogRow>> log(const NotifyLogQuery& query) override {
    asked = query;
    if (failure) return std::unexpected(*failure);
    return first(rows, query.limit);
  }
  Result<std::vector<DeadLetter>> dead(std::uint64_t after, std::uint32_t limit) override {
    if (failure) return std::unexpected(*failure);
    auto left = letters;
    std::erase_if(left, [&](const DeadLetter& one) { return one.id <= after; });
    return first(left, limit);
  }
  Result<std::uint32_t> retry_dead(std::span<const std::uint64_t> ids, WallTime) override {
    if (failure) return std::unexpected(*failure);
    const auto before = letters.size();
    std::erase_if(letters, [&](const DeadLetter& one) {
      return ids.empty() || std::ranges::find(ids, one.id) != ids.end();
    });
    return static_cast<std::uint32_t>(before - letters.size());
  }
  Result<std::vector<NotifyQueue>> queues() override {
    if (failure) return std::unexpected(*failure);
    return there;
  }

  std::vector<NotifyLogRow> rows;
  std::vector<DeadLetter> letters;
  std::vector<NotifyQueue> there;
  NotifyLogQuery asked;
  std::optional<Error> failure;

 private:
  template <class Row>
  static std::vector<Row> first(std::vector<Row> all, std::uint32_t limit) {
    if (all.size() > limit) all.resize(limit);
    return all;
  }
};

}  // namespace parley::backend
