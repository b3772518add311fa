#include "backend/app/router.h"

#include <ranges>

#include "wire/content.h"
#include "wire/control.h"
#include "wire/request.h"
#include "wire/trace.h"

namespace parley::backend {
namespace {

// A failure is short; a longer reply is a page of something and need not be parsed to know that it is one.
constexpr std::size_t kFailureMax = 4096;

std::string reply_topic(const std::string& user, const std::string& wanted) {
  const auto topic = wire::parse_topic(wanted);
  if (topic.kind == wire::TopicKind::user_reply && topic.user == user) return wanted;
  return wire::user_topic(wire::TopicKind::user_reply, user);
}

}  // namespace

std::string reply_code(const std::string& reply) {
  if (reply.size() > kFailureMax) return "ok";
  const auto parsed = wire::parse_reply(reply);
  if (!parsed) return "internal";
  if (parsed->ok) return "ok";
  return wire::parse_code(parsed->code) ? parsed->code : "internal";
}

Router::Router(Routes routes, Dispatcher& dispatcher, Publisher& publisher, Metrics& metrics,
               const Clock& clock, LogSink log)
    : routes_(std::move(routes)),
      dispatcher_(dispatcher),
      publisher_(publisher),
      metrics_(metrics),
      clock_(clock),
      log_(std::move(log)),
      lost_replies_(metrics.counter("parley_replies_lost_total",
                                    "Replies that could not be sent: no connection, or too much waiting.")),
      strays_(metrics.counter("parley_mqtt_strays_total",
                              "Messages on topics this backend does not listen to.")) {}

void Router::on_message(Incoming message) {
  if (message.topic == wire::kFeedTopic) return routes_.feed(std::move(message.payload));
  if (message.topic == wire::kControlReplyTopic) return routes_.answer(std::move(message.payload));
  if (message.topic == wire::kEventsTopic) return events(message.payload);
  if (message.topic == wire::kTraceTopic) return routes_.trace(message.payload);
  const auto topic = wire::parse_topic(message.topic);
  if (topic.kind == wire::TopicKind::room_receipts) return receipt(topic, message);
  if (topic.kind == wire::TopicKind::device_status)
    return routes_.device_status(std::string(topic.user), std::string(topic.device), message.payload);
  if (topic.kind == wire::TopicKind::room_presence && routes_.retained(message)) return;
  // A retained request would be one from before this backend: nobody waits for its reply.
  if (topic.kind != wire::TopicKind::user_request || message.retained) return strays_.add();
  request(topic, std::move(message));
}

void Router::request(const wire::Topic& topic, Incoming message) {
  const std::string user(topic.user), method(topic.method);
  dispatcher_.submit({.user = user,
                      .method = method,
                      .payload = std::move(message.payload),
                      .respond = [this, method, to = reply_topic(user, message.response_topic),
                                  correlation = std::move(message.correlation_data),
                                  begun = clock_.steady()](std::string payload) {
                        count(method, payload, begun);
                        reply(to, correlation, std::move(payload));
                      }});
}

// What does not parse never passed the broker's own check.
void Router::receipt(const wire::Topic& topic, const Incoming& message) {
  const auto receipts = wire::parse_receipts(message.payload);
  if (!receipts || message.retained) return strays_.add();
  routes_.receipt(std::string(topic.room), std::string(topic.user),
                  {.received = receipts->received, .read = receipts->read});
}

void Router::reply(const std::string& topic, const std::string& correlation, std::string payload) {
  if (publisher_.publish({.topic = topic,
                          .payload = std::move(payload),
                          .qos = 1,
                          .retain = false,
                          .correlation_data = correlation}))
    return;
  lost_replies_.add();
}

// Methods nobody knows would each make a series of their own.
void Router::count(const std::string& method, const std::string& reply, SteadyTime begun) {
  const auto code = reply_code(reply);
  const auto label = code == "unknown_method" ? "?" : method;
  metrics_.counter("parley_requests_total", "Requests answered.", {{"method", label}, {"code", code}}).add();
  metrics_.histogram("parley_request_seconds", "From a request's arrival to its reply.", {{"method", label}})
      .observe(std::chrono::duration<double>(clock_.steady() - begun).count());
}

void Router::events(std::string_view lines) {
  for (const auto line : std::views::split(lines, '\n'))
    if (!line.empty()) event(std::string_view(line));
}

void Router::event(std::string_view payload) {
  const auto event = wire::parse_event(payload);
  if (!event)
    return log_(LogLevel::warning, "an event of the plugin is not as it should be: " + event.error().message);
  if (event->event == "user.new")
    dispatcher_.user_seen(event->user);
  else if (event->event == "reset")
    routes_.events_lost();
  else if (event->event == "draining" || event->event == "drain.ended")
    routes_.draining(event->event == "draining");
  else
    routes_.session(*event);
}

}  // namespace parley::backend
