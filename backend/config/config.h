#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backend/notify/notification.h"
#include "base/log.h"
#include "base/result.h"
#include "base/tls/endpoint.h"

namespace parley::backend {

enum class LogFormat { text, json };
enum class RoomCreators { everyone, admins };
enum class NotifyLevelDefault { all, mentions, none };  // in the order of NotifyLevel

// All that can be set of parleyd, with the defaults. Keys, units, ranges and what each does stand in
// config/keys.cc, the one list from which the file is read and `parleyd --print-default-config` is printed.
struct Config {
  // sqlite:///absolute/path, sqlite://relative/path, a plain path, or postgresql://user@host:port/database
  std::string store = "sqlite:///var/lib/parley/parley.db";
  std::string store_password_file;
  std::uint32_t store_connections = 0;  // 0: requests.threads + 4
  std::vector<std::string> store_replicas, store_shards;

  // cache_url.h
  std::string cache = "memory://";
  std::string cache_password_file;
  std::string cache_ca_file;
  std::uint32_t cache_memory_mib = 64;
  std::uint32_t cache_connections = 4;
  std::chrono::milliseconds cache_timeout{100};

  struct Broker {
    Endpoint at;
    std::string secret_file;
    std::chrono::seconds keepalive{5};
    std::uint32_t outgoing_max = 10'000;
    std::chrono::milliseconds answer_timeout{5'000};
  } broker;

  struct Http {
    std::string address = "127.0.0.1";
    std::uint16_t port = 7880;    // 0: no HTTP
    std::uint32_t top_rooms = 0;  // on /metrics, by name
    std::vector<std::string> certificate_files;
  } http;

  struct Log {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
  } log;

  struct Tracing {
    std::string otlp_url;  // "": nothing is traced
    std::string ca_file;
  } tracing;

  struct Requests {
    RoomCreators room_create = RoomCreators::everyone;
    std::uint32_t password_min = 8;
    std::uint32_t scram_iterations = 4096;
    std::uint32_t threads = 2;
    std::uint32_t queue = 1'000;
    std::uint32_t max_content_bytes = 64 * 1024;
    std::uint32_t user_rate = 0;  // 0: no limit
    std::uint32_t user_burst = 50;
  } requests;

  struct Audit {
    std::uint32_t keep_days = 365;  // 0: for ever
  } audit;

  struct Retention {
    std::uint64_t default_s = 0, default_messages = 0;  // 0: for ever
    std::uint64_t max_s = 0, max_messages = 0;          // 0: no ceiling
    std::chrono::seconds check{60};
    std::uint32_t messages_per_s = 2'000;
  } retention;

  struct Feed {
    std::uint32_t queue_batches = 256;
    std::uint32_t merge_batches = 16;
  } feed;

  struct State {
    std::uint32_t republish_per_s = 500;
  } state;

  struct Presence {
    std::chrono::milliseconds settle{1'000};
    std::chrono::milliseconds leave_grace{15'000};
    std::uint32_t room_max = 500;
    std::uint32_t publish_per_s = 500;
  } presence;

  struct Notify {
    ContentPolicy content = ContentPolicy::full;
    std::chrono::seconds delay{5}, away_delay{60}, window{30};
    NotifyLevelDefault default_level = NotifyLevelDefault::all;
    std::uint32_t large_room = 500;
    std::uint32_t user_per_minute = 20;  // 0: no limit
    std::chrono::seconds max_age{86'400};
    std::uint32_t attempts = 12;
    std::uint32_t keep_days = 7;
    std::chrono::milliseconds timeout{10'000};
    std::uint32_t connections = 50;  // of one provider: how many are under way at once
    std::string ca_file;
    std::string mqtt_topic;
    bool to_stdout = false;

    struct Fcm {
      std::string service_account_file;  // "" : not used
      std::string url = "https://fcm.googleapis.com";
      std::uint32_t per_s = 500;
    } fcm;
    struct Apns {
      std::string key_file, key_id, team_id, topic;
      std::string url = "https://api.push.apple.com";
      std::string sandbox_url = "https://api.sandbox.push.apple.com";
      std::uint32_t per_s = 500;
    } apns;
    struct WebPush {
      std::string key_file, subject;
      bool allow_private = false;
      std::uint32_t per_s = 500;
    } webpush;
    struct Webhook {
      std::string url, secret_file;
      std::uint32_t per_s = 500;
    } webhook;
    struct Email {
      std::string url, user, password_file, from, unsubscribe_url, unsubscribe_key_file;
      std::chrono::seconds delay{900};
      std::uint32_t per_s = 10;
    } email;
  } notify;

  std::chrono::milliseconds stop_timeout{5'000};
};

// A line to show: "parleyd.toml:12: …" or "--set http.port: …".
using ConfigErrors = std::vector<std::string>;

// Reads `text` (TOML 1.0), then each of `overrides` ("key=value": the value as TOML has it, or taken as a
// string) in order. All errors are found, not just the first: syntax, unknown keys, wrong types, values out
// of range. `source` names the text in them.
std::expected<Config, ConfigErrors> parse_config(std::string_view text, const std::string& source,
                                                 const std::vector<std::string>& overrides = {});

// The file at `path` ("" for none: all defaults).
std::expected<Config, ConfigErrors> load_config(const std::string& path,
                                                const std::vector<std::string>& overrides = {});

// A complete configuration file with every key at its default, each explained. Parses to Config{}.
std::string default_config();

// The broker's shared secret: environment variable PARLEY_BROKER_SECRET when it is set, else
// broker.secret_file (base/file.h's read_secret_file). invalid_argument when neither is given.
Result<std::string> broker_secret(const Config& config);

}  // namespace parley::backend
