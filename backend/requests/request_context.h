#pragma once
#include "backend/requests/make_dispatcher.h"
#include "backend/requests/outcome.h"

namespace parley::backend {

// What handlers work with. Shared by all requests; everything in it is thread-safe or constant.
struct Services {
  Stores& stores;
  BrokerControl& broker;
  RoomEvents& events;
  Publisher& publisher;
  LivePresence& presence;
  const Clock& clock;
  DispatcherOptions options;
  SteadyTime started;

  // Those of this moment.
  std::shared_ptr<const RequestRules> rules() const { return options.rules->get(); }
};

// One request and who asks; lives as long as its handler runs.
struct RequestContext {
  const wire::Request& request;
  const Account& requester;
  Services& services;
  std::optional<Act> act{};  // to go with whatever this request changes; none: it is no administrative one

  const std::string& user() const { return requester.name; }
  bool admin() const { return requester.admin; }
};

// The client's view of a store's or the broker's failure. What is our bug or damage is logged in full and
// told in one sentence.
std::unexpected<wire::Failure> refuse(const RequestContext& context, const Error& error);

// `given`, or the requester; `not_allowed` when it is somebody else and the requester no administrator.
std::expected<std::string, wire::Failure> oneself_or_admin(const RequestContext& context,
                                                           const std::optional<std::string>& given);
// Nothing, or `not_allowed`.
std::expected<void, wire::Failure> admin_only(const RequestContext& context);

// What the broker's plugin answered, as the reply to a request.
Reply reply_of(const Result<nlohmann::json>& answer);
// The command goes to the plugin, and its answer is the reply.
Deferred ask_broker(const RequestContext& context, AdminCommand command);

// Puts a notice into a user's inbox. Best effort: when the broker is away it is gone; the change it tells of
// is not.
void notify_inbox(Services& services, const std::string& user, const wire::Json& notice);

}  // namespace parley::backend
