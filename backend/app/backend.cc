#include "backend/app/backend.h"

#include <filesystem>
#include <map>

#include "backend/app/message_log.h"
#include "backend/app/open_cache.h"
#include "backend/app/open_stores.h"
#include "backend/app/room_event_fan.h"
#include "backend/app/room_states.h"
#include "backend/app/router.h"
#include "backend/app/vitals.h"
#include "backend/cache/cached_mark_store.h"
#include "backend/cache/cached_message_store.h"
#include "backend/cache/cached_presence_store.h"
#include "backend/cache/mark_copying_room_store.h"
#include "backend/config/store_config.h"
#include "backend/control/control_link.h"
#include "backend/erase/user_eraser.h"
#include "backend/feed/feed_consumer.h"
#include "backend/http/broker_stats.h"
#include "backend/marks/join_marks.h"
#include "backend/marks/mark_writer.h"
#include "backend/marks/mention_notices.h"
#include "backend/metrics/metrics.h"
#include "backend/mqtt/mqtt_link.h"
#include "backend/mqtt/retained_reader.h"
#include "backend/notify/office.h"
#include "backend/notify/providers/make_providers.h"
#include "backend/presence/presence_keeper.h"
#include "backend/requests/make_dispatcher.h"
#include "backend/retention/expirer.h"
#include "backend/state/room_state_publisher.h"
#include "backend/store/postgres_address.h"
#include "backend/store/timed_stores.h"
#include "backend/tracing/span_exporter.h"
#include "backend/tracing/tracer.h"
#include "base/ids.h"
#include "base/live.h"
#include "wire/names.h"

