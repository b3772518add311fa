#include "plugin/broker/message_log.h"

#include "base/event_log.h"
#include "wire/content.h"

namespace parley::plugin {

std::string accepted_line(const Ulid& id, const LoggedMessage& message) {
  const auto text = format_ulid(id);
  const LogField fields[] = {
      {"id", std::string_view(text)}, {"room", message.room}, {"seq", message.seq}, {"from", message.user},
      {"device", message.device},     {"type", message.type}, {"ref", message.ref}};
  return event_line("message accepted", fields);
}

std::string repeated_line(const LoggedMessage& message) {
  const LogField fields[] = {{"room", message.room},
                             {"seq", message.seq},
                             {"from", message.user},
                             {"device", message.device},
                             {"ref", message.ref}};
  return event_line("message repeated", fields);
}

std::string refused_line(std::string_view user, const wire::Failure& failure, const Notices::About& about) {
  const auto ref = about.unread.empty() ? about.ref : wire::peek_ref(about.unread, about.unread.size());
  const LogField fields[] = {{"code", code_name(failure.code)},
                             {"from", user},
                             {"device", about.device},
                             {"room", about.room},
                             {"ref", std::string_view(ref)},
                             {"method", about.method},
                             {"request", std::string_view(about.id)},
                             {"reason", std::string_view(failure.message)}};
  return event_line("refused", fields);
}

}  // namespace parley::plugin
