#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "backend/control/broker_control.h"
#include "backend/feed/feed_consumer.h"
#include "backend/metrics/metrics.h"
#include "backend/mqtt/link.h"
#include "backend/store/directory_log.h"
#include "backend/store/message_store.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"

namespace parley::backend {

// Told when this backend becomes the broker's one consumer and when it ceases to be. Called on the control
// thread, in turn: feed_begins, ready, retired, feed_begins … (ready may be left out). Must not block.
class LeaseListener {
 public:
  virtual ~LeaseListener() = default;
  virtual void feed_begins(std::uint64_t generation,
                           std::uint64_t position) = 0;  // batches may come from now on
  virtual void ready() = 0;    // the plugin has the Directory, the feed runs, requests are subscribed to
  virtual void retired() = 0;  // no longer the consumer, or in doubt about it
};

struct ControlOptions {
  std::chrono::milliseconds answer_timeout{
      5'000};  // for each command; then it is in doubt and this backend attaches again
  std::chrono::milliseconds standby_retry{
      1'000};              // between two attempts to attach while another backend is attached
  BackoffOptions retry{};  // after a failure
  // Between two looks for changes nobody announced: one whose commit had no answer, one by another process.
  std::chrono::milliseconds look_again{5'000};
  std::size_t asked_max = 10'000;  // calls of BrokerControl waiting at once; more are answered unavailable
  std::uint32_t snapshot_part = 1'000;  // changes in one part of the whole Directory
};

// The backend's side of the control conversation (wire/control.h): attaches to the plugin, brings its
// Directory to the database's, opens the feed, subscribes to requests, and then carries Directory changes,
// entries and questions to it.
//
//   disconnected → attaching ⇄ standby (another backend is attached)
//                      ↓
//                synchronising: MessageStore::begin; epochs renewed when journal and store do not continue
//                each other; the whole Directory
//                      ↓          or the missing steps; entries not yet confirmed; feed.start; requests
//                    ready ──(connection lost → disconnected; an answer missing or refused → attaching;
//                    another one leads → drop the connection)
//
// Everything happens on one thread, which alone reads the database; the on_… functions and BrokerControl only
// put work before it.
class ControlLink final : public BrokerControl, public FeedAcks {
 public:
  enum class State { disconnected, attaching, standby, synchronising, ready };

  // All references must outlive stop().
  ControlLink(Link& link, MessageStore& store, DirectoryLog& directory, LeaseListener& lease,
              Metrics& metrics, const Clock& clock, const LogSink& log, const ControlOptions& options = {});
  ~ControlLink() override;

  void start();
  void stop();  // what waits is answered unavailable or in_doubt; nothing is called afterwards

  // From the Link. Never block.
  void on_connected();
  void on_lost(const std::string& reason);
  void on_answer(std::string payload);  // a message on $parley/control

  // Events were lost: have the plugin tell again what it tells on attach. Never blocks.
  void attach_again(const std::string& why);

  State state() const;
  // Why the last attempt to attach failed, in a sentence; "" while nothing is wrong. Thread-safe.
  std::string trouble() const;

  bool attached() const override;  // state is ready
  // Before it is ready, waits for the synchronisation under way, at most answer_timeout: then in_doubt.
  void directory_changed(std::uint64_t version, std::function<void(Result<>)> done) override;
  void append(std::vector<wire::AppendEntry> entries,
              std::function<void(Result<std::vector<std::uint64_t>>)> done) override;
  void kick(std::string user, std::string device, std::function<void(Result<std::uint32_t>)> done) override;
  void forget_device(std::string user, std::string device,
                     std::function<void(Result<std::uint32_t>)> done) override;
  void sessions(wire::Sessions query, std::function<void(Result<nlohmann::json>)> done) override;
  void administer(AdminCommand command, std::function<void(Result<nlohmann::json>)> done) override;
  void stats(std::function<void(Result<nlohmann::json>)> done) override;

  void acknowledge_feed(std::uint64_t generation, std::uint64_t offset) override;
  void give_up(std::uint64_t generation, const std::string& why) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string_view state_name(ControlLink::State state);

}  // namespace parley::backend
