#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "backend/notify/notification.h"
#include "backend/notify/rules.h"
#include "backend/store/stores.h"
#include "base/result.h"

namespace parley::backend {

// What a job has to say at this moment.
struct Composed {
  std::optional<Notification> notification{};  // nullopt: nothing (any more)
  std::string reason{};                        // of nothing: one word, as `read`
  std::uint64_t shown_seq = 0;                 // the message it shows
  std::string message{};                       // its id; "" of a digest
};

// Makes a notification from what the store knows now: edits are followed, deleted messages and those of blocked senders passed over,
// what has been read meanwhile is left out. Each attempt at one notice tells of the same range (NotifyJob::notice_seq), so that a receiver that knows the notice
// already has missed nothing. Thread-safe; calls block on the database.
class Composer {
 public:
  Composer(Stores& stores, ContentPolicy policy, std::chrono::milliseconds max_age, DefaultLevels levels = {})
      : stores_(stores), policy_(policy), max_age_(max_age), levels_(levels) {}

  Result<Composed> compose(const NotifyJob& job) const;

  // For trying a target out.
  Notification test(const std::string& user, WallTime now) const;

 private:
  struct Message {
    std::uint64_t seq = 0;
    WallTime at{};
    std::string from, type, text, id;
    bool deleted = false, edited = false;
  };

  Result<Composed> of_room(const NotifyJob& job) const;
  Result<Composed> digest(const NotifyJob& job) const;
  Result<Composed> changed(const NotifyJob& job, const Room& room) const;
  Result<std::optional<NotifyCandidate>> reader(const NotifyJob& job) const;
  Result<std::optional<Message>> newest(const Room& room, const std::string& reader, std::uint64_t above,
                                        std::uint64_t upto) const;
  Result<std::vector<Message>> messages(const Room& room, std::uint64_t upto, std::uint32_t limit) const;
  Result<> count(const NotifyJob& job, Notification& notification) const;
  Notification begin(const NotifyJob& job, const Room& room, const Message& message) const;
  Composed finish(Notification notification, std::uint64_t shown_seq) const;

  Stores& stores_;
  const ContentPolicy policy_;
  const std::chrono::milliseconds max_age_;
  const DefaultLevels levels_;
};

}  // namespace parley::backend
