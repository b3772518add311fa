#include "backend/store/sqlite_directory_log.h"

#include <algorithm>

#include "backend/store/directory_snapshot.h"
#include "backend/store/directory_step_json.h"
#include "base/ids.h"

namespace parley::backend {
namespace {

constexpr std::size_t kEpochChars = 8;

std::uint64_t current_version(SqliteConnection& connection) {
  auto row = connection.query("SELECT version FROM meta");
  row.step();
  return row.number(0);
}

// Steps with unconfirmed entries stay, but the log no longer reaches back over them: the floor says to where
// it does.
void forget_steps_to(SqliteConnection& connection, std::uint64_t floor) {
  connection.run("DELETE FROM directory_log WHERE version <= ? AND entries_pending = 0", floor);
  connection.run("UPDATE meta SET log_floor = max(log_floor, ?)", floor);
}

void forget_old_steps(SqliteConnection& connection, std::uint64_t version, std::uint32_t kept) {
  auto seldom = std::max<std::uint64_t>(kept / 100, 1);
  if (version > kept && version % seldom == 0) forget_steps_to(connection, version - kept);
}

// A row of version, changes, entries.
Result<DirectoryStep> read_step(const Query& row) {
  auto changes = changes_from_text(row.text(1));
  if (!changes) return std::unexpected(changes.error());
  auto entries = entries_from_text(row.text(2));
  if (!entries) return std::unexpected(entries.error());
  return DirectoryStep{row.number(0), std::move(*changes), std::move(*entries)};
}

Result<std::vector<DirectoryStep>> read_steps(Query row) {
  std::vector<DirectoryStep> steps;
  while (row.step()) {
    auto step = read_step(row);
    if (!step) return std::unexpected(step.error());
    steps.push_back(std::move(*step));
  }
  return steps;
}

void set_entries(SqliteConnection& connection, std::uint64_t version,
                 const std::vector<wire::AppendEntry>& entries) {
  connection.run("UPDATE directory_log SET entries = ?2, entries_pending = ?3 WHERE version = ?1", version,
                 entries_to_text(entries), !entries.empty());
}

constexpr std::string_view kPending =
    "SELECT version, '[]', entries FROM directory_log WHERE entries_pending = 1 ORDER BY version LIMIT ?";

}  // namespace

std::uint64_t write_step(SqliteConnection& connection, const StepDraft& draft, std::uint32_t steps_kept) {
  auto version = current_version(connection) + 1;
  auto entries = number_entries(draft, version);
  connection.run("INSERT INTO directory_log VALUES (?, ?, ?, ?)", version, changes_to_text(draft.changes),
                 entries_to_text(entries), !entries.empty());
  connection.run("UPDATE meta SET version = ?", version);
  forget_old_steps(connection, version, steps_kept);
  return version;
}

std::uint64_t skip_version(SqliteConnection& connection) {
  const auto version = current_version(connection) + 1;
  connection.run("UPDATE meta SET version = ?", version);
  forget_steps_to(connection, version);
  return version;
}

Result<std::vector<DirectoryStep>> pending_steps(SqliteConnection& connection) {
  return read_steps(connection.query(kPending, -1));
}

void rewrite_step(SqliteConnection& connection, const DirectoryStep& step) {
  connection.run("UPDATE directory_log SET changes = '[]' WHERE version = ?", step.version);
  set_entries(connection, step.version, step.entries);
}

Result<> drop_entries_of(SqliteConnection& connection, std::uint64_t room_id) {
  auto steps = read_steps(connection.query(kPending, -1));
  if (!steps) return std::unexpected(steps.error());
  for (auto& step : *steps) {
    auto dropped = std::erase_if(step.entries, [&](const auto& entry) { return entry.room == room_id; });
    if (dropped > 0) set_entries(connection, step.version, step.entries);
  }
  return {};
}

Result<std::string> SqliteDirectoryLog::directory_id() {
  return database_->read([](SqliteConnection& connection) -> Result<std::string> {
    auto row = connection.query("SELECT directory_id FROM meta");
    row.step();
    return row.string(0);
  });
}

Result<std::uint64_t> SqliteDirectoryLog::version() {
  return database_->read(
      [](SqliteConnection& connection) -> Result<std::uint64_t> { return current_version(connection); });
}

Result<std::vector<DirectoryStep>> SqliteDirectoryLog::steps_after(std::uint64_t version,
                                                                   std::uint32_t limit) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<DirectoryStep>> {
    auto meta = connection.query("SELECT log_floor, version FROM meta");
    meta.step();
    if (version < meta.number(0) || version > meta.number(1)) {
      return fail(Errc::not_found,
                  "The Directory log does not hold what came after version " + std::to_string(version) + ".");
    }
    return read_steps(connection.query(
        "SELECT version, changes, entries FROM directory_log WHERE version > ? ORDER BY version LIMIT ?",
        version, limit));
  });
}

Result<std::uint64_t> SqliteDirectoryLog::snapshot(std::uint32_t part, const ChangeSink& sink) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::uint64_t> {
    auto version = current_version(connection);
    if (auto streamed = stream_directory(connection, part, sink); !streamed)
      return std::unexpected(streamed.error());
    return version;
  });
}

Result<std::vector<DirectoryStep>> SqliteDirectoryLog::unconfirmed_entries(std::uint32_t limit) {
  return database_->read(
      [&](SqliteConnection& connection) { return read_steps(connection.query(kPending, limit)); });
}

Result<> SqliteDirectoryLog::entries_confirmed(std::uint64_t version) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    set_entries(connection, version, {});
    return {};
  });
}

Result<std::uint64_t> SqliteDirectoryLog::renew_epochs() {
  return database_->write([](SqliteConnection& connection) -> Result<std::uint64_t> {
    std::vector<std::uint64_t> rooms;
    auto row = connection.query("SELECT id FROM rooms WHERE deleted = 0 AND orphaned = 0");
    while (row.step()) rooms.push_back(row.number(0));
    for (auto room : rooms)
      connection.run("UPDATE rooms SET epoch = ? WHERE id = ?", random_id(kEpochChars), room);
    connection.run(
        "UPDATE members SET received = min(received, r.last_seq), read = min(read, r.last_seq) FROM rooms r"
        " WHERE r.id = members.room_id AND members.received > r.last_seq");
    connection.run(
        "UPDATE notify_cursors SET seq = r.last_seq FROM rooms r WHERE r.id = notify_cursors.room_id"
        " AND notify_cursors.seq > r.last_seq");
    connection.run(
        "DELETE FROM notify_jobs WHERE max(want_seq, notice_seq) > (SELECT last_seq FROM rooms WHERE id = "
        "room_id)");
    skip_version(connection);
    return rooms.size();
  });
}

}  // namespace parley::backend