namespace parley::backend {
namespace {

using std::chrono::milliseconds;

constexpr const char* kDeviceStatuses = "users/+/devices/+/status";

MqttOptions mqtt_options(const Config& config, const std::string& secret) {
  return {.broker = config.broker.at,
          .user = std::string(wire::kBackendUser),
          .password = secret,
          .client_id = "parleyd-" + random_id(16),
          .keepalive = config.broker.keepalive,
          .outgoing_max = config.broker.outgoing_max};
}

Rate request_rate(const Config& config) {
  return {.per_s = config.requests.user_rate, .burst = config.requests.user_burst};
}

// While no rate is set no request costs a call of the cache.
std::function<bool(const std::string&)> admission(const Live<Rate>& live, Cache& cache) {
  return [&live, &cache](const std::string& user) {
    const auto rate = live.get();
    return rate->per_s == 0 || cache.take("requests:" + user, *rate);
  };
}

// At QoS 0: a receipt lost with the connection is repeated by its client.
constexpr const char* kReceipts = "rooms/+/receipts/+";

void count_rooms(BusyRooms& rooms, std::span<const wire::Record> records) {
  std::map<std::string_view, std::uint64_t> messages;
  for (const auto& record : records) ++messages[record.room];
  for (const auto& [room, number] : messages) rooms.add(room, number);
}

FeedOptions feed_options(const Config& config, MarkStore& marks, MentionNotices& mentions, Tracer& tracer,
                         BusyRooms& rooms, const EventLog& events) {
  return {.queue_batches = config.feed.queue_batches,
          .merge_batches = config.feed.merge_batches,
          .before_store =
              [&marks, &tracer](std::span<const wire::Record> records) {
                tracer.storing();
                return raise_marks_of_joins(marks, records);
              },
          .after_store =
              [&mentions, &tracer, &rooms, events](std::span<const wire::Record> records,
                                                   const StoreOutcome& outcome) {
                tracer.stored(records);
                mentions.stored(records, outcome);
                if (outcome.stored > 0) count_rooms(rooms, records);
                log_stored(events, records, outcome);
              }};
}

ExpirerOptions expirer_options(const Config& config) {
  const auto& retention = config.retention;
  return {.rules = {.fallback = {.seconds = retention.default_s, .messages = retention.default_messages},
                    .ceiling = {.seconds = retention.max_s, .messages = retention.max_messages}},
          .every = retention.check,
          .messages_per_s = retention.messages_per_s};
}

RequestRules request_rules(const Config& config) {
  using RoomCreate = RequestRules::RoomCreate;
  const auto& requests = config.requests;
  return {
      .room_create = requests.room_create == RoomCreators::admins ? RoomCreate::admins : RoomCreate::everyone,
      .password_min = requests.password_min,
      .scram_iterations = requests.scram_iterations,
      .max_content_bytes = requests.max_content_bytes,
      .audit_kept = std::chrono::hours(24) * config.audit.keep_days,
      .retention = expirer_options(config).rules};
}

DispatcherOptions dispatcher_options(const Config& config, std::shared_ptr<Live<RequestRules>> rules,
                                     std::function<bool(const std::string&)> admit,
                                     std::vector<Dependency> dependencies, MarkWriter& marks,
                                     const Expirer& expirer, EraseWork& eraser, NotifyOffice& office,
                                     std::function<nlohmann::json()> stats, const LogSink& log) {
  const auto& requests = config.requests;
  return {.rules = std::move(rules),
          .read_threads = requests.threads,
          .read_queue = requests.queue,
          .change_queue = requests.queue,
          .log = log,
          .admit = std::move(admit),
          .dependencies = std::move(dependencies),
          .stats = std::move(stats),
          .expirer = [&expirer] { return expirer.progress(); },
          .raise_marks = [&marks](MarkRaise raise,
                                  MarkWriter::Done done) { marks.raise(std::move(raise), std::move(done)); },
          .notify = office.providers().empty() ? nullptr : &office,
          .erase_work = &eraser};
}

PresenceOptions presence_options(const Config& config) {
  const auto& presence = config.presence;
  return {.times = {.settle = presence.settle, .leave_grace = presence.leave_grace},
          .room_max = presence.room_max,
          .publish_per_s = presence.publish_per_s};
}

using Providers = std::vector<std::unique_ptr<Provider>>;

std::string webpush_key(const Config& config) {
  return webpush_public_key(config).value_or("");
}

// Ends the registration a mail's link names; null when mails have no links.
std::function<Result<bool>(const std::string&)> unsubscriber(const std::optional<UnsubscribeToken>& links,
                                                             PushStore& store) {
  if (!links) return nullptr;
  return [links = *links, &store](const std::string& token) -> Result<bool> {
    const auto id = links.registration(token);
    if (!id) return false;
    const auto registration = store.get(*id);
    if (!registration) return std::unexpected(registration.error());
    if (!*registration) return true;  // done before
    const auto ended = store.prune(*id, (*registration)->address);
    if (!ended) return std::unexpected(ended.error());
    return true;
  };
}

// Null: nothing is traced.
Result<std::unique_ptr<SpanExporter>> open_exporter(const Config& config, Metrics& metrics,
                                                    const Clock& clock, const LogSink& log) {
  const auto& tracing = config.tracing;
  if (tracing.otlp_url.empty()) return nullptr;
  return SpanExporter::start({.url = tracing.otlp_url, .ca_file = tracing.ca_file, .version = PARLEY_VERSION},
                             metrics, clock, log);
}

Tracer::Sink sink_of(const Result<std::unique_ptr<SpanExporter>>& spans) {
  if (!spans || !*spans) return nullptr;
  return [to = spans->get()](Span span) { to->add(std::move(span)); };
}

// What lies below the cache, when there is one.
struct Uncached {
  std::unique_ptr<MessageStore> messages;
  std::unique_ptr<PresenceStore> presence;
  CachedMessageStore* message_copies = nullptr;  // what lies above them
  CachedPresenceStore* presence_copies = nullptr;
  std::unique_ptr<MarkStore> marks;
  std::unique_ptr<RoomStore> rooms;
  MarkCopies mark_copies;
};

// `opened`, with a cache before its messages, presence and marks; they themselves go to `uncached`.
Stores with_cache(Stores opened, Uncached& uncached, const MadeCache& cache, Metrics& metrics) {
  if (!cache.keeps_messages) return opened;
  uncached.messages = std::move(opened.messages);
  auto messages =
      std::make_unique<CachedMessageStore>(*uncached.messages, *cache.cache, TailLimits{}, metrics);
  uncached.message_copies = messages.get();
  opened.messages = std::move(messages);
  uncached.presence = std::move(opened.presence);
  auto copies = std::make_unique<CachedPresenceStore>(*uncached.presence, *cache.cache, metrics);
  uncached.presence_copies = copies.get();
  opened.presence = std::move(copies);
  uncached.marks = std::move(opened.marks);
  opened.marks =
      std::make_unique<CachedMarkStore>(*uncached.marks, uncached.mark_copies, *cache.cache, metrics);
  uncached.rooms = std::move(opened.rooms);
  opened.rooms = std::make_unique<MarkCopyingRoomStore>(*uncached.rooms, uncached.mark_copies);
  return opened;
}

}  // namespace

struct Backend::Parts final : LeaseListener {
  Parts(const Config& given, const std::string& secret, const Clock& time, const LogSink& log_to,
        const EventLog& events, std::unique_ptr<Metrics> counted, Stores opened, MadeCache made)
      : config(given),
        clock(time),
        log(log_to),
        own_metrics(std::move(counted)),
        cache(std::move(made)),
        stores(with_cache(std::move(opened), uncached, cache, metrics)),
        link(mqtt_options(given, secret), metrics, log),
        facts(*stores.rooms, *stores.presence, given.presence.room_max, time),
        states(facts, link, metrics, clock, log, {.rooms_per_s = given.state.republish_per_s}),
        control(link, *stores.messages, *stores.directory, *this, metrics, clock, log,
                {.answer_timeout = given.broker.answer_timeout}),
        marks(*stores.marks, metrics, clock, log),
        mentions(*stores.marks, link, metrics, log),
        expirer(
            *stores.retention, [this](std::uint64_t room) { expired(room); }, metrics, clock, log,
            expirer_options(given)),
        retained(link, [this](auto passed) { pass_fence(std::move(passed)); }),
        presence(stores, presence_surroundings(), metrics, clock, log, presence_options(given)),
        room_events({&facts, &states, &presence}),
        providers(make_providers(given, link, log, clock)),
        office(
            given.notify, providers ? *std::exchange(providers, {}) : Providers(), webpush_key(given), stores,
            [this](const std::string& user) { return attention(user); }, metrics, clock, log,
            [this](std::uint64_t room, std::uint64_t seq, const std::string& provider, milliseconds took,
                   const std::string& error) { tracer.notified(room, seq, provider, took, error); },
            events),
        eraser(stores, eraser_surroundings(), metrics, clock, log),
        feed(*stores.messages, stored_events, control, metrics, clock, log,
             feed_options(given, *stores.marks, mentions, tracer, busy_rooms, events)),
        dispatcher(
            make_dispatcher(stores, control, room_events, link, presence, clock,
                            dispatcher_options(
                                given, rules, admission(rate, *cache.cache), dependencies(), marks, expirer,
                                eraser, office, [this] { return vitals_json(vitals); }, log))),
        router({.connected = [this] { control.on_connected(); },
                .lost = [this](const std::string& reason) { control.on_lost(reason); },
                .feed = [this](std::string payload) { feed.offer(std::move(payload)); },
                .answer = [this](std::string payload) { control.on_answer(std::move(payload)); },
                .events_lost = [this] { control.attach_again("events of the broker were lost"); },
                .trace = [this](std::string_view payload) { tracer.message(payload); },
                .draining = [this](bool on) { draining = on; },
                .receipt = [this](const std::string& room, const std::string& user,
                                  const Marks& told) { marks.receipt(room, user, told); },
                .session = [this](const wire::Event& event) { presence.session_event(event); },
                .device_status =
                    [this](const std::string& user, const std::string& device, std::string_view payload) {
                      presence.device_status(user, device, payload);
                    },
                .retained = [this](const Incoming& message) { return retained.offer(message); }},
               *dispatcher, link, metrics, clock, log),
        broker_stats(control, clock),
        vitals(make_vitals()) {}

