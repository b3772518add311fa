#include "backend/requests/request_context.h"

#include "wire/topics.h"

namespace parley::backend {

std::unexpected<wire::Failure> refuse(const RequestContext& context, const Error& error) {
  auto code = wire::code_of(error.code);
  if (code != wire::Code::internal) return refuse(code, error.message);
  if (context.services.options.log) {
    context.services.options.log(LogLevel::error, context.request.method + " of " + context.request.user +
                                                      " failed (" + std::string(errc_name(error.code)) +
                                                      "): " + error.message);
  }
  return refuse(code);
}

std::expected<std::string, wire::Failure> oneself_or_admin(const RequestContext& context,
                                                           const std::optional<std::string>& given) {
  if (!given || *given == context.user()) return context.user();
  if (!context.admin())
    return refuse(wire::Code::not_allowed, "Only administrators may do this for another user.");
  return *given;
}

std::expected<void, wire::Failure> admin_only(const RequestContext& context) {
  if (context.admin()) return {};
  return refuse(wire::Code::not_allowed, "Only administrators may do this.");
}

Reply reply_of(const Result<nlohmann::json>& answer) {
  if (!answer) return refuse(wire::code_of(answer.error().code), answer.error().message);
  return answer->dump();
}

Deferred ask_broker(const RequestContext& context, AdminCommand command) {
  return Deferred{[&broker = context.services.broker, command = std::move(command)](auto reply) {
    broker.administer(command, [reply](const Result<nlohmann::json>& answer) { reply(reply_of(answer)); });
  }};
}

void notify_inbox(Services& services, const std::string& user, const wire::Json& notice) {
  (void)services.publisher.publish({.topic = wire::user_topic(wire::TopicKind::user_inbox, user),
                                    .payload = notice.dump(),
                                    .correlation_data = {}});
}

}  // namespace parley::backend
