#include "tools/parleyctl/doctor/broker_conf_checks.h"

#include <charconv>

#include "plugin/broker/options.h"

namespace parley::ctl {
namespace {

constexpr const char* kConf = "mosquitto.conf";
constexpr std::uint64_t kPacketNeeded = 300'000;  // a reply of parleyd, 256 KiB, and its head

std::optional<std::uint64_t> number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (bad != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void check_queue(const MosquittoConf& conf, Findings& findings) {
  const auto queued = number(conf.option("max_queued_messages", "1000"));
  if (queued == 0)
    findings.problem(
        kConf, "max_queued_messages is 0: Mosquitto 2.0.11 then cuts clients off whose publish was denied.",
        "Set a large number: max_queued_messages 100000");
  else if (queued && *queued < 10'000)
    findings.problem(kConf,
                     "max_queued_messages is " + std::to_string(*queued) +
                         (conf.global.contains("max_queued_messages") ? "" : " (the default)") +
                         ": what comes beyond for a slow reader is dropped silently.",
                     "Set a large number: max_queued_messages 100000");
  else
    findings.ok(kConf, "Slow readers have queues of " + conf.option("max_queued_messages") + " messages.");
}

void check_packets(const MosquittoConf& conf, Findings& findings) {
  for (const char* name : {"max_packet_size", "message_size_limit"}) {
    const auto bytes = number(conf.option(name, "0"));
    if (bytes && *bytes != 0 && *bytes < kPacketNeeded)
      findings.problem(
          kConf, std::string(name) + " is " + conf.option(name) + ": parleyd's larger packets do not pass.",
          "Set it to 1048576, or leave it out.");
  }
}

void check_listeners(const MosquittoConf& conf, Findings& findings) {
  bool tcp = false;
  for (const auto& listener : conf.listeners) {
    tcp = tcp || !listener.websockets();
    if (listener.websockets() && !listener.address.empty() && listener.option("socket_domain").empty())
      findings.problem(kConf,
                       "The WebSocket listener " + listener.shown() +
                           " listens on every interface: its address counts only with socket_domain.",
                       "Write `socket_domain ipv4` (or ipv6) below it.");
    if (!listener.tls() && !listener.loopback())
      findings.note(
          kConf, "The listener " + listener.shown() + " takes connections from elsewhere without TLS.",
          "Passwords and messages pass in the clear. Give it certfile and keyfile, bind it to 127.0.0.1, or "
          "have a proxy with TLS before it.");
    if (listener.tls() && listener.option("keyfile").empty())
      findings.problem(kConf, "The listener " + listener.shown() + " has a certfile and no keyfile.",
                       "Name the certificate's private key: keyfile FILE");
    if (listener.option("use_identity_as_username") == "true")
      findings.note(kConf, "The listener " + listener.shown() + " takes users from client certificates.",
                    "Their rights hold, but who owns a client id can't be enforced for them.");
  }
  if (!tcp)
    findings.problem(
        kConf,
        "There are only WebSocket listeners: Mosquitto does not start so, and parleyd needs plain MQTT.",
        "Add one: listener 1883 127.0.0.1");
}

void check_plugin(const MosquittoConf& conf, Findings& findings) {
  const auto* plugin = conf.parley();
  if (!plugin)
    return findings.problem(kConf, "The plugin is not loaded: no `plugin` line names mosquitto_parley.so.",
                            "Add the lines of README.md, \"On a Mosquitto of your own\".");
  std::error_code bad;
  if (!std::filesystem::exists(plugin->path, bad))
    findings.problem(kConf, plugin->path.string() + " is not there: Mosquitto does not start.",
                     "Install parley-broker-plugin, or mend the `plugin` line.");
  const auto options = plugin::parse_options(plugin->options);
  if (!options)
    return findings.problem(kConf, "The plugin's options: " + options.error().message,
                            "Mend the line; until then Mosquitto does not start.");
  findings.ok(kConf, "The plugin's options are sound.");
  if (options->other_topics == plugin::AclDecision::defer && !conf.global.contains("acl_file"))
    findings.note(
        kConf, "There is no acl_file: topics outside Parley's are denied to everybody.",
        "If other programs use this broker, give it an acl_file; otherwise this is as it should be.");
  const auto expiration = expiration_hours(conf.option("persistent_client_expiration"));
  const auto hold = std::chrono::duration_cast<std::chrono::hours>(options->client_id_hold).count();
  if (!expiration)
    findings.note(kConf, "persistent_client_expiration is not set: sleeping sessions stay for ever.",
                  "Set it to at most client_id_hold: persistent_client_expiration 7d");
  else if (*expiration > hold)
    findings.problem(kConf,
                     "persistent_client_expiration (" + conf.option("persistent_client_expiration") +
                         ") is longer than the plugin's client_id_hold (" + std::to_string(hold) +
                         " h): after that somebody else may take over a sleeping session.",
                     "Raise plugin_opt_client_id_hold to it, or lower it.");
}

}  // namespace

std::optional<std::int64_t> expiration_hours(const std::string& text) {
  if (text.size() < 2) return std::nullopt;
  const auto count = number(text.substr(0, text.size() - 1));
  if (!count) return std::nullopt;
  const auto value = static_cast<std::int64_t>(*count);
  switch (text.back()) {
    case 'h':
      return value;
    case 'd':
      return value * 24;
    case 'w':
      return value * 24 * 7;
    case 'm':
      return value * 24 * 30;
    case 'y':
      return value * 24 * 365;
    default:
      return std::nullopt;
  }
}

void check_broker_conf(const MosquittoConf& conf, Findings& findings) {
  if (conf.option("per_listener_settings") == "true")
    findings.problem(
        kConf, "per_listener_settings is true: plugins get no clock then, and this one refuses to start.",
        "Set it to false, or leave it out.");
  if (conf.option("allow_anonymous") == "true")
    findings.note(
        kConf,
        "allow_anonymous is true: clients without a name are let in where the plugin leaves them to others.",
        "Parley's topics stay closed to them. Set it to false unless other programs need it.");
  if (conf.option("persistence") != "true")
    findings.note(kConf,
                  "persistence is off: sessions and what waits for them are gone when the broker restarts.",
                  "Set persistence true and persistence_location, or rely on clients that sync.");
  check_queue(conf, findings);
  check_packets(conf, findings);
  check_listeners(conf, findings);
  check_plugin(conf, findings);
}

}  // namespace parley::ctl