  void feed_begins(std::uint64_t generation, std::uint64_t position) override {
    feed.begin(generation, position);
  }
  void ready() override {
    states.activate();
    link.subscribe(kReceipts, 0, [this](const Result<>& granted) {
      if (!granted) log(LogLevel::warning, "receipts are not heard: " + granted.error().message);
    });
    if (uncached.presence_copies) uncached.presence_copies->forget();
    uncached.mark_copies.begin();
    presence.activate();
    expirer.activate();
    eraser.activate();
    office.activate();
  }
  void retired() override {
    draining = false;
    uncached.mark_copies.end();
    states.deactivate();
    presence.deactivate();
    expirer.deactivate();
    eraser.deactivate();
    office.deactivate();
    feed.end();
  }

  // Over all devices; nullopt: connections are not known (yet).
  std::optional<Attention> attention(const std::string& user) {
    if (!presence.knows_connections()) return std::nullopt;
    auto found = Attention::offline;
    for (const auto& device : presence.devices(user)) {
      if (device.connected && device.says != "away") return Attention::online;
      if (device.connected) found = Attention::away;
    }
    return found;
  }

  // Nobody is to find there what is gone from the store.
  void expired(std::uint64_t room) {
    if (uncached.message_copies) uncached.message_copies->expired(room);
    states.room_changed(room);
  }

