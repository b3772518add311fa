#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/config/config.h"
#include "backend/notify/composer.h"
#include "backend/notify/courier.h"
#include "backend/notify/planner.h"
#include "backend/notify/provider.h"
#include "backend/requests/notify_desk.h"
#include "backend/state/step_thread.h"
#include "base/dependency.h"

namespace parley::backend {

// All of notifying, put together: one planner, a courier for each provider in use, and a housekeeper that trims the log and reads the
// queues for /metrics. Without a provider nothing of it runs. Thread-safe.
class NotifyOffice final : public NotifyDesk {
 public:
  // All references must outlive it. `webpush_key`: as NotifyDesk's.
  NotifyOffice(const Config::Notify& config, std::vector<std::unique_ptr<Provider>> providers,
               std::string webpush_key, Stores& stores,
               std::function<std::optional<Attention>(const std::string&)> attention, Metrics& metrics,
               const Clock& clock, LogSink log, AttemptMade attempt_made = {}, const EventLog& events = {});
  ~NotifyOffice() override { stop(); }

  void start();
  void stop();  // what is under way ends
  void activate();
  void deactivate();

  RoomEvents& room_events() { return planner_; }
  std::vector<Dependency> dependencies() const;

  std::vector<std::string> providers() const override;
  std::string webpush_key() const override { return webpush_key_; }
  void test(const std::string& user, std::function<void(Result<std::vector<Tested>>)> done) override;
  void jobs_ready() override;
  void forget(const std::string&) override {}

 private:
  std::optional<SteadyTime> keep_house();
  void show_queues();
  Courier* courier(const std::string& provider) const;

  Stores& stores_;
  Metrics& metrics_;
  const Clock& clock_;
  const LogSink log_;
  const std::string webpush_key_;
  const std::chrono::hours kept_;
  const Composer composer_;
  std::vector<std::unique_ptr<Courier>> couriers_;
  Planner planner_;
  SteadyTime show_at_{}, sweep_at_{};
  StepThread house_;
};

}  // namespace parley::backend
