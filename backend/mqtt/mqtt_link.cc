#include "backend/mqtt/mqtt_link.h"

#include <mqtt/async_client.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "backend/mqtt/no_delay.h"
#include "backend/mqtt/outbox.h"
#include "backend/mqtt/paho_tls.h"

namespace parley::backend {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// A connection that lasted this long was a good one: the next back-off begins at its minimum again.
constexpr auto kGoodConnection = 2s;
constexpr auto kDisconnectWait = 500ms;
constexpr auto kLook = 1'000ms;  // at why there is no connection
// Messages unacknowledged at once, when the broker allows more. Paho's lists are walked for each.
constexpr std::uint32_t kWindowMax = 200;

// Paho hands a token's context back as a pointer; ours is a number.
void* as_context(std::uint64_t number) {
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(number));
}
std::uint64_t from_context(const mqtt::token& token) {
  return reinterpret_cast<std::uintptr_t>(token.get_user_context());
}

std::string text_of(const mqtt::properties& properties, mqtt::property::code code) {
  return properties.contains(code) ? mqtt::get<std::string>(properties, code) : std::string();
}

std::string describe(const mqtt::exception& e) {
  return e.get_reason_code() > 0 ? e.get_reason_code_str() + " (" + std::to_string(e.get_reason_code()) + ")"
                                 : e.what();
}

mqtt::create_options create_options(const MqttOptions& options) {
  return mqtt::create_options(MQTTVERSION_5, static_cast<int>(options.outgoing_max) + 1000);
}

}  // namespace

// Paho may call back while it holds its own lock: nothing here calls Paho with a lock of ours held.
struct MqttLink::Impl {
  // Told by Paho of what became of messages and subscriptions.
  struct Deliveries final : mqtt::iaction_listener {
    explicit Deliveries(Outbox& o) : outbox(o) {}
    void on_success(const mqtt::token& token) override { outbox.left(from_context(token)); }
    void on_failure(const mqtt::token& token) override { outbox.left(from_context(token)); }
    Outbox& outbox;
  };
  struct Subscriptions final : mqtt::iaction_listener {
    using Done = std::function<void(Result<>)>;
    std::uint64_t add(Done done) {
      std::lock_guard lock(mutex);
      waiting.emplace(++last, std::move(done));
      return last;
    }
    void finish(std::uint64_t id, Result<> result) {
      std::unique_lock lock(mutex);
      auto node = waiting.extract(id);
      lock.unlock();
      if (node) node.mapped()(std::move(result));
    }
    void abandon() {
      std::unique_lock lock(mutex);
      auto all = std::exchange(waiting, {});
      lock.unlock();
      for (auto& [id, done] : all) done(fail(Errc::unavailable, "The connection to the broker ended."));
    }
    void on_success(const mqtt::token& token) override {
      if (token.get_reason_code() < 0x80) return finish(from_context(token), {});
      on_failure(token);
    }
    void on_failure(const mqtt::token& token) override {
      finish(from_context(token), fail(Errc::permission_denied, "The broker refused the subscription."));
    }
    std::mutex mutex;
    std::map<std::uint64_t, Done> waiting;
    std::uint64_t last = 0;
  };

  Impl(MqttOptions given, Metrics& metrics, LogSink sink)
      : options(std::move(given)),
        log(std::move(sink)),
        outbox(options.outgoing_max),
        deliveries(outbox),
        connects(metrics.counter("parley_mqtt_connects_total", "Connections made to the broker.")),
        losses(metrics.counter("parley_mqtt_losses_total", "Connections to the broker that ended.")),
        refused(metrics.counter("parley_mqtt_publish_refused_total",
                                "Messages not sent: no connection, or too many under way.")),
        published(metrics.counter("parley_mqtt_published_total", "Messages given to the broker.")),
        received(metrics.counter("parley_mqtt_received_total", "Messages that came from the broker.")),
        is_connected(metrics.gauge("parley_mqtt_connected", "1 while connected to the broker.")),
        client(options.broker.url(), options.client_id, create_options(options)) {
    client.set_message_callback([this](mqtt::const_message_ptr message) { arrived(*message); });
    client.set_connection_lost_handler(
        [this](const std::string& cause) { outbox.end(cause.empty() ? "the connection was lost" : cause); });
    client.set_disconnected_handler([this](const mqtt::properties&, mqtt::ReasonCode code) {
      outbox.end("the broker disconnected this client, reason " + std::to_string(static_cast<int>(code)));
    });
  }

