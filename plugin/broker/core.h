#pragma once
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "plugin/auth/client_ids.h"
#include "plugin/auth/jwt_revocations.h"
#include "plugin/broker/backend_link.h"
#include "plugin/broker/broker_api.h"
#include "plugin/broker/counters.h"
#include "plugin/broker/message_log.h"
#include "plugin/broker/notices.h"
#include "plugin/broker/options.h"
#include "plugin/broker/sessions.h"
#include "plugin/directory/durable_directory.h"
#include "plugin/feed/feed.h"
#include "plugin/journal/sequencer.h"
#include "plugin/limits/admission.h"
#include "plugin/limits/bans.h"
#include "plugin/limits/receipt_marks.h"
#include "plugin/limits/send_pace.h"
#include "wire/content.h"
#include "wire/topics.h"

namespace parley::plugin {

AdmissionOptions admission_options(const Options& options);

// What the parts of the plugin share: opened once, in Parley::open, and handed to each part by reference. For the broker's thread.
struct Core {
  Core(Options given, BrokerApi& api, const Clock& time)
      : options(std::move(given)),
        broker(api),
        clock(time),
        user_rate({options.user_rate, options.user_burst}),
        typing_rate({options.typing_rate, options.typing_burst}),
        room_rate({options.room_rate, options.room_burst}),
        last_session(static_cast<std::uint64_t>(to_ms(time.wall())) * 1000) {}

  Options options;  // changed by SIGHUP alone: Parley::reload
  BrokerApi& broker;
  const Clock& clock;
  Counters counters;
  Sessions sessions;
  bool draining = false;  // drain.h
  std::unique_ptr<DurableDirectory> directory;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Sequencer> sequencer;
  std::unique_ptr<Feed> feed;
  std::unique_ptr<ClientIds> client_ids;
  std::unique_ptr<Bans> bans;
  std::unique_ptr<Admission> admission;
  std::unique_ptr<JwtRevocations> revoked_jwts;
  BackendLink backend{broker, counters};
  Notices notices{broker, counters};
  RateLimiter<std::string> user_rate, typing_rate;  // by user name
  RateLimiter<std::uint64_t> room_rate;             // by room id
  ReceiptMarks receipts;
  SendPace pace;
  std::uint64_t
      last_session;  // number; begins where no earlier start of this broker came to, below a million logins a second

  // Whom a drain (drain.h) leaves alone.
  bool stays(const Session& session) const {
    if (session.backend) return true;
    const auto user = live().find_user(session.user);
    return user && user->admin;
  }

  bool logs(LogLevel level) const { return level >= options.log_level; }
  void log(LogLevel level, std::string_view line) {
    if (logs(level)) broker.log(level, line);
  }
  const Directory& live() const { return directory->live(); }

  // Charges one publish to its user.
  bool charge(std::string_view user) { return user_rate.try_take(user, clock.steady()); }
  // What a notice says of a publish that was refused unread.
  Notices::About about(const wire::Topic& topic, std::string_view payload, std::string_view device) const {
    const bool message = topic.kind == wire::TopicKind::room_send;
    return {.room = topic.room,
            .unread = message ? payload.substr(0, options.max_content_bytes) : std::string_view(),
            .method = topic.method,
            .device = device};
  }
  // Tells the sender, counts, and gives false: what the callback answers.
  bool refuse(std::string_view user, const wire::Failure& failure, const Notices::About& about) {
    ++counters.refused_with(failure.code);
    if (logs(LogLevel::debug)) log(LogLevel::debug, refused_line(user, failure, about));
    if (!user.empty()) notices.refused(user, failure, about, clock.steady());
    return false;
  }
};

}  // namespace parley::plugin
