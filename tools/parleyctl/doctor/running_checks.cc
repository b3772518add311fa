#include "tools/parleyctl/doctor/running_checks.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/parleyctl/doctor/system.h"

namespace parley::ctl {
namespace {

constexpr const char* kRunning = "running";
constexpr const char* kVersions = "versions";
constexpr const char* kClock = "clock";
constexpr const char* kJournal = "journal";
constexpr double kSkewMax_s = 2, kJournalFullMax = 0.5, kJournalAgeMax_s = 60, kFullMax = 0.8;

std::string percent(double share) {
  return std::to_string(static_cast<int>(std::lround(share * 100))) + " %";
}

// The one line of what a program said, for a finding.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

void judge_versions(const MetricsText& metrics, const std::string& own, Findings& findings) {
  std::string differing;
  const auto look = [&](const char* family, const char* who) {
    for (const auto& [version, one] : metrics.by_label(family, "version"))
      if (version != own) differing += std::string(differing.empty() ? "" : ", ") + who + " " + version;
  };
  look("parley_build_info", "parleyd");
  look("parley_broker_build_info", "the broker's plugin");
  if (differing.empty())
    return findings.ok(kVersions, "Plugin, parleyd and tools are all of version " + own + ".");
  findings.problem(kVersions, "Versions differ: parleyctl " + own + ", " + differing + " is running.",
                   "Finish the upgrade: install the same version of all packages, and restart what still "
                   "runs the old one.");
}

void judge_clock(const MetricsText& metrics, Findings& findings) {
  const auto skew = metrics.value("parley_broker_clock_skew_seconds");
  if (!skew) return;
  if (std::abs(*skew) > kSkewMax_s)
    findings.problem(kClock,
                     "The broker's clock is " + std::to_string(std::lround(*skew)) + " s from parleyd's.",
                     "Have both machines keep time (systemd-timesyncd or chrony).");
  else
    findings.ok(kClock, "The clocks of broker and parleyd agree.");
}

void judge_journal(const MetricsText& metrics, Findings& findings) {
  const auto backlog = metrics.value("parley_broker_journal_backlog_bytes"),
             most = metrics.value("parley_broker_journal_max_bytes");
  const auto age = metrics.value("parley_broker_journal_age_seconds");
  if (!backlog || !most || !age) return;
  if (*backlog > kJournalFullMax * *most)
    findings.problem(kJournal,
                     "The journal is " + percent(*backlog / *most) + " full of messages that are not stored.",
                     "Beyond journal_max_bytes messages are refused: get parleyd and its database going.");
  else if (*age > kJournalAgeMax_s)
    findings.problem(
        kJournal, "The oldest message that is not stored is " + std::to_string(std::lround(*age)) + " s old.",
        "Look at parleyd's log and at the database: it is slow, or stands still.");
  else
    findings.ok(kJournal, "The journal holds " + std::to_string(std::lround(*backlog)) +
                              " bytes that are not stored yet.");
  if (metrics.value("parley_feed_corrupt").value_or(0) != 0)
    findings.problem(kJournal, "The feed stands still at a broken record of the journal.",
                     "Keep a copy of data_dir, look at its disk; parleyd's log names the offset.");
}

void judge_dependencies(const MetricsText& metrics, Findings& findings) {
  const auto states = metrics.by_label("parley_breaker_state", "dependency");
  std::string working;
  for (const auto& [name, state] : states) {
    if (state == 0)
      working += (working.empty() ? "" : ", ") + name;
    else
      findings.problem(
          "dependencies",
          name + " does not work for parleyd: its breaker is " + (state == 2 ? "open." : "half-open."),
          "Look at that server, and at parleyd's log for what it says of it.");
  }
  if (!working.empty()) findings.ok("dependencies", "These work: " + working + ".");
  for (const auto& [provider, wrong] : metrics.by_label("parley_notify_misconfigured", "provider"))
    if (wrong != 0)
      findings.problem("notifications", provider + " refuses our credentials or settings.",
                       "Renew its key or mend its keys in parleyd.toml, then `parleyctl notify test USER`.");
}

void judge_queues(const MetricsText& metrics, Findings& findings) {
  for (const std::string family : {"parley_queue", "parley_broker_queue"}) {
    const auto lengths = metrics.by_label(family + "_length", "queue");
    for (const auto& [queue, capacity] : metrics.by_label(family + "_capacity", "queue"))
      if (const auto length = lengths.find(queue);
          length != lengths.end() && length->second > kFullMax * capacity)
        findings.problem("queues",
                         "The queue " + queue + " is " + percent(length->second / capacity) + " full.",
                         "What comes beyond is refused or dropped: the database or the broker is too slow "
                         "for what comes.");
  }
}

void judge_files(const MetricsText& metrics, Findings& findings) {
  const auto check = [&](const char* who, std::optional<double> used, std::optional<double> most) {
    if (!used || !most || *most == 0) return;
    if (*used > kFullMax * *most)
      findings.problem("limits",
                       std::string(who) + " uses " + percent(*used / *most) + " of its file descriptors.",
                       "Raise LimitNOFILE of its systemd unit and restart it.");
    else
      findings.ok("limits", std::string(who) + " may open " + std::to_string(std::lround(*most)) + " files.");
  };
  check("parleyd", metrics.value("process_open_fds"), metrics.value("process_max_fds"));
  check("The broker", metrics.value("parley_broker_sessions"),
        metrics.value("parley_broker_process_max_fds"));
  if (metrics.value("parley_broker_process_max_fds").value_or(1e9) < 4096)
    findings.note("limits", "The broker may have few clients: each takes a file descriptor.",
                  "Set LimitNOFILE=65536 in mosquitto.service.");
}

}  // namespace

void check_listening(const MosquittoConf& conf, Findings& findings) {
  for (const auto& listener : conf.listeners) {
    if (listener.port == 0) continue;  // a socket file
    const auto host = listener.address.empty() || listener.address == "0.0.0.0" || listener.address == "::"
                          ? "127.0.0.1"
                          : listener.address;
    const auto fault = connect_fault(host, listener.port);
    if (fault.empty())
      findings.ok(kRunning, "The broker listens on " + listener.shown() + ".");
    else
      findings.problem(kRunning, "Nobody answers on the listener " + listener.shown() + ": " + fault + ".",
                       "Start Mosquitto, or look at the end of its log for why it does not start.");
  }
}

void check_running(const backend::Config& config, const std::string& own_version, Findings& findings) {
  const auto& http = config.http;
  if (http.port == 0)
    return findings.note(kRunning,
                         "parleyd's HTTP is off (http.port = 0): whether it works can't be seen from here.",
                         "`parleyctl status` asks by MQTT.");
  const auto host = http.address == "0.0.0.0" || http.address == "::" ? "127.0.0.1" : http.address;
  const auto ready = http_get(host, http.port, "/readyz");
  if (!ready)
    return findings.problem(kRunning,
                            "parleyd does not answer on " + host + ":" + std::to_string(http.port) + ": " +
                                ready.error().message + ".",
                            "Start it, or look at the end of its log for why it does not start.");
  if (ready->status == 200) {
    findings.ok(kRunning, "parleyd is attached to the broker's plugin and stores messages.");
  } else {
    const auto body = nlohmann::json::parse(ready->body, nullptr, false);
    findings.problem(
        kRunning,
        "parleyd is not ready: " + (body.is_object() ? body.value("reason", "") : first_line(ready->body)),
        "\"standby\" is as it should be when another parleyd is attached; anything else: the log of parleyd "
        "and of Mosquitto.");
  }
  const auto metrics = http_get(host, http.port, "/metrics");
  if (metrics && metrics->status == 200) judge_metrics(MetricsText(metrics->body), own_version, findings);
}

void judge_metrics(const MetricsText& metrics, const std::string& own_version, Findings& findings) {
  judge_versions(metrics, own_version, findings);
  judge_clock(metrics, findings);
  judge_journal(metrics, findings);
  judge_dependencies(metrics, findings);
  judge_queues(metrics, findings);
  judge_files(metrics, findings);
}

void check_program(const std::string& parleyd, const std::string& config_file, const std::string& own_version,
                   Findings& findings) {
  const auto version = run_program({parleyd, "--version"});
  if (!version)
    return findings.note("parleyd.toml", version.error().message,
                         "Name it with --parleyd to have it check its configuration and store.");
  if (first_line(version->said) != "parleyd " + own_version)
    findings.problem(
        kVersions,
        "This is parleyctl " + own_version + ", and " + parleyd + " is " + first_line(version->said) + ".",
        "Install the same version of both packages.");
  const auto checked = run_program({parleyd, "--config", config_file, "--check-config"});
  if (!checked || checked->exit_code != 0)
    return findings.problem(
        "parleyd.toml",
        "Its configuration is not valid: " + (checked ? checked->said : checked.error().message),
        "Mend these keys; `parleyd --print-default-config` explains each.");
  findings.ok("parleyd.toml", "Its configuration is valid.");
  const auto store = run_program({parleyd, "--config", config_file, "migrate", "--check"});
  if (store && store->exit_code == 0)
    findings.ok("store", "The database answers, and its tables are as this parleyd needs them.");
  else if (store && store->said.starts_with("pending"))
    findings.note("store", "The database answers; its tables are older than this parleyd.",
                  "Its next start brings them up to date.");
  else
    findings.problem(
        "store", "The database does not answer: " + (store ? first_line(store->said) : store.error().message),
        "Look whether it runs, and at `store` and store_password_file.");
}

void check_clock(Findings& findings) {
  const auto kept = clock_is_synchronised();
  if (!kept) return;
  if (*kept)
    findings.ok(kClock, "This machine's clock is synchronised.");
  else
    findings.note(kClock, "This machine's clock is not synchronised, as far as its kernel knows.",
                  "Run systemd-timesyncd or chrony: ends of tokens and times of messages are judged by it.");
}

}  // namespace parley::ctl
