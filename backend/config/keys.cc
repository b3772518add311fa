#include "backend/config/keys.h"

#include "backend/store/retention_limits.h"

namespace parley::backend {
namespace {

// A whole number kept in a field of any whole or duration type.
template <auto Field>
NumberKey number(std::int64_t min, std::int64_t max) {
  using Type = std::remove_reference_t<decltype(Field(std::declval<Config&>()))>;
  return {min, max,
          [](const Config& c) -> std::int64_t {
            const Type& field = Field(c);
            if constexpr (requires { field.count(); })
              return field.count();
            else
              return static_cast<std::int64_t>(field);
          },
          [](Config& c, std::int64_t v) { Field(c) = Type(v); }};
}

template <auto Field>
ChoiceKey choice(std::vector<std::string_view> choices) {
  using Type = std::remove_reference_t<decltype(Field(std::declval<Config&>()))>;
  return {std::move(choices), [](const Config& c) { return static_cast<std::size_t>(Field(c)); },
          [](Config& c, std::size_t i) { Field(c) = static_cast<Type>(i); }};
}

template <auto Field>
TextKey text() {
  return {[](const Config& c) -> const std::string& { return Field(c); },
          [](Config& c, std::string v) { Field(c) = std::move(v); }};
}

template <auto Field>
ListKey list() {
  return {[](const Config& c) -> const std::vector<std::string>& { return Field(c); },
          [](Config& c, std::vector<std::string> v) { Field(c) = std::move(v); }};
}

constexpr bool kLive = true;

#define FIELD(path)      \
  [](auto& c) -> auto& { \
    return c.path;       \
  }

std::vector<Key> make_keys() {
  return {
      {"store",
       "Where history, rooms and accounts are kept. An SQLite file: sqlite:///absolute/path, "
       "sqlite://relative/path or\n"
       "a plain path; it is made when missing, its folder must be there. Or a PostgreSQL database, which "
       "must "
       "be there:\n"
       "postgresql://user@host:port/database, with several host:port between commas for a server with "
       "standbys\n"
       "(and ?target_session_attrs=read-write), and other options as libpq has them after the ?.",
       text<FIELD(store)>()},
      {"store_password_file",
       "File with the password for PostgreSQL; others may not read it. The environment variable "
       "PARLEY_STORE_PASSWORD\n"
       "goes before it; a password in the URL comes last, and then others may not read this file.",
       text<FIELD(store_password_file)>()},
      {"store_connections",
       "Connections to PostgreSQL at most, made when needed. 0: requests.threads and 4 more.",
       number<FIELD(store_connections)>(0, 1'000)},
      {"store_replicas",
       "PostgreSQL databases that follow the one of `store`, as URLs: pages of history are read from them "
       "where "
       "they\n"
       "have all that the reader may know of. Each has connections of its own, as many.",
       list<FIELD(store_replicas)>()},
      {"store_shards",
       "Further PostgreSQL databases, as URLs, over which new rooms' messages are spread, together with that "
       "of "
       "`store`.\n"
       "A room stays where it was made: a database may be added at any time, and none that holds rooms may "
       "be "
       "left out.\n"
       "One password is for all of them that have none in the URL. Not together with store_replicas.",
       list<FIELD(store_shards)>()},
      {"cache",
       "Where recent messages are kept at hand, and requests counted. memory:// in this process;\n"
       "redis://host:port/0 in a Redis, rediss:// over TLS, or "
       "redis+sentinel://host1:port,host2:port/master;\n"
       "none:// nowhere. Everything in it is a copy: without it, answers are the same, only slower.",
       text<FIELD(cache)>()},
      {"cache_password_file",
       "File with the password for Redis; others may not read it. The environment variable "
       "PARLEY_CACHE_PASSWORD goes\n"
       "before it; a password in the URL comes last, and then others may not read this file.",
       text<FIELD(cache_password_file)>()},
      {"cache_ca_file", "Certificate authorities (PEM) for rediss://. Empty: those of the system.",
       text<FIELD(cache_ca_file)>()},
      {"cache_memory_mib", "Memory for memory:// at most, in MiB.",
       number<FIELD(cache_memory_mib)>(1, 65'536)},
      {"cache_connections", "Connections to Redis at most, made when needed.",
       number<FIELD(cache_connections)>(1, 256)},
      {"cache_timeout_ms",
       "How long to wait for Redis to be connected, and for each of its answers, in milliseconds. Then the "
       "store answers.",
       number<FIELD(cache_timeout)>(10, 5'000)},
      {"stop_timeout_ms",
       "How long a stop may take to finish what was begun, in milliseconds. What is not stored by then comes "
       "again\n"
       "from the broker's journal.",
       number<FIELD(stop_timeout)>(0, 600'000)},

      {"broker.host", "The Mosquitto with the parley plugin: host name or address.",
       text<FIELD(broker.at.host)>()},
      {"broker.port", "Its listener for MQTT: one without TLS, or with `tls` one that has a certfile.",
       number<FIELD(broker.at.port)>(1, 65'535)},
      {"broker.tls",
       "no: for a broker on this machine, or behind a network you trust. yes: over TLS 1.2 or later. Then "
       "the broker's\n"
       "certificate must be of an authority in ca_file, and for broker.host; nothing turns that off.",
       choice<FIELD(broker.at.tls)>({"no", "yes"})},
      {"broker.ca_file",
       "Certificate authorities (PEM) for it, such as DIR/tls/ca.crt of tools/up --tls. Empty: those of the "
       "system.",
       text<FIELD(broker.at.ca_file)>()},
      {"broker.cert_file",
       "Certificate (PEM) to show, for a listener with require_certificate. parleyd still logs in by its "
       "secret, so that\n"
       "listener must not have use_identity_as_username.",
       text<FIELD(broker.at.cert_file)>()},
      {"broker.key_file", "Its key (PEM, without a password); others may not read it.",
       text<FIELD(broker.at.key_file)>()},
      {"broker.secret_file",
       "File with the secret the plugin knows too (plugin_opt_backend_secret_file); others may not read it.\n"
       "The environment variable PARLEY_BROKER_SECRET goes before it.",
       text<FIELD(broker.secret_file)>()},
      {"broker.keepalive_s",
       "MQTT keep-alive in seconds. A broker that is silent for 1.5 times this is taken for lost, and the "
       "other way\n"
       "round: a standby waits that long for a backend that vanished.",
       number<FIELD(broker.keepalive)>(1, 5)},
      {"broker.outgoing_max",
       "Messages on their way to the broker at most; more are refused (replies are lost, and counted).",
       number<FIELD(broker.outgoing_max)>(100, 60'000)},
      {"broker.answer_timeout_ms",
       "How long to wait for the plugin's answer to a command, in milliseconds; then the command is in doubt "
       "and\n"
       "parleyd attaches again to find out.",
       number<FIELD(broker.answer_timeout)>(100, 60'000)},

      {"http.address",
       "Address for /healthz, /readyz and /metrics. There is no login: keep it where only operators reach.",
       text<FIELD(http.address)>()},
      {"http.port", "Port for them; 0 turns HTTP off.", number<FIELD(http.port)>(0, 65'535)},
      {"http.top_rooms",
       "How many of the busiest rooms /metrics names, with their messages of the last minute. Rooms' names may "
       "be nobody\nelse's business, so it is 0 unless you say otherwise.",
       number<FIELD(http.top_rooms)>(0, 50)},
      {"http.certificate_files",
       "Certificates (PEM) whose end /metrics tells, such as those of the broker's listeners, so that an alarm "
       "is raised in time.",
       list<FIELD(http.certificate_files)>()},

      {"log.level", "Lines below this level are left out: debug, info, warning, error.",
       choice<FIELD(log.level)>({"debug", "info", "warning", "error"}), kLive},
      {"log.format", "text for people, json for machines (one object a line). Lines go to standard error.",
       choice<FIELD(log.format)>({"text", "json"})},

      {"tracing.otlp_url",
       "An OpenTelemetry collector that takes OTLP over HTTP, as http://127.0.0.1:4318: spans of traced "
       "messages "
       "go\nthere. Which are traced the plugin says (plugin_opt_trace_rate). Empty: none.",
       text<FIELD(tracing.otlp_url)>()},
      {"tracing.ca_file", "Certificate authorities (PEM) for https://. Empty: those of the system.",
       text<FIELD(tracing.ca_file)>()},

      {"requests.room_create", "Who may create rooms: everyone, or admins alone.",
       choice<FIELD(requests.room_create)>({"everyone", "admins"}), kLive},
      {"requests.password_min", "Shortest password taken, in bytes.",
       number<FIELD(requests.password_min)>(1, 128), kLive},
      {"requests.scram_iterations",
       "Iterations of new password verifiers. More make a stolen database harder to guess from, and each "
       "login\n"
       "slower: about 0.25 us times this on the broker's thread.",
       number<FIELD(requests.scram_iterations)>(4'096, 100'000), kLive},
      {"requests.threads", "Threads that answer reads (history, sync, lists). Changes have one of their own.",
       number<FIELD(requests.threads)>(1, 64)},
      {"requests.queue",
       "Requests waiting for a thread at most, reads and changes apart; more are answered `unavailable`.",
       number<FIELD(requests.queue)>(1, 1'000'000)},
      {"requests.max_content_bytes",
       "Largest content of one appended (imported) entry, in bytes. Set it like the plugin's "
       "max_content_bytes.",
       number<FIELD(requests.max_content_bytes)>(1, 256 * 1024), kLive},
      {"requests.user_rate",
       "Requests a second each user may make in the long run; more are answered `rate_limited`. 0: no limit. "
       "With a\n"
       "Redis as cache all parleyd of an installation count together. Administrators are not counted.",
       number<FIELD(requests.user_rate)>(0, 100'000), kLive},
      {"requests.user_burst", "Requests a user may make at once, when there is a limit.",
       number<FIELD(requests.user_burst)>(1, 1'000'000), kLive},

      {"audit.keep_days", "How long administrative acts stay in the audit log, in days; 0: for ever.",
       number<FIELD(audit.keep_days)>(0, 36'500), kLive},

      {"retention.default_s",
       "How long messages stay in rooms that do not say (retain_s), in seconds; 0: for ever. They expire "
       "from "
       "the front\n"
       "of a room, with all that was said of them.",
       number<FIELD(retention.default_s)>(0, kRetainSecondsMax), kLive},
      {"retention.default_messages",
       "How many of a room's newest messages stay where the room does not say (retain_messages); 0: all.",
       number<FIELD(retention.default_messages)>(0, kRetainMessagesMax), kLive},
      {"retention.max_s",
       "How long messages stay at most, whatever a room says, in seconds; 0: no limit. When it is lowered, "
       "what is older goes.",
       number<FIELD(retention.max_s)>(0, kRetainSecondsMax), kLive},
      {"retention.max_messages", "How many messages stay in a room at most, whatever it says; 0: no limit.",
       number<FIELD(retention.max_messages)>(0, kRetainMessagesMax), kLive},
      {"retention.check_s",
       "Pause between two looks at all rooms for messages that are due, in seconds: so much longer they may "
       "stay.",
       number<FIELD(retention.check)>(1, 86'400), kLive},
      {"retention.messages_per_s",
       "Pace at which messages expire, a second. More are done with a backlog sooner, and storing feels it "
       "more.",
       number<FIELD(retention.messages_per_s)>(1, 1'000'000), kLive},

      {"feed.queue_batches",
       "Batches of messages waiting to be stored at most, up to 128 KiB each. More are dropped and sent "
       "again by\n"
       "the broker later.",
       number<FIELD(feed.queue_batches)>(1, 100'000)},
      {"feed.merge_batches",
       "Waiting batches stored in one transaction at most. More make catching up faster and single pauses "
       "longer.",
       number<FIELD(feed.merge_batches)>(1, 1'000)},

      {"state.republish_per_s",
       "Pace at which the retained state of all rooms is published again after parleyd attached, in rooms a "
       "second.",
       number<FIELD(state.republish_per_s)>(1, 100'000)},

      {"presence.settle_ms",
       "How long somebody must have been online, or away, before others are shown it, in milliseconds: who "
       "comes and\n"
       "goes faster is no news.",
       number<FIELD(presence.settle)>(0, 600'000)},
      {"presence.leave_grace_ms",
       "How long somebody must have been gone before others are shown that, in milliseconds.",
       number<FIELD(presence.leave_grace)>(0, 3'600'000)},
      {"presence.room_max",
       "Members up to which a room shows the presence of each. Larger rooms have numbers instead: `online` "
       "and `away`\n"
       "in their state. One change of somebody's presence costs a message to each member of each such room.",
       number<FIELD(presence.room_max)>(0, 10'000)},
      {"presence.publish_per_s",
       "Pace of presence messages to rooms, and of comparing rooms with the broker's after parleyd attached, "
       "a second.",
       number<FIELD(presence.publish_per_s)>(1, 100'000)},

      {"notify.content",
       "How much of a message leaves the house in notifications: full; sender (who and where, not what); "
       "wake "
       "(only that\nthere is something).",
       choice<FIELD(notify.content)>({"full", "sender", "wake"})},
      {"notify.delay_s",
       "How long a message must have been unread before somebody who is offline is told of it, in seconds.",
       number<FIELD(notify.delay)>(0, 86'400)},
      {"notify.away_delay_s", "The same for somebody whose connected devices all say that they are away.",
       number<FIELD(notify.away_delay)>(0, 86'400)},
      {"notify.window_s",
       "Pause between two notifications of one user about one room, in seconds: what comes meanwhile is told "
       "of\nin the next one, with its number.",
       number<FIELD(notify.window)>(0, 86'400)},
      {"notify.default_level",
       "Of which messages people are told where they have not said: all, mentions, none. Direct chats: all.",
       choice<FIELD(notify.default_level)>({"all", "mentions", "none"})},
      {"notify.large_room", "Members above which `all` as a default means `mentions`.",
       number<FIELD(notify.large_room)>(1, 1'000'000)},
      {"notify.user_per_minute", "Notifications a user gets in a minute at most; more wait. 0: no limit.",
       number<FIELD(notify.user_per_minute)>(0, 100'000)},
      {"notify.max_age_s",
       "How old a message may be when somebody is told of it, in seconds. What could not be sent by then is "
       "a "
       "dead letter.",
       number<FIELD(notify.max_age)>(60, 30 * 86'400)},
      {"notify.attempts",
       "How often sending one notification is tried, with growing pauses; then it is a dead letter.",
       number<FIELD(notify.attempts)>(1, 100)},
      {"notify.keep_days", "How long the log of notifications and dead letters are kept, in days.",
       number<FIELD(notify.keep_days)>(1, 3'650)},
      {"notify.timeout_ms", "How long a provider may take to answer, in milliseconds.",
       number<FIELD(notify.timeout)>(100, 60'000)},
      {"notify.connections", "How many notifications are on their way to one provider at most.",
       number<FIELD(notify.connections)>(1, 1'000)},
      {"notify.ca_file", "Certificate authorities (PEM) for all providers. Empty: those of the system.",
       text<FIELD(notify.ca_file)>()},
      {"notify.mqtt_topic",
       "Topic outside Parley's on the broker to which all notifications are published, for programs of "
       "yours; {user} in it\n"
       "is the user's name. The broker's acl_file must let $parleyd write there, and those programs read. "
       "Empty: not used.",
       text<FIELD(notify.mqtt_topic)>()},
      {"notify.stdout",
       "Whether all notifications are written to standard output, a JSON object a line (no, yes).",
       choice<FIELD(notify.to_stdout)>({"no", "yes"})},
      {"fcm.service_account_file",
       "Firebase Cloud Messaging (Android, iOS, web): the service account's JSON file; others may not read "
       "it. "
       "Empty: not used.",
       text<FIELD(notify.fcm.service_account_file)>()},
      {"fcm.url", "Where FCM's HTTP v1 API is.", text<FIELD(notify.fcm.url)>()},
      {"fcm.per_s", "Notifications a second at most, in the long run; for each provider apart.",
       number<FIELD(notify.fcm.per_s)>(1, 100'000)},
      {"apns.key_file",
       "Apple Push Notification service: the signing key (.p8); others may not read it. Empty: not used.",
       text<FIELD(notify.apns.key_file)>()},
      {"apns.key_id", "The key's id, ten characters.", text<FIELD(notify.apns.key_id)>()},
      {"apns.team_id", "The developer team's id, ten characters.", text<FIELD(notify.apns.team_id)>()},
      {"apns.topic", "The application's bundle id.", text<FIELD(notify.apns.topic)>()},
      {"apns.url", "Apple's server for released applications.", text<FIELD(notify.apns.url)>()},
      {"apns.sandbox_url", "And for those under development, whose devices register with sandbox.",
       text<FIELD(notify.apns.sandbox_url)>()},
      {"apns.per_s", "As fcm.per_s.", number<FIELD(notify.apns.per_s)>(1, 100'000)},
      {"webpush.key_file",
       "Web Push (browsers): the VAPID private key (PEM, P-256); others may not read it. Empty: not used.\n"
       "openssl ecparam -name prime256v1 -genkey -noout makes one; keep it: registrations are bound to it.",
       text<FIELD(notify.webpush.key_file)>()},
      {"webpush.subject", "Whom a push service may ask about us: mailto:… or https://…",
       text<FIELD(notify.webpush.subject)>()},
      {"webpush.allow_private",
       "Whether endpoints may lie at loopback and private addresses (no, yes). Users name the endpoints, so "
       "yes "
       "lets\nthem reach what only this machine reaches.",
       choice<FIELD(notify.webpush.allow_private)>({"no", "yes"})},
      {"webpush.per_s", "As fcm.per_s.", number<FIELD(notify.webpush.per_s)>(1, 100'000)},
      {"webhook.url",
       "An application of yours that is told of everything by POST, http:// or https://. Empty: not used.",
       text<FIELD(notify.webhook.url)>()},
      {"webhook.secret_file",
       "File with the secret that signs what is posted (HMAC-SHA-256); others may not read it.",
       text<FIELD(notify.webhook.secret_file)>()},
      {"webhook.per_s", "As fcm.per_s.", number<FIELD(notify.webhook.per_s)>(1, 100'000)},
      {"email.url",
       "Mail server: smtp://host:587 (STARTTLS) or smtps://host:465. Empty: no mail. TLS is required either "
       "way.",
       text<FIELD(notify.email.url)>()},
      {"email.user", "Login at the mail server; empty: none.", text<FIELD(notify.email.user)>()},
      {"email.password_file", "File with its password; others may not read it.",
       text<FIELD(notify.email.password_file)>()},
      {"email.from", "Sender of the mails: an address, or Name <address>.", text<FIELD(notify.email.from)>()},
      {"email.delay_s",
       "How long messages must have been unread before a mail tells of all of them, in seconds; also the "
       "pause "
       "between two\nmails to one user.",
       number<FIELD(notify.email.delay)>(0, 30 * 86'400)},
      {"email.unsubscribe_url",
       "Where a POST reaches parleyd's /notify/unsubscribe from outside, for one-click unsubscribing (RFC "
       "8058).\nEmpty: mails have no such header.",
       text<FIELD(notify.email.unsubscribe_url)>()},
      {"email.unsubscribe_key_file", "File with the secret that signs its links; others may not read it.",
       text<FIELD(notify.email.unsubscribe_key_file)>()},
      {"email.per_s", "As fcm.per_s.", number<FIELD(notify.email.per_s)>(1, 100'000)},
  };
}

}  // namespace

const std::vector<Key>& config_keys() {
  static const std::vector<Key> keys = make_keys();
  return keys;
}

}  // namespace parley::backend