  PresenceSurroundings presence_surroundings() {
    return {.broker = control,
            .publisher = link,
            .read_retained = [this](const std::string& filter,
                                    RetainedReader::Done done) { retained.read(filter, std::move(done)); },
            .subscribe_statuses = [this] { subscribe_statuses(); },
            .room_states = state_events};
  }
  EraserSurroundings eraser_surroundings() {
    return {.broker = control,
            .publisher = link,
            .read_retained = [this](const std::string& filter,
                                    RetainedReader::Done done) { retained.read(filter, std::move(done)); },
            .rooms = room_events};
  }
  void subscribe_statuses() {
    link.subscribe(kDeviceStatuses, 1, [this](const Result<>& granted) {
      if (!granted) log(LogLevel::warning, "devices' status is not heard: " + granted.error().message);
    });
  }
  // Any command's answer will do: the plugin sends it after what the broker had sent before.
  void pass_fence(std::function<void(Result<>)> passed) {
    control.sessions({.user = "", .after = "", .limit = 1},
                     [passed = std::move(passed)](const Result<nlohmann::json>& answer) {
                       passed(answer ? Result<>() : std::unexpected(answer.error()));
                     });
  }

  std::vector<Dependency> dependencies() {
    auto all = stores.dependencies;
    all.push_back(cache.cache->dependency());
    all.push_back({"broker", [this] { return link.reading(); }});
    std::ranges::move(office.dependencies(), std::back_inserter(all));
    return all;
  }

  std::vector<QueueReading> queues() {
    std::vector<QueueReading> all{
        feed.queue(), mentions.queue(), {"outgoing", link.outgoing(), config.broker.outgoing_max}};
    std::ranges::move(marks.queues(), std::back_inserter(all));
    std::ranges::move(dispatcher->queues(), std::back_inserter(all));
    return all;
  }

  Vitals make_vitals() {
    Vitals made{.readiness = [this] { return readiness(); },
                .queues = [this] { return queues(); },
                .presence = [this] { return presence.shown_counts(); },
                .dependencies = [this] { return dependencies(); },
                .busy_rooms = [this](std::size_t most) { return busy_rooms.top(most); },
                .top_rooms = config.http.top_rooms,
                .certificate_files = config.http.certificate_files};
    if (is_postgres_url(config.store)) return made;
    if (const auto file = sqlite_path(config.store))
      made.folders.push_back({"store", std::filesystem::absolute(*file).parent_path()});
    return made;
  }

  Readiness readiness() {
    if (stopping) return {false, "parleyd is stopping."};
    if (draining) return {false, "The broker's clients are moved off (server.drain)."};
    if (!control.attached()) {
      const auto why = control.trouble();
      return {false, "The broker's plugin: " + std::string(state_name(control.state())) + "." +
                         (why.empty() ? "" : " " + why)};
    }
    if (!feed.store_works()) return {false, "Messages can't be stored just now."};
    if (auto position = stores.messages->position(); !position) return {false, position.error().message};
    return {true, ""};
  }

