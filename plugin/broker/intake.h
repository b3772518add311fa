#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/broker/core.h"
#include "plugin/broker/logins.h"
#include "wire/topics.h"
#include "wire/trace.h"

namespace parley::plugin {

// The MQTT 5 properties that mean something to the broker.
struct Properties {
  std::string content_type, response_topic, ref, traceparent;
};

// What was published and may be: charges it, numbers room messages, hands requests on. The write check came just before, in the same call of the broker.
// For the broker's thread.
class Intake {
 public:
  using ReadProperties = std::function<Properties()>;  // asked only where it matters

  Intake(Core& core, Logins& logins) : core_(core), logins_(logins) {}

  // False: refused, and the sender told. `retain` may be taken away, and `payload_after` may get what is to go on in the payload's place.
  bool message(const Client& client, std::string_view topic, std::string_view payload,
               const ReadProperties& properties, bool& retain, std::string& payload_after);
  // An entry of the backend (joins, imports): its seq, 0 where it can't be taken now; of a room that is gone: nothing, as 0 in `gone`.
  struct Appended {
    std::uint64_t seq = 0;
    wire::Code refused = wire::Code::internal;  // when seq is 0 and not gone
    bool gone = false;
  };
  Appended append(const wire::AppendEntry& entry);

 private:
  bool room_message(std::string_view user, std::string_view device, std::string_view room,
                    std::string_view payload, const ReadProperties& properties, int protocol);
  bool request(const Session& session, const wire::Topic& topic, std::string_view payload,
               const ReadProperties& properties, std::string& payload_after);
  std::string why_unanswered(std::string_view user) const;
  // One publish above its user's rate; whoever goes on regardless is put out for a while.
  void note_above_rate(Session& session);
  // Muted, too much said in the room, or too soon in a room in slow mode.
  std::optional<wire::Failure> held_back(const UserView& user, const RoomView& room, wire::Role role,
                                         std::chrono::seconds& wait);
  void deliver(std::string_view room, const Accepted& accepted);
  // Whether this message's way is told to the backend, as part of which trace.
  std::optional<wire::TraceParent> begin_trace(const Properties& properties);
  void tell_trace(const wire::TraceParent& parent, const RoomView& room, const Accepted& accepted,
                  std::int64_t begin_us);

  Core& core_;
  Logins& logins_;
  std::string topic_;  // reused
  TokenBucket traces_;
};

}  // namespace parley::plugin
