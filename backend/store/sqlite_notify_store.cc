#include "backend/store/sqlite_notify_store.h"

#include <algorithm>

#include "backend/store/sqlite_notify_rows.h"

namespace parley::backend {
namespace {

// In this order, whatever the tables hold: members by name, each with a look at four keys.
constexpr std::string_view kMembers =
    "SELECT m.user, m.role, m.read, coalesce(n.level, -1), coalesce(n.muted_until, 0), "
    "coalesce(q.quiet_from, 0),"
    " coalesce(q.quiet_to, 0), coalesce(q.quiet_zone, '') FROM members m CROSS JOIN users u ON u.name = "
    "m.user"
    " LEFT JOIN notify_rooms n ON n.room_id = m.room_id AND n.user = m.user"
    " LEFT JOIN notify_prefs q ON q.user = m.user WHERE m.room_id = ?1 AND m.user > ?2"
    " AND (?3 = 0 OR EXISTS (SELECT 1 FROM push_registrations r WHERE r.user = m.user)) AND u.disabled = 0"
    " ORDER BY m.user LIMIT ?4";
constexpr std::string_view kUser =
    "SELECT u.name, coalesce(m.role, 0), coalesce(m.read, 0), coalesce(n.level, -1), coalesce(n.muted_until, "
    "0),"
    " coalesce(q.quiet_from, 0), coalesce(q.quiet_to, 0), coalesce(q.quiet_zone, '') FROM users u"
    " LEFT JOIN members m ON m.room_id = ?1 AND m.user = u.name"
    " LEFT JOIN notify_rooms n ON n.room_id = ?1 AND n.user = u.name"
    " LEFT JOIN notify_prefs q ON q.user = u.name WHERE u.name = ?2 AND u.disabled = 0";

NotifyCandidate read_candidate(const Query& row) {
  return {.user = row.string(0),
          .role = static_cast<wire::Role>(row.integer(1)),
          .read = row.number(2),
          .room = {static_cast<NotifyLevel>(row.integer(3)), from_ms(row.integer(4))},
          .quiet = {static_cast<std::uint16_t>(row.integer(5)), static_cast<std::uint16_t>(row.integer(6)),
                    row.string(7)}};
}

std::vector<NotifyCandidate> some(SqliteConnection& connection, const CandidateQuery& query) {
  std::vector<NotifyCandidate> found;
  if (query.users) {
    for (const auto& user : *query.users)
      if (auto row = connection.query(kUser, query.room_id, user); row.step())
        found.push_back(read_candidate(row));
    return found;
  }
  auto row = connection.query(kMembers, query.room_id, query.after, query.reachable_only, query.limit);
  while (row.step()) found.push_back(read_candidate(row));
  return found;
}

void add_targets(SqliteConnection& connection, NotifyCandidate& candidate) {
  auto row = connection.query("SELECT id, provider FROM push_registrations WHERE user = ? ORDER BY id",
                              candidate.user);
  while (row.step()) candidate.targets.push_back({row.string(0), row.string(1)});
}

void add_blocked(SqliteConnection& connection, NotifyCandidate& candidate,
                 const std::vector<std::string>& senders) {
  if (senders.empty()) return;
  auto row =
      connection.query("SELECT blocked FROM user_blocks WHERE user = ? ORDER BY blocked", candidate.user);
  while (row.step())
    if (std::ranges::find(senders, row.text(0)) != senders.end()) candidate.blocked.push_back(row.string(0));
}

void mark_one(SqliteConnection& connection, const NotifyMark& mark, WallTime now) {
  if (!may_be_told(connection, mark.user, mark.target, mark.room_id)) return;
  auto kept = job_by_key(connection, mark.room_id, mark.user, mark.target);
  if (!kept)
    insert_job(connection, job_of(mark, now));
  else if (mark_job(*kept, mark, now))
    update_job(connection, *kept);
}

}  // namespace

Result<std::vector<std::uint64_t>> SqliteNotifyStore::cursors(std::span<const std::uint64_t> rooms) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<std::uint64_t>> {
    std::vector<std::uint64_t> seqs;
    for (const auto room : rooms) {
      auto row = connection.query("SELECT seq FROM notify_cursors WHERE room_id = ?", room);
      seqs.push_back(row.step() ? row.number(0) : 0);
    }
    return seqs;
  });
}

Result<> SqliteNotifyStore::set_cursor(std::uint64_t room_id, std::uint64_t seq) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    connection.run(
        "INSERT INTO notify_cursors(room_id, seq) SELECT id, ?2 FROM rooms WHERE id = ?1 AND deleted = 0 AND"
        " orphaned = 0 ON CONFLICT (room_id) DO UPDATE SET seq = excluded.seq",
        room_id, seq);
    return {};
  });
}

Result<std::vector<NotifyCandidate>> SqliteNotifyStore::candidates(const CandidateQuery& query) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<NotifyCandidate>> {
    auto found = some(connection, query);
    for (auto& candidate : found) {
      add_targets(connection, candidate);
      add_blocked(connection, candidate, query.senders);
    }
    return found;
  });
}

Result<> SqliteNotifyStore::mark(std::span<const NotifyMark> marks, WallTime now) {
  if (marks.empty()) return {};
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    for (const auto& mark : marks) mark_one(connection, mark, now);
    return {};
  });
}

Result<std::uint32_t> SqliteNotifyStore::touch(std::uint64_t room_id, std::span<const std::uint64_t> seqs,
                                               WallTime now) {
  return database_->write([&](SqliteConnection& connection) -> Result<std::uint32_t> {
    std::vector<KeptJob> touched;
    {
      auto sending = connection.query(PARLEY_NOTIFY_JOBS " WHERE room_id = ? AND state = 2", room_id);
      while (sending.step())
        if (auto kept = read_job(sending); touches(kept, seqs)) touched.push_back(std::move(kept));
      for (const auto seq : seqs) {
        auto shown = connection.query(PARLEY_NOTIFY_JOBS
                                      " WHERE room_id = ? AND shown_seq = ? AND shown_seq > 0 AND state <> 2",
                                      room_id, seq);
        while (shown.step()) touched.push_back(read_job(shown));
      }
    }
    for (auto& kept : touched) {
      touch_job(kept, now);
      update_job(connection, kept);
    }
    return static_cast<std::uint32_t>(touched.size());
  });
}

Result<std::vector<NotifyJob>> SqliteNotifyStore::due(WallTime now, std::uint32_t limit) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<NotifyJob>> {
    std::vector<NotifyJob> jobs;
    auto row = connection.query(PARLEY_NOTIFY_JOBS " WHERE state = 0 AND due <= ? ORDER BY due, id LIMIT ?",
                                to_ms(now), limit);
    while (row.step()) jobs.push_back(read_job(row).job);
    return jobs;
  });
}

Result<std::optional<WallTime>> SqliteNotifyStore::next_due() {
  return database_->read([](SqliteConnection& connection) -> Result<std::optional<WallTime>> {
    auto row = connection.query("SELECT due FROM notify_jobs WHERE state = 0 ORDER BY due LIMIT 1");
    if (!row.step()) return std::nullopt;
    return from_ms(row.integer(0));
  });
}

Result<> SqliteNotifyStore::judge(std::span<const NotifyVerdict> verdicts, WallTime now) {
  if (verdicts.empty()) return {};
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    for (const auto& verdict : verdicts) {
      auto kept = job_by_id(connection, verdict.job);
      if (!kept) continue;
      const auto step = judge_job(*kept, verdict, now);
      write_step(connection, *kept, step);
    }
    return {};
  });
}

}  // namespace parley::backend
