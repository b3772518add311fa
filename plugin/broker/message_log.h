#pragma once
#include <string>
#include <string_view>

#include "base/ids.h"
#include "plugin/broker/notices.h"
#include "wire/request.h"

// The lines that follow one message through the broker's log, as base/event_log.h has them. Only made when log_level is debug. Pure.
namespace parley::plugin {

struct LoggedMessage {
  std::string_view room, user, device, type, ref;
  std::uint64_t seq = 0;
};
// "message accepted id=01M8… room=lab seq=17 from=alice device=phone type=text ref=a1": the id its envelope has.
std::string accepted_line(const Ulid& id, const LoggedMessage& message);
// "message repeated room=lab seq=17 …": a retry of what was accepted before.
std::string repeated_line(const LoggedMessage& message);
// "refused code=muted from=alice device=phone room=lab ref=a1 reason=\"…\"": a message or request.
std::string refused_line(std::string_view user, const wire::Failure& failure, const Notices::About& about);

}  // namespace parley::plugin
