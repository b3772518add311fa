#include "backend/control/directory_sync.h"

#include <algorithm>
#include <optional>
#include <set>

#include "wire/limits.h"

namespace parley::backend {
namespace {

constexpr std::uint32_t kStepsRead = 500;        // of the log at once
constexpr std::size_t kCommandAim = 256 * 1024;  // bytes of a command's changes and entries, estimated
constexpr int kReplaceTries = 3;

std::size_t weight(const wire::DirectoryChange& change) {
  std::string bytes;
  wire::append_change(bytes, change);
  return 2 * bytes.size() + 96;  // as JSON: hex, member names
}

std::size_t weight(const wire::AppendEntry& entry) {
  return entry.from.size() + entry.role.size() + entry.type.size() + entry.ref.size() + entry.content.size() +
         160;
}

std::size_t weight(const DirectoryStep& step) {
  std::size_t sum = 0;
  for (const auto& change : step.changes) sum += weight(change);
  for (const auto& entry : step.entries) sum += weight(entry);
  return sum;
}

// How many of `entries` one append may carry: at least one.
std::size_t portion(std::span<const wire::AppendEntry> entries) {
  std::size_t n = 0, sum = 0;
  while (n < entries.size() && n < wire::kAppendMax) {
    sum += weight(entries[n]);
    if (n > 0 && sum > kCommandAim) break;
    ++n;
  }
  return n;
}

// Indices of entries the journal had no room for.
std::set<std::size_t> refused_of(const nlohmann::json& answer) {
  std::set<std::size_t> out;
  const auto at = answer.find("refused");
  if (at == answer.end() || !at->is_array()) return out;
  for (const auto& index : *at)
    if (index.is_number_unsigned()) out.insert(index.get<std::size_t>());
  return out;
}

}  // namespace

DirectorySync::DirectorySync(DirectoryLog& log, CommandCaller& plugin, Metrics& metrics, LogSink sink,
                             DirectorySyncOptions options)
    : log_(log),
      plugin_(plugin),
      sink_(std::move(sink)),
      options_(options),
      steps_sent_(metrics.counter("parley_directory_steps_total", "Directory changes sent to the plugin.")),
      replacements_(
          metrics.counter("parley_directory_replacements_total", "Times the whole Directory was sent.")),
      entries_refused_(
          metrics.counter("parley_directory_entries_refused_total",
                          "Joins, leaves, renames the journal had no room for; they are sent again.")),
      version_gauge_(metrics.gauge("parley_directory_version",
                                   "Version of the Directory the plugin is known to have.")) {}

Result<wire::Attach> DirectorySync::introduce() {
  auto directory = log_.directory_id();
  if (!directory) return std::unexpected(directory.error());
  const auto version = log_.version();
  if (!version) return std::unexpected(version.error());
  return wire::Attach{
      .journal = "", .directory = *std::move(directory), .directory_version = *version, .offset = 0};
}

Result<> DirectorySync::renew_epochs() {
  const auto rooms = log_.renew_epochs();
  if (!rooms) return std::unexpected(rooms.error());
  sink_(LogLevel::warning, std::to_string(*rooms) + " rooms have a new epoch");
  return {};
}

void DirectorySync::plugin_has(std::string directory, std::uint64_t version) {
  directory_ = std::move(directory);
  version_ = version;
  entries_wait_ = true;  // perhaps: only the log knows
  version_gauge_.set(static_cast<double>(version_));
}

bool DirectorySync::behind() {
  const auto version = log_.version();
  return version && *version > version_;
}

Result<> DirectorySync::bring_up() {
  const auto directory = log_.directory_id();
  if (!directory) return std::unexpected(directory.error());
  if (*directory != directory_) return replace(*directory);
  for (;;) {
    const auto steps = log_.steps_after(version_, kStepsRead);
    if (!steps && steps.error().code == Errc::not_found) return replace(*directory);
    if (!steps) return std::unexpected(steps.error());
    if (steps->empty()) return {};
    auto sent = send_steps(*steps);
    if (!sent && sent.error().code == Errc::invalid_argument) {
      sink_(LogLevel::error,
            "the plugin does not take a change, so it gets the whole Directory: " + sent.error().message);
      return replace(*directory);
    }
    if (!sent) return sent;
  }
}

Result<> DirectorySync::send_steps(std::span<const DirectoryStep> steps) {
  while (!steps.empty()) {
    std::size_t n = 0, sum = 0, entries = 0;
    for (; n < steps.size(); ++n) {
      sum += weight(steps[n]);
      entries += steps[n].entries.size();
      if (n > 0 && (sum > kCommandAim || entries > wire::kAppendMax)) break;
    }
    // Entries left behind once keep their turn: later ones wait with them.
    const bool fits = n > 1 || (sum <= kCommandAim && entries <= wire::kAppendMax);
    if (auto applied = apply(steps.first(n), fits && !entries_wait_); !applied) return applied;
    steps = steps.subspan(n);
  }
  return {};
}

Result<> DirectorySync::apply(std::span<const DirectoryStep> steps, bool with_entries) {
  wire::DirectoryApply command{.from = version_, .to = steps.back().version, .changes = {}, .entries = {}};
  for (const auto& step : steps) {
    std::ranges::copy(step.changes, std::back_inserter(command.changes));
    if (with_entries)
      std::ranges::copy(step.entries, std::back_inserter(command.entries));
    else if (!step.entries.empty())
      entries_wait_ = true;
  }
  const auto answer = plugin_.call(std::move(command), options_.answer_timeout);
  if (!answer) return std::unexpected(answer.error());
  version_ = steps.back().version;
  version_gauge_.set(static_cast<double>(version_));
  steps_sent_.add(static_cast<double>(steps.size()));
  if (with_entries) confirm(steps, *answer);
  return {};
}

void DirectorySync::confirm(std::span<const DirectoryStep> steps, const nlohmann::json& answer) {
  const auto refused = refused_of(answer);
  entries_refused_.add(static_cast<double>(refused.size()));
  std::size_t first = 0;
  for (const auto& step : steps) {
    const auto end = first + step.entries.size();
    const auto at = refused.lower_bound(first);
    const bool complete = at == refused.end() || *at >= end;
    if (!complete) entries_wait_ = true;
    // A confirmation that is not written down only means that the entries are sent once more.
    if (complete && end > first && !log_.entries_confirmed(step.version)) entries_wait_ = true;
    first = end;
  }
}

Result<> DirectorySync::settle_entries() {
  for (;;) {
    const auto steps = log_.unconfirmed_entries(kStepsRead);
    if (!steps) return std::unexpected(steps.error());
    if (steps->empty()) break;
    for (const auto& step : *steps)
      if (auto settled = settle(step); !settled) return settled;
  }
  entries_wait_ = false;
  return {};
}

Result<> DirectorySync::settle(const DirectoryStep& step) {
  for (std::span<const wire::AppendEntry> rest = step.entries; !rest.empty();) {
    const auto n = portion(rest);
    const auto answer = plugin_.call(
        wire::Append{{rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(n)}}, options_.answer_timeout);
    if (!answer) return std::unexpected(answer.error());
    if (const auto refused = refused_of(*answer); !refused.empty()) {
      entries_refused_.add(static_cast<double>(refused.size()));
      return fail(Errc::unavailable,
                  "The journal takes no entries just now: " + answer->value("refused_code", "?") + ".");
    }
    rest = rest.subspan(n);
  }
  return log_.entries_confirmed(step.version);
}

Result<> DirectorySync::replace(const std::string& directory) {
  for (int i = 0; i < kReplaceTries; ++i) {
    auto done = replace_once(directory);
    if (!done) return std::unexpected(done.error());
    if (*done) return {};
  }
  return fail(Errc::unavailable, "The Directory changes too fast to be sent whole.");
}

// False: a change was committed just as the snapshot began, so the version announced with its first part was not its version.
Result<bool> DirectorySync::replace_once(const std::string& directory) {
  const auto version = log_.version();
  if (!version) return std::unexpected(version.error());
  wire::DirectoryReplace next{
      .directory = directory, .to = *version, .part = 0, .last = false, .changes = {}};
  bool holding = false;  // a part is sent when the next one came, since the last one says so
  const auto at =
      log_.snapshot(options_.snapshot_part, [&](std::vector<wire::DirectoryChange> changes) -> Result<> {
        if (holding) {
          auto answer = plugin_.call(next, options_.answer_timeout);
          if (!answer) return std::unexpected(answer.error());
          ++next.part;
        }
        next.changes = std::move(changes);
        holding = true;
        return {};
      });
  if (!at) return std::unexpected(at.error());
  if (*at != *version) return false;
  next.last = true;
  if (auto answer = plugin_.call(std::move(next), options_.replace_timeout); !answer)
    return std::unexpected(answer.error());
  directory_ = directory;
  version_ = *version;
  version_gauge_.set(static_cast<double>(version_));
  entries_wait_ = true;
  replacements_.add();
  sink_(LogLevel::info, "the plugin has the whole Directory, version " + std::to_string(version_));
  return true;
}

}  // namespace parley::backend
