#include <atomic>

#include "backend/requests/audit_trail.h"
#include "backend/requests/handlers.h"
#include "backend/requests/in_flight.h"
#include "backend/requests/make_dispatcher.h"
#include "backend/requests/worker_pool.h"

namespace parley::backend {
namespace {

wire::Failure busy() {
  return {wire::Code::unavailable, "The server is busy; try again later."};
}
wire::Failure stopping() {
  return {wire::Code::unavailable, "The server is stopping; try again later."};
}
wire::Failure unsettled() {
  return {wire::Code::in_doubt,
          "It is written down, but the broker has not confirmed that it is in force: look before "
          "you repeat it."};
}

class RequestDispatcher final : public Dispatcher {
 public:
  RequestDispatcher(Services services)
      : services_(std::move(services)),
        reads_(services_.options.read_threads, services_.options.read_queue),
        changes_(1, services_.options.change_queue) {}
  ~RequestDispatcher() override { stop(std::chrono::milliseconds(0)); }

  void submit(IncomingRequest incoming) override;
  void user_seen(const std::string& user) override;
  std::vector<QueueReading> queues() override {
    return {{"reads", reads_.waiting(), reads_.capacity()},
            {"changes", changes_.waiting(), changes_.capacity()}};
  }
  void stop(std::chrono::milliseconds deadline) override;

 private:
  using Pending = std::shared_ptr<PendingReply>;

  void turn_away(const IncomingRequest& incoming, const Pending& pending);
  void handle(const IncomingRequest& incoming, const Method* method, const Pending& pending);
  Outcome run(const wire::Request& request, const Method* method);
  void settle(Outcome outcome, const Pending& pending);
  void settle_change(Changed change, const Pending& pending);
  void create_seen(const std::string& user);

  Services services_;
  AuditTrail audit_;
  InFlight in_flight_;
  WorkerPool reads_;
  WorkerPool changes_;
  std::atomic<bool> stopping_ = false;
};

void RequestDispatcher::submit(IncomingRequest incoming) {
  auto pending = in_flight_.begin(std::move(incoming.respond));
  const auto* method = find_method(incoming.method);
  bool change = method && method->kind == MethodKind::change;
  auto request = std::make_shared<IncomingRequest>(std::move(incoming));
  auto taken = (change ? changes_ : reads_).push([this, request, method, pending] {
    handle(*request, method, pending);
  });
  if (!taken) turn_away(*request, pending);
}

// Parsed for its id alone: a client needs that to know what was turned away.
void RequestDispatcher::turn_away(const IncomingRequest& incoming, const Pending& pending) {
  auto request = wire::parse_request(incoming.user, incoming.method, incoming.payload);
  if (request) pending->begun(request->id);
  pending->answer(std::unexpected(stopping_ ? stopping() : busy()));
}

void RequestDispatcher::handle(const IncomingRequest& incoming, const Method* method,
                               const Pending& pending) {
  auto request = wire::parse_request(incoming.user, incoming.method, incoming.payload);
  if (!request) return pending->answer(std::unexpected(request.error()));
  pending->begun(request->id);
  settle(run(*request, method), pending);
}

Outcome RequestDispatcher::run(const wire::Request& request, const Method* method) {
  if (!method) return refuse(wire::Code::unknown_method);
  auto requester = services_.stores.users->find(request.user);
  if (!requester && requester.error().code == Errc::not_found) {
    return refuse(wire::Code::unavailable, "Your account is being made; try again in a moment.");
  }
  RequestContext context{request, requester.value_or(Account{}), services_};
  if (!requester) return refuse(context, requester.error());
  if (requester->disabled) return refuse(wire::Code::disabled);
  const auto& admit = services_.options.admit;
  if (admit && !requester->admin && !admit(requester->name)) return refuse(wire::Code::rate_limited);
  try {
    if (method->audited == Audited::no) return method->handler(context);
    context.act = AuditTrail::act_of(request);
    auto outcome = method->handler(context);
    audit_.ended(services_, *context.act, method->audited, outcome);
    return outcome;
  } catch (const std::exception& failure) {
    return refuse(context, Error{Errc::internal, failure.what()});
  }
}

void RequestDispatcher::settle(Outcome outcome, const Pending& pending) {
  if (!outcome) return pending->answer(std::unexpected(outcome.error()));
  if (auto* text = std::get_if<std::string>(&*outcome)) return pending->answer(*text);
  if (auto* change = std::get_if<Changed>(&*outcome)) return settle_change(std::move(*change), pending);
  std::get<Deferred>(*outcome).start([pending](const Reply& reply) { pending->answer(reply); });
}

// The change thread does not wait for the broker. Versions are announced in order, since changes are.
void RequestDispatcher::settle_change(Changed change, const Pending& pending) {
  if (change.committed) change.committed();
  if (change.version == 0) return pending->answer(change.result);
  auto version = change.version;
  services_.broker.directory_changed(version, [change = std::move(change), pending](const Result<>& done) {
    if (!done) return pending->answer(std::unexpected(unsettled()));
    pending->answer(change.result, change.in_force);
  });
}

void RequestDispatcher::user_seen(const std::string& user) {
  (void)changes_.push([this, user] { create_seen(user); });
}

void RequestDispatcher::create_seen(const std::string& user) {
  if (!wire::valid_name(user) || services_.stores.users->find(user)) return;
  auto made = services_.stores.users->create({.name = user, .title = "", .scram = ""});
  if (made) return services_.broker.directory_changed(made->version, [](const Result<>&) {});
  if (services_.options.log) {
    services_.options.log(LogLevel::warning, "no account for " + user + ": " + made.error().message);
  }
}

void RequestDispatcher::stop(std::chrono::milliseconds deadline) {
  auto until = std::chrono::steady_clock::now() + deadline;
  stopping_ = true;
  reads_.stop(until);
  changes_.stop(until);
  if (!in_flight_.wait_until_none(until)) in_flight_.abandon();
}

}  // namespace

std::unique_ptr<Dispatcher> make_dispatcher(Stores& stores, BrokerControl& broker, RoomEvents& events,
                                            Publisher& publisher, LivePresence& presence, const Clock& clock,
                                            DispatcherOptions options) {
  return std::make_unique<RequestDispatcher>(
      Services{stores, broker, events, publisher, presence, clock, std::move(options), clock.steady()});
}

}  // namespace parley::backend
