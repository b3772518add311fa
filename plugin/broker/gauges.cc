#include "plugin/broker/gauges.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/disk_space.h"

namespace parley::plugin {

using nlohmann::json;

namespace {

// 0 when it can't be known.
std::uint64_t resident_bytes() {
  auto* file = std::fopen("/proc/self/statm", "re");
  if (!file) return 0;
  unsigned long long size = 0, resident = 0;
  const int read = std::fscanf(file, "%llu %llu", &size, &resident);
  std::fclose(file);
  return read == 2 ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

void add_limits(json& gauges) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) gauges["process_max_fds"] = files.rlim_cur;
  gauges["process_resident_memory_bytes"] = resident_bytes();
}

void add_disk(json& gauges, const std::filesystem::path& folder) {
  const auto space = disk_space(folder);
  if (!space) return;
  gauges["data_dir_size_bytes"] = space->bytes;
  gauges["data_dir_free_bytes"] = space->bytes_free;
}

}  // namespace

std::optional<std::int64_t> oldest_unstored_ms(const Journal& journal) {
  auto at = journal.acked();
  for (int runs = 0; runs < 2; ++runs) {  // a segment that ended early gives one without records
    const auto run = journal.read(at, 1);
    if (!run || run->to == run->from) return std::nullopt;
    std::size_t size = 0;
    if (run->count > 0) {
      const auto record = wire::read_record(run->bytes, size);
      return record ? std::optional(record->at_ms) : std::nullopt;
    }
    at = run->to;
  }
  return std::nullopt;
}

json gauges_of(const Core& core) {
  const auto journal = core.journal->stats();
  const auto feed = core.feed->stats();
  const auto now = to_ms(core.clock.wall());
  json gauges{{"sessions", core.sessions.size()},
              {"users", core.live().user_count()},
              {"rooms", core.live().room_count()},
              {"directory_version", core.directory->version()},
              {"directory_bytes", core.live().memory_bytes()},
              {"client_ids", core.client_ids->size()},
              {"bans_by_admins", core.bans->list().by_admins()},
              {"bans_by_broker", core.bans->list().by_broker()},
              {"bans_user", core.bans->list().of_kind(wire::BanKind::user)},
              {"bans_client", core.bans->list().of_kind(wire::BanKind::client)},
              {"bans_network", core.bans->list().of_kind(wire::BanKind::network)},
              {"tracked_addresses", core.admission->tracked_addresses()},
              {"tracked_failed_logins", core.admission->tracked_failures()},
              {"auth_under_way", core.counters.auth_under_way},
              {"revoked_jwts", core.revoked_jwts->size()},
              {"journal_backlog_bytes", journal.backlog_bytes},
              {"journal_max_bytes", core.options.journal_max_bytes},
              {"journal_segments", journal.segments},
              {"journal_refs", journal.refs},
              {"journal_refs_max", core.options.ref_max},
              {"feed_lag_bytes", feed.lag_bytes},
              {"feed_in_flight", feed.in_flight}};
  const auto oldest = oldest_unstored_ms(*core.journal);
  gauges["journal_age_seconds"] =
      oldest ? static_cast<double>(std::max<std::int64_t>(0, now - *oldest)) / 1000 : 0.0;
  add_disk(gauges, core.options.data_dir);
  add_limits(gauges);
  return gauges;
}

json queues_of(const Core& core) {
  return {{"events", {{"length", core.backend.waiting()}, {"capacity", BackendLink::kEventsMax}}}};
}

json about_plugin(const Core& core) {
  return {{"version", PARLEY_VERSION}, {"now_ms", to_ms(core.clock.wall())}};
}

}  // namespace parley::plugin
