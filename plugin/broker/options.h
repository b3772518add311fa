#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "plugin/acl/acl.h"
#include "plugin/journal/journal.h"
#include "wire/network.h"

namespace parley::plugin {

// The plugin's options: `plugin_opt_NAME VALUE` in mosquitto.conf. README's table says the same, in words for operators.
// Sizes take a suffix K, M, G (1024s); durations s, m, h, d (plain numbers are seconds).
struct Options {
  std::filesystem::path
      data_dir;  // required: journal, Directory, client ids; must be writable for the broker's user
  std::filesystem::path backend_secret_file;  // required: what parleyd logs in with; not readable for others

  std::filesystem::path reload_file;    // reload_file.h: options that may change while the broker runs
  LogLevel log_level = LogLevel::info;  // lines of the plugin below it are left out

  AclDecision other_topics = AclDecision::defer;  // topics outside Parley's: allow | defer | deny
  bool defer_other_users = false;                 // other_users: defer | deny (default)

  double user_rate = 0;   // messages per second and user, 0: no limit
  double user_burst = 0;  // how many may come at once; 0: twice user_rate, at least 1
  std::uint32_t flood_refusals =
      1000;  // publishes of one session above user_rate within 10 s that put its user out
             // for flood_ban; administrators stay. 0: nobody is
  std::chrono::seconds flood_ban{60};
  double room_rate = 0;                 // messages per second in one room, whoever sends, 0: no limit; its
                                        // moderators and owners are not held back by it
  double room_burst = 0;                // how many may come at once; 0: twice room_rate, at least 1
  double typing_rate = 2;               // typing notices per second and user, 0: no limit
  double typing_burst = 10;             // how many may come at once
  std::uint32_t typing_room_max = 500;  // members; in larger rooms nobody is told who types
  std::size_t max_content_bytes = 64 * 1024;  // 1 … 256K
  std::uint32_t max_subscriptions = 5000;     // of one session

  double trace_rate = 0;    // messages a second whose way is told to parleyd as traces; 0: none
  double trace_sample = 0;  // of those that no client traces, the part (0 to 1) that begins a trace here

  std::uint64_t journal_max_bytes = 1ull << 30;  // unstored at most; then messages are refused (backlog_full)
  std::uint64_t journal_segment_bytes = 16ull << 20;  // 1M … 1G
  SyncPolicy journal_sync = SyncPolicy::off;          // off | always | interval MS
  std::chrono::milliseconds journal_sync_interval{0};
  std::chrono::seconds ref_window{24 * 3600};  // how long a ref is remembered
  std::uint32_t ref_max = 2'000'000;  // refs remembered at most; the oldest go first (about 64 bytes each)

  std::filesystem::path jwt_key_file;    // PEM public key, or the secret of HS256
  std::string jwt_algorithm;             // HS256 | RS256 | ES256: required with jwt_key_file
  std::filesystem::path jwt_jwks_file;   // or a JWKS; each key says its alg
  std::string jwt_issuer, jwt_audience;  // checked when given
  std::chrono::seconds jwt_leeway{30};
  std::chrono::seconds jwt_warn{60};  // how long before its end a session's client is told of it; 0: not
  bool jwt_admins = false;            // may an administrator log in by JWT?
  bool jwt_auto_user = false;         // a valid JWT of an unknown subject makes the account

  bool scram = false;  // MQTT 5 enhanced authentication with SCRAM-SHA-256: what it costs, README

  double connect_rate = 20;    // connects per second of one address, 0: no limit
  double connect_burst = 500;  // how many may come at once: an office behind one address, after a restart
  std::vector<wire::Network> trusted_networks =
      default_trusted();  // proxies and the like: many clients behind one address, so nothing is counted by it
  bool websocket_forwarded_for =
      false;  // all WebSocket clients come through a proxy that writes X-Forwarded-For (forwarded_for.h)
  std::uint32_t login_failures =
      5;  // wrong passwords for a user from one address that cost nothing, 0: no limit
  std::uint32_t login_failures_address = 50;  // likewise for any users, from one address
  std::uint32_t login_failures_user = 100;    // likewise for one user, from all unknown addresses
  std::chrono::seconds login_lock{1}, login_lock_max{15 * 60};  // the first one, and the longest
  std::uint32_t flap_connects =
      60;  // logins of one client id within flap_window that are too many; 0: no limit
  std::chrono::seconds flap_window{60}, flap_ban{300};

  std::uint32_t password_checks_per_second = 50;  // slow ones, about 1 ms of the broker's thread each
  std::uint32_t sessions_per_user = 100;          // connected at once, 0: no limit but the next
  std::uint32_t client_ids_per_user = 100;
  std::chrono::seconds client_id_hold{7 * 24 *
                                      3600};  // a sleeping session's client id stays its user's so long

  static std::vector<wire::Network> default_trusted();  // 127.0.0.1 and ::1
};

// As mosquitto.conf gives them, without `plugin_opt_`.
using GivenOptions = std::vector<std::pair<std::string, std::string>>;

// Unknown, missing, repeated or impossible options: invalid_argument with a sentence naming the option.
Result<Options> parse_options(const GivenOptions& given);

// Those that may change while the broker runs: limits and the log level. The others need a restart.
bool is_live_option(std::string_view name);
std::string option_names(bool only_live);  // in order, with commas between, for a sentence

// Does a mosquitto.conf (its include_dir folders too) say `per_listener_settings true`? nullopt when it can't be read.
std::optional<bool> says_per_listener_settings(const std::filesystem::path& conf);
// The configuration file of this very process, from its command line (-c FILE); empty when there is none.
std::filesystem::path own_config_file();

}  // namespace parley::plugin
