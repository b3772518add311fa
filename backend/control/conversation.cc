#include "backend/control/conversation.h"

#include <algorithm>

#include "base/ids.h"
#include "wire/limits.h"
#include "wire/request.h"
#include "wire/topics.h"

namespace parley::backend {
namespace {

// What this backend can do about a failure the plugin answered.
Errc errc_of(const std::string& code) {
  if (code == wire::kVersionMismatch) return Errc::invalid_argument;
  switch (wire::parse_code(code).value_or(wire::Code::internal)) {
    case wire::Code::not_allowed:
      return Errc::permission_denied;
    case wire::Code::unavailable:
    case wire::Code::backlog_full:
    case wire::Code::rate_limited:
      return Errc::unavailable;
    case wire::Code::malformed:
    case wire::Code::too_large:
    case wire::Code::too_deep:
    case wire::Code::invalid_name:
    case wire::Code::invalid_argument:
      return Errc::invalid_argument;
    case wire::Code::not_found:
      return Errc::not_found;
    case wire::Code::already_exists:
      return Errc::already_exists;
    case wire::Code::timeout:
      return Errc::timeout;
    case wire::Code::in_doubt:
      return Errc::in_doubt;
    default:
      return Errc::internal;
  }
}

}  // namespace

Conversation::Conversation(Publisher& publisher, Metrics& metrics, std::size_t under_way_max)
    : publisher_(publisher),
      under_way_max_(under_way_max),
      sent_(metrics.counter("parley_control_commands_total", "Commands sent to the broker's plugin.")),
      timeouts_(
          metrics.counter("parley_control_timeouts_total", "Commands whose answer did not come in time.")),
      strays_(metrics.counter("parley_control_strays_total", "Answers nobody waited for (any more).")),
      prefix_(random_id(8) + "-") {}

void Conversation::send(std::uint64_t generation, CommandBody body, SteadyTime deadline, Done done) {
  if (waiting_.size() >= under_way_max_)
    return done(fail(Errc::unavailable, "Too many commands wait for the broker's answer."));
  const auto id = prefix_ + std::to_string(++last_);
  auto payload = wire::format_command({id, generation, std::move(body)});
  if (payload.size() > wire::kControlMax)
    return done(fail(Errc::invalid_argument, "The command is too large for one message."));
  if (auto sent =
          publisher_.publish({.topic = std::string(wire::kControlTopic), .payload = std::move(payload)});
      !sent)
    return done(std::unexpected(sent.error()));
  sent_.add();
  waiting_.emplace(id, Waiting{deadline, std::move(done)});
}

void Conversation::finish(std::map<std::string, Waiting>::iterator at, Result<nlohmann::json> result) {
  const auto done = std::move(at->second.done);
  waiting_.erase(at);
  done(std::move(result));
}

void Conversation::answer(std::string_view payload) {
  auto reply = wire::parse_reply(payload);
  const auto at = reply ? waiting_.find(reply->id) : waiting_.end();
  if (at == waiting_.end()) return strays_.add();
  if (reply->ok) return finish(at, std::move(reply->result));
  finish(at, fail(errc_of(reply->code), reply->message.empty() ? reply->code : reply->message));
}

void Conversation::expire(SteadyTime now) {
  for (;;) {
    const auto late = std::ranges::find_if(waiting_, [&](const auto& w) { return w.second.deadline <= now; });
    if (late == waiting_.end()) return;
    timeouts_.add();
    finish(late, fail(Errc::in_doubt, "The broker's plugin did not answer in time."));
  }
}

void Conversation::abandon(const std::string& why) {
  while (!waiting_.empty()) finish(waiting_.begin(), fail(Errc::in_doubt, "No answer came: " + why));
}

std::optional<SteadyTime> Conversation::next_deadline() const {
  if (waiting_.empty()) return std::nullopt;
  return std::ranges::min_element(waiting_, {}, [](const auto& w) { return w.second.deadline; })
      ->second.deadline;
}

}  // namespace parley::backend
