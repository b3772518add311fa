#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backend/control/broker_control.h"
#include "backend/mqtt/publisher.h"
#include "backend/requests/live_presence.h"
#include "backend/requests/room_events.h"

namespace parley::backend {

// A broker that notes what it is asked. It does as asked at once, unless it was told to fail, or to hold
// Directory changes back.
// Thread-safe.
class FakeBrokerControl final : public BrokerControl {
 public:
  using Done = std::function<void(Result<>)>;

  bool attached() const override { return !failure_; }

  void directory_changed(std::uint64_t version, Done done) override {
    std::unique_lock lock(mutex_);
    versions_.push_back(version);
    if (holding_) {
      held_.push_back(std::move(done));
      return;
    }
    auto answer = answer_of_a_change();
    lock.unlock();
    done(answer);
  }
  void append(std::vector<wire::AppendEntry> entries,
              std::function<void(Result<std::vector<std::uint64_t>>)> done) override {
    std::unique_lock lock(mutex_);
    if (failure_) return done(std::unexpected(*failure_));
    std::vector<std::uint64_t> seqs;
    for (auto& entry : entries) {
      seqs.push_back(full_ ? 0 : seqs.size() + 1);
      appended_.push_back(std::move(entry));
    }
    lock.unlock();
    done(std::move(seqs));
  }
  void kick(std::string user, std::string device, std::function<void(Result<std::uint32_t>)> done) override {
    std::unique_lock lock(mutex_);
    if (failure_) return done(std::unexpected(*failure_));
    kicked_.emplace_back(std::move(user), std::move(device));
    lock.unlock();
    done(2u);
  }
  void forget_device(std::string user, std::string device,
                     std::function<void(Result<std::uint32_t>)> done) override {
    std::unique_lock lock(mutex_);
    if (failure_) return done(std::unexpected(*failure_));
    forgotten_.emplace_back(std::move(user), std::move(device));
    lock.unlock();
    done(1u);
  }
  void sessions(wire::Sessions query, std::function<void(Result<nlohmann::json>)> done) override {
    std::unique_lock lock(mutex_);
    if (failure_) return done(std::unexpected(*failure_));
    session_queries_.push_back(query);
    lock.unlock();
    done(nlohmann::json{{"sessions", {{{"user", "bob"}, {"device", "bob-phone"}}}}, {"more", false}});
  }
  void administer(AdminCommand command, std::function<void(Result<nlohmann::json>)> done) override {
    std::unique_lock lock(mutex_);
    if (failure_) return done(std::unexpected(*failure_));
    admin_commands_.push_back(command);
    lock.unlock();
    done(std::visit(AdminAnswer{}, command));
  }
  void stats(std::function<void(Result<nlohmann::json>)> done) override {
    if (failure_) return done(std::unexpected(*failure_));
    done(stats_);
  }

  void answer_stats(nlohmann::json stats) { stats_ = std::move(stats); }

  // What was asked. For use while nothing is under way.
  const std::vector<std::uint64_t>& versions() const { return versions_; }
  const std::vector<wire::AppendEntry>& appended() const { return appended_; }
  const std::vector<std::pair<std::string, std::string>>& kicked() const { return kicked_; }
  const std::vector<std::pair<std::string, std::string>>& forgotten() const { return forgotten_; }
  const std::vector<wire::Sessions>& session_queries() const { return session_queries_; }
  const std::vector<AdminCommand>& admin_commands() const { return admin_commands_; }
  // The last of them, which has to be of this kind.
  template <class Command>
  const Command& last_admin_command() const {
    return std::get<Command>(admin_commands_.back());
  }

  void fail_with(std::optional<Error> failure) { failure_ = std::move(failure); }
  void be_full() { full_ = true; }
  void hold() {
    std::lock_guard lock(mutex_);
    holding_ = true;
  }
  std::size_t held() {
    std::lock_guard lock(mutex_);
    return held_.size();
  }
  void let_go() {
    std::vector<Done> held;
    {
      std::lock_guard lock(mutex_);
      holding_ = false;
      held = std::move(held_);
    }
    for (auto& done : held) done(answer_of_a_change());
  }

 private:
  struct AdminAnswer {
    using Json = nlohmann::json;
    Json bans() const { return {{"bans", Json::array()}, {"more", false}}; }
    Json operator()(const wire::BanAdd&) const { return bans(); }
    Json operator()(const wire::BanRemove&) const { return bans(); }
    Json operator()(const wire::BanList&) const { return bans(); }
    Json operator()(const wire::Drain& plan) const { return {{"draining", plan.on}, {"left", 3}}; }
    Json operator()(const wire::JwtRevoke&) const { return {{"kicked", 1}}; }
    Json operator()(const wire::JwtRevoked&) const {
      return {{"revoked", {{{"key", "jti:a"}, {"jti", "a"}, {"until", 17}}}}, {"more", false}};
    }
  };

  nlohmann::json stats_{{"counters", {{"accepted", 7}}}, {"gauges", nlohmann::json::object()}};
  Result<> answer_of_a_change() const {
    if (failure_) return std::unexpected(*failure_);
    return {};
  }

  std::mutex mutex_;
  std::vector<std::uint64_t> versions_;
  std::vector<wire::AppendEntry> appended_;
  std::vector<std::pair<std::string, std::string>> kicked_;
  std::vector<std::pair<std::string, std::string>> forgotten_;
  std::vector<wire::Sessions> session_queries_;
  std::vector<AdminCommand> admin_commands_;
  std::vector<Done> held_;
  std::optional<Error> failure_;
  bool holding_ = false;
  bool full_ = false;
};

// Notes what is published. Thread-safe.
class FakePublisher final : public Publisher {
 public:
  Result<> publish(Publication message) override {
    std::lock_guard lock(mutex_);
    published_.push_back(std::move(message));
    return {};
  }
  std::vector<Publication> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(published_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Publication> published_;
};

// Notes who became invisible ("alice") and who no more ("alice -"). Thread-safe.
class FakeLivePresence final : public LivePresence {
 public:
  std::vector<LiveDevice> devices(const std::string& user) override {
    std::lock_guard lock(mutex_);
    return devices_[user];
  }
  void invisible_changed(const std::string& user, bool invisible) override {
    std::lock_guard lock(mutex_);
    changes_.push_back(user + (invisible ? "" : " -"));
  }
  std::vector<DeviceSeen> forget_device(const std::string& user, const std::string& device) override {
    std::lock_guard lock(mutex_);
    changes_.push_back(user + " forgets " + device);
    return std::exchange(unwritten, {});
  }
  std::vector<DeviceSeen> unwritten;
  void set_devices(const std::string& user, std::vector<LiveDevice> devices) {
    std::lock_guard lock(mutex_);
    devices_[user] = std::move(devices);
  }
  std::vector<std::string> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(changes_, {});
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<LiveDevice>> devices_;
  std::vector<std::string> changes_;
};

// Notes what was told, as "changed 17" and "deleted 17 lab". Thread-safe.
class FakeRoomEvents final : public RoomEvents {
 public:
  void room_changed(std::uint64_t room_id) override { note("changed " + std::to_string(room_id)); }
  void room_deleted(std::uint64_t room_id, const std::string& name) override {
    note("deleted " + std::to_string(room_id) + " " + name);
  }
  void messages_stored(std::uint64_t, std::uint64_t) override {}
  std::vector<std::string> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
  }

 private:
  void note(std::string event) {
    std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  std::mutex mutex_;
  std::vector<std::string> events_;
};

}  // namespace parley::backend