  void arrived(const mqtt::message& message) noexcept try {
    std::lock_guard lock(arrival);
    if (silent) return;
    received.add();
    listener->on_message(
        {.topic = message.get_topic(),
         .payload = message.to_string(),
         .response_topic = text_of(message.get_properties(), mqtt::property::RESPONSE_TOPIC),
         .correlation_data = text_of(message.get_properties(), mqtt::property::CORRELATION_DATA),
         .retained = message.is_retained()});
  } catch (const std::exception& e) {
    log(LogLevel::error, std::string("a message from the broker was lost: ") + e.what());
  }

  // No session expiry is given, which means 0: Paho C++ 1.2 crashes on copied options with properties.
  mqtt::connect_options connect_options() const {
    auto given = mqtt::connect_options_builder()
                     .mqtt_version(MQTTVERSION_5)
                     .clean_start(true)
                     .keep_alive_interval(options.keepalive)
                     .connect_timeout(options.connect_timeout)
                     .max_inflight(65'535)
                     .automatic_reconnect(false)
                     .user_name(options.user)
                     .password(options.password)
                     .finalize();
    if (options.broker.tls) given.set_ssl(paho_tls(options.broker));
    return given;
  }

  bool is_stopping() {
    std::lock_guard lock(mutex);
    return stopping;
  }

  // The window the broker gives, when it took the connection.
  Result<std::uint32_t> connect() try {
    outbox.begin();
    const auto deadline = std::chrono::steady_clock::now() + options.connect_timeout + 1s;
    const auto token = client.connect(connect_options());
    while (!token->wait_for(50ms))
      if (is_stopping() || std::chrono::steady_clock::now() > deadline)
        return fail(Errc::timeout, "the broker did not answer");
    const auto response = token->get_connect_response();
    const auto& properties = response.get_properties();
    if (!properties.contains(mqtt::property::RECEIVE_MAXIMUM)) return kWindowMax;
    return std::min<std::uint32_t>(kWindowMax,
                                   mqtt::get<std::uint16_t>(properties, mqtt::property::RECEIVE_MAXIMUM));
  } catch (const mqtt::exception& e) {
    return fail(Errc::unavailable, describe(e));
  }

  void disconnect() try {
    if (client.is_connected()) client.disconnect(100)->wait_for(kDisconnectWait);
  } catch (const mqtt::exception&) {
    // It is gone, then.
  }

  void send(Outbox::Ticket ticket) try {
    auto& message = ticket.message;
    mqtt::properties properties;
    if (!message.correlation_data.empty())
      properties.add({mqtt::property::CORRELATION_DATA, mqtt::binary(message.correlation_data)});
    auto out =
        mqtt::make_message(std::move(message.topic), std::move(message.payload), message.qos, message.retain);
    out->set_properties(std::move(properties));
    client.publish(std::move(out), as_context(ticket.connection), deliveries);
    published.add();
  } catch (const std::exception& e) {
    outbox.left(ticket.connection);
    outbox.end(std::string("a message could not be sent: ") + e.what());
  }

  void stand(BreakerState state) {
    std::lock_guard lock(mutex);
    reading.state = state;
    ++(state == BreakerState::open        ? reading.opened
       : state == BreakerState::half_open ? reading.half_opened
                                          : reading.closed);
  }

  // From a made connection to its end.
  void session(std::uint32_t window) {
    connects.add();
    is_connected.set(1);
    stand(BreakerState::closed);
    set_no_delay_towards(options.broker.port);
    outbox.open(window);
    log(LogLevel::info,
        "connected to the broker at " + options.broker.name() + (options.broker.tls ? " over TLS" : ""));
    listener->on_connected();
    while (auto ticket = outbox.next()) send(std::move(*ticket));
    const auto reason = outbox.close();
    is_connected.set(0);
    disconnect();
    subscriptions.abandon();
    losses.add();
    log(is_stopping() ? LogLevel::info : LogLevel::warning, "no longer connected to the broker: " + reason);
    listener->on_lost(reason);
  }

  // Paho tells neither what is wrong with a certificate nor that a port wants TLS. A broker that stays away is told of once, and, without TLS,
  // looked at once.
  void tell_why(const std::string& reason, std::string& told) {
    const auto& broker = options.broker;
    if (is_stopping() || (!broker.tls && reason == told)) return;
    const auto why = why_unreachable(broker, kLook);
    const auto sign = broker.tls ? reason + why : reason;
    if (sign != std::exchange(told, sign))
      log(LogLevel::warning, "no connection to the broker at " + broker.name() + " (" + reason +
                                 "); trying again" + (why.empty() ? "" : ". " + why));
  }

  void run() {
    Backoff backoff(options.retry);
    std::string told;  // a broker that stays away is told of once
    while (!is_stopping()) {
      const auto begun = std::chrono::steady_clock::now();
      stand(BreakerState::half_open);
      if (auto made = connect(); made) {
        told.clear();
        session(*made);
        if (std::chrono::steady_clock::now() - begun >= kGoodConnection) backoff.reset();
      } else {
        disconnect();
        tell_why(made.error().message, told);
      }
      stand(BreakerState::open);
      std::unique_lock lock(mutex);
      changed.wait_for(lock, backoff.next(), [&] { return stopping; });
    }
  }

  MqttOptions options;
  LogSink log;
  LinkListener* listener = nullptr;
  Outbox outbox;
  Deliveries deliveries;
  Subscriptions subscriptions;
  Counter connects, losses, refused, published, received;
  Gauge is_connected;

  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  BreakerReading reading{.state = BreakerState::open};

  std::mutex arrival;   // held while a message is handed over
  bool silent = false;  // stopped: nothing is handed over any more

  mqtt::async_client client;
  std::thread thread;
};

MqttLink::MqttLink(MqttOptions options, Metrics& metrics, LogSink log)
    : impl_(std::make_unique<Impl>(std::move(options), metrics, std::move(log))) {}

MqttLink::~MqttLink() {
  stop(0ms);
}

void MqttLink::start(LinkListener& listener) {
  impl_->listener = &listener;
  impl_->thread = std::thread([this] { impl_->run(); });
}

void MqttLink::stop(milliseconds deadline) {
  if (!impl_->thread.joinable()) return;
  impl_->outbox.wait_empty(deadline);
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->changed.notify_all();
  }
  impl_->outbox.end("stopping");
  impl_->thread.join();
  std::lock_guard lock(impl_->arrival);
  impl_->silent = true;
}

bool MqttLink::connected() const {
  return impl_->outbox.is_open();
}
BreakerReading MqttLink::reading() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->reading;
}
std::uint32_t MqttLink::outgoing() const {
  return impl_->outbox.size();
}

Result<> MqttLink::publish(Publication message) {
  if (impl_->outbox.push(std::move(message))) return {};
  impl_->refused.add();
  return fail(Errc::unavailable, "The broker is away, or too many messages wait for it.");
}

void MqttLink::subscribe(const std::string& filter, int qos, std::function<void(Result<>)> done) {
  const auto id = impl_->subscriptions.add(std::move(done));
  try {
    impl_->client.subscribe(filter, qos, as_context(id), impl_->subscriptions);
  } catch (const std::exception& e) {
    impl_->subscriptions.finish(id, fail(Errc::unavailable, std::string("Not subscribed: ") + e.what()));
  }
}

void MqttLink::unsubscribe(const std::string& filter) {
  try {
    impl_->client.unsubscribe(filter);
  } catch (const std::exception&) {
    // Not connected: so is nothing subscribed.
  }
}

void MqttLink::drop(const std::string& reason) {
  if (connected()) impl_->outbox.end(reason);
}

}  // namespace parley::backend
