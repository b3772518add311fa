#pragma once
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "backend/control/conversation.h"
#include "backend/metrics/metrics.h"
#include "backend/store/directory_log.h"
#include "base/log.h"

namespace parley::backend {

// Sends one command and waits for its answer; errors of Conversation.
class CommandCaller {
 public:
  virtual ~CommandCaller() = default;
  virtual Result<nlohmann::json> call(CommandBody body, std::chrono::milliseconds timeout) = 0;
};

struct DirectorySyncOptions {
  std::uint32_t snapshot_part = 1'000;  // changes in one part of the whole Directory
  std::chrono::milliseconds answer_timeout{5'000};
  std::chrono::milliseconds replace_timeout{
      120'000};  // for the last part: the plugin builds its tables and writes them down
};

// Brings the plugin's Directory to the database's and the entries of its changes into the journal, in order. Not thread-safe; blocks on
// both. Errors: unavailable, corrupt, internal (try again later), in_doubt and permission_denied (attach anew).
class DirectorySync {
 public:
  DirectorySync(DirectoryLog& log, CommandCaller& plugin, Metrics& metrics, LogSink sink,
                DirectorySyncOptions options = {});

  // `directory` and `directory_version` of an attach.
  Result<wire::Attach> introduce();
  // Gives every room a new epoch; the next bring_up() sends everything.
  Result<> renew_epochs();
  // What the plugin said it has.
  void plugin_has(std::string directory, std::uint64_t version);
  std::uint64_t version() const { return version_; }
  // Whether the log has what the plugin lacks, as far as can be told: a database that is away is no news.
  bool behind();

  // Sends what the plugin lacks: the steps, or everything where there are none (another Directory, a version the log does not reach, a step
  // the plugin does not take).
  Result<> bring_up();

  // Entries of past steps are not in the journal yet.
  bool entries_wait() const { return entries_wait_; }
  // Sends them. unavailable: the plugin has no room for them now.
  Result<> settle_entries();

 private:
  Result<> send_steps(std::span<const DirectoryStep> steps);
  Result<> apply(std::span<const DirectoryStep> steps, bool with_entries);
  void confirm(std::span<const DirectoryStep> steps, const nlohmann::json& answer);
  Result<> replace(const std::string& directory);
  Result<bool> replace_once(const std::string& directory);
  Result<> settle(const DirectoryStep& step);

  DirectoryLog& log_;
  CommandCaller& plugin_;
  LogSink sink_;
  DirectorySyncOptions options_;
  Counter steps_sent_, replacements_, entries_refused_;
  Gauge version_gauge_;

  std::string directory_;
  std::uint64_t version_ = 0;
  bool entries_wait_ = false;
};

}  // namespace parley::backend
