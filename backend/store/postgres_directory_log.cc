#include "backend/store/postgres_directory_log.h"

#include <map>

#include "backend/store/directory_step_json.h"
#include "backend/store/postgres_change.h"
#include "backend/store/postgres_notify_rows.h"
#include "backend/store/postgres_snapshot.h"

namespace parley::backend {
namespace {

constexpr std::size_t kEpochChars = 8;
constexpr std::uint32_t kAll = 1'000'000'000;

using Steps = std::vector<DirectoryStep>;

std::uint64_t current_version(PostgresConnection& connection) {
  return connection.query("SELECT version FROM directory")[0].number(0);
}

// Rows of version, changes, entries.
Result<Steps> read_steps(const PostgresRows& rows) {
  Steps steps;
  for (auto row : rows) {
    auto changes = changes_from_text(row.text(1));
    if (!changes) return std::unexpected(changes.error());
    auto entries = entries_from_text(row.text(2));
    if (!entries) return std::unexpected(entries.error());
    steps.push_back({row.number(0), std::move(*changes), std::move(*entries)});
  }
  return steps;
}

void set_entries(PostgresConnection& connection, std::uint64_t version,
                 const std::vector<wire::AppendEntry>& entries) {
  connection.query("UPDATE directory_log SET entries = $2, entries_pending = $3 WHERE version = $1", version,
                   entries_to_text(entries), !entries.empty());
}

constexpr std::string_view kPending =
    "SELECT version, '[]', entries FROM directory_log WHERE entries_pending ORDER BY version LIMIT $1";

// Of every room, wherever its messages lie.
Result<std::map<std::uint64_t, std::uint64_t>> last_seqs(PostgresConnection& connection,
                                                         PostgresShards* shards) {
  std::map<std::uint64_t, std::uint64_t> lasts;
  std::map<std::string, std::vector<std::uint64_t>> elsewhere;
  auto rows = connection.query(
      "SELECT r.id, r.shard, coalesce(p.last_seq, 0) FROM rooms r LEFT JOIN room_progress p ON p.room_id = "
      "r.id"
      " WHERE NOT r.deleted");
  for (auto row : rows) {
    lasts[row.number(0)] = row.number(2);
    if (!row.text(1).empty()) elsewhere[row.string(1)].push_back(row.number(0));
  }
  for (const auto& [shard, rooms] : elsewhere) {
    if (!shards)
      return fail(Errc::unavailable, "A room lies in another database; store_shards does not name it.");
    auto progress = shards->progress(shard, rooms);
    if (!progress) return std::unexpected(progress.error());
    for (const auto& [room, known] : *progress) lasts[room] = known.last_seq;
  }
  return lasts;
}

}  // namespace

Result<> drop_entries_of(PostgresConnection& connection, std::uint64_t room_id) {
  auto steps = read_steps(connection.query(kPending, kAll));
  if (!steps) return std::unexpected(steps.error());
  for (auto& step : *steps) {
    auto dropped = std::erase_if(step.entries, [&](const auto& entry) { return entry.room == room_id; });
    if (dropped > 0) set_entries(connection, step.version, step.entries);
  }
  return {};
}

Result<std::string> PostgresDirectoryLog::directory_id() {
  return pool_->read([](PostgresConnection& connection) -> Result<std::string> {
    return connection.query("SELECT directory_id FROM directory")[0].string(0);
  });
}

Result<std::uint64_t> PostgresDirectoryLog::version() {
  return pool_->read(
      [](PostgresConnection& connection) -> Result<std::uint64_t> { return current_version(connection); });
}

Result<Steps> PostgresDirectoryLog::steps_after(std::uint64_t version, std::uint32_t limit) {
  return pool_->read_consistent([&](PostgresConnection& connection) -> Result<Steps> {
    auto ends = connection.query("SELECT log_floor, version FROM directory");
    if (version < ends[0].number(0) || version > ends[0].number(1)) {
      return fail(Errc::not_found,
                  "The Directory log does not hold what came after version " + std::to_string(version) + ".");
    }
    return read_steps(connection.query(
        "SELECT version, changes, entries FROM directory_log WHERE version > $1 ORDER BY version LIMIT $2",
        version, limit));
  });
}

Result<std::uint64_t> PostgresDirectoryLog::snapshot(
    std::uint32_t part, const std::function<Result<>(std::vector<wire::DirectoryChange>)>& sink) {
  return pool_->read_consistent([&](PostgresConnection& connection) -> Result<std::uint64_t> {
    auto version = current_version(connection);
    if (auto streamed = stream_directory(connection, shards_.get(), part, sink); !streamed)
      return std::unexpected(streamed.error());
    return version;
  });
}

Result<Steps> PostgresDirectoryLog::unconfirmed_entries(std::uint32_t limit) {
  return pool_->read(
      [&](PostgresConnection& connection) { return read_steps(connection.query(kPending, limit)); });
}

// Confirming again changes nothing, so an unknown end may be tried again.
Result<> PostgresDirectoryLog::entries_confirmed(std::uint64_t version) {
  auto confirmed = pool_->write([&](PostgresConnection& connection) -> Result<> {
    set_entries(connection, version, {});
    return {};
  });
  if (!confirmed && confirmed.error().code == Errc::in_doubt) confirmed.error().code = Errc::unavailable;
  return confirmed;
}

// Renewing twice does no harm: the caller sends the whole Directory after it, with the newest epochs.
Result<std::uint64_t> PostgresDirectoryLog::renew_epochs() {
  return commit_change(
      *pool_, steps_kept_,
      [&](PostgresConnection& connection, PostgresChange& change) -> Result<std::uint64_t> {
        auto lasts = last_seqs(connection, shards_.get());
        if (!lasts) return std::unexpected(lasts.error());
        auto ids = PostgresArray::of_bigint(), epochs = PostgresArray::of_text(),
             seqs = PostgresArray::of_bigint();
        for (const auto& [room, last_seq] : *lasts) {
          ids.add(room);
          epochs.add(random_id(kEpochChars));
          seqs.add(last_seq);
        }
        connection.query(
            "UPDATE rooms SET epoch = n.epoch FROM unnest($1::bigint[], $2::text[])"
            " AS n(id, epoch) WHERE rooms.id = n.id",
            ids, epochs);
        connection.query(
            "UPDATE members m SET received = least(m.received, n.last_seq), read = least(m.read, n.last_seq)"
            " FROM unnest($1::bigint[], $2::bigint[]) AS n(id, last_seq)"
            " WHERE m.room_id = n.id AND m.received > n.last_seq",
            ids, seqs);
        forget_what_is_gone(connection, ids, seqs);
        change.skip_version();
        return lasts->size();
      });
}

}  // namespace parley::backend