  Config config;
  const Clock& clock;
  LogSink log;
  std::unique_ptr<Metrics> own_metrics;
  Metrics& metrics = *own_metrics;
  MadeCache cache;
  Result<std::unique_ptr<SpanExporter>> spans = open_exporter(config, metrics, clock, log);
  Tracer tracer{sink_of(spans), log};
  Live<Rate> rate{request_rate(config)};
  std::shared_ptr<Live<RequestRules>> rules = std::make_shared<Live<RequestRules>>(request_rules(config));
  Uncached uncached;
  Stores stores;
  MqttLink link;
  StoredRoomStates facts;
  RoomStatePublisher states;
  RoomEventFan state_events{{&facts, &states}};
  ControlLink control;
  MarkWriter marks;
  MentionNotices mentions;
  Expirer expirer;
  RetainedReader retained;
  PresenceKeeper presence;
  RoomEventFan room_events;
  Result<Providers> providers;  // what went wrong, or nothing
  NotifyOffice office;
  RoomEventFan stored_events{{&states, &office.room_events()}};
  UserEraser eraser;
  BusyRooms busy_rooms{clock};
  FeedConsumer feed;
  std::unique_ptr<Dispatcher> dispatcher;
  Router router;
  BrokerStats broker_stats;
  Vitals vitals;
  std::unique_ptr<HttpServer> http;
  std::atomic<bool> stopping{false};
  std::atomic<bool> draining{false};
};

Result<std::unique_ptr<Backend>> Backend::start(const Config& config, const std::string& secret,
                                                const Clock& clock, const LogSink& log,
                                                const EventLog& events) {
  auto metrics = std::make_unique<Metrics>();
  auto stores = open_stores(config, clock, metrics.get());
  if (!stores) return std::unexpected(stores.error());
  auto cache = open_cache(config, *stores, clock, log);
  if (!cache) return std::unexpected(cache.error());
  *stores = with_timers(*std::move(stores), *metrics, clock);
  auto parts = std::make_unique<Parts>(config, secret, clock, log, events, std::move(metrics),
                                       *std::move(stores), *std::move(cache));
  if (!parts->spans) return std::unexpected(parts->spans.error());
  if (!parts->providers) return std::unexpected(parts->providers.error());
  if (config.http.port != 0) {
    const auto links = unsubscribe_token(config);
    if (!links) return std::unexpected(links.error());
    auto http = HttpServer::start({.address = config.http.address, .port = config.http.port},
                                  {.readiness = [raw = parts.get()] { return raw->readiness(); },
                                   .metrics =
                                       [raw = parts.get()] {
                                         return raw->metrics.text() + vitals_metrics(raw->vitals) +
                                                raw->broker_stats.text();
                                       },
                                   .unsubscribe = unsubscriber(*links, *parts->stores.push)},
                                  log);
    if (!http) return std::unexpected(http.error());
    parts->http = *std::move(http);
  }
  parts->states.start();
  parts->marks.start();
  parts->mentions.start();
  parts->presence.start();
  parts->expirer.start();
  parts->eraser.start();
  parts->office.start();
  parts->control.start();
  parts->link.start(parts->router);
  return std::unique_ptr<Backend>(new Backend(std::move(parts)));
}

Backend::Backend(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Backend::~Backend() {
  stop();
}

void Backend::apply(const Config& config) {
  parts_->rate.set(request_rate(config));
  parts_->rules->set(request_rules(config));
  parts_->expirer.apply(expirer_options(config));
}

void Backend::stop() {
  if (parts_->stopping.exchange(true)) return;
  const auto end = parts_->clock.steady() + parts_->config.stop_timeout;
  const auto left = [&] {
    return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(end - parts_->clock.steady()));
  };
  parts_->dispatcher->stop(left());
  parts_->eraser.stop();
  parts_->office.stop();
  parts_->marks.stop();
  parts_->mentions.stop();
  parts_->expirer.stop();
  parts_->feed.end();
  if (!parts_->feed.drain(left()))
    parts_->log(LogLevel::warning,
                "stopping with messages not stored yet; the broker keeps them for the next start");
  parts_->states.stop();
  parts_->presence.stop();
  parts_->link.stop(left());
  parts_->control.stop();
  if (*parts_->spans) (*parts_->spans)->stop(left());
  parts_->http.reset();
}

}  // namespace parley::backend
