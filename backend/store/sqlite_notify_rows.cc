#include "backend/store/sqlite_notify_rows.h"

#include <vector>

#include "backend/store/notify_rows.h"

namespace parley::backend {

KeptJob read_job(const Query& row) {
  return read_kept_job(row);
}

std::optional<KeptJob> job_by_id(SqliteConnection& connection, std::uint64_t id) {
  auto row = connection.query(PARLEY_NOTIFY_JOBS " WHERE id = ?", id);
  return row.step() ? std::optional(read_job(row)) : std::nullopt;
}

std::optional<KeptJob> job_by_key(SqliteConnection& connection, std::uint64_t room_id,
                                  const std::string& user, const std::string& target) {
  auto row = connection.query(PARLEY_NOTIFY_JOBS " WHERE room_id = ? AND user = ? AND target = ?", room_id,
                              user, target);
  return row.step() ? std::optional(read_job(row)) : std::nullopt;
}

void insert_job(SqliteConnection& connection, const KeptJob& kept) {
  const auto& job = kept.job;
  connection.run(
      "INSERT INTO notify_jobs(user, target, provider, room_id, state, due, since, want_seq, mention_seq,"
      " changed, shown_seq, shown_at, notice, notice_seq, attempts, not_before, again, claimed_by)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      job.user, job.target, job.provider, job.room_id, static_cast<int>(job.state), to_ms(job.due),
      to_ms(job.since), job.want_seq, job.mention_seq, job.changed, job.shown_seq, to_ms(job.shown_at),
      job.notice, job.notice_seq, job.attempts, to_ms(kept.not_before), kept.again, kept.claimed_by);
}

void update_job(SqliteConnection& connection, const KeptJob& kept) {
  const auto& job = kept.job;
  connection.run(
      "UPDATE notify_jobs SET state = ?2, due = ?3, since = ?4, want_seq = ?5, mention_seq = ?6, changed = "
      "?7,"
      " shown_seq = ?8, shown_at = ?9, notice = ?10, notice_seq = ?11, attempts = ?12, not_before = ?13,"
      " again = ?14, claimed_by = ?15 WHERE id = ?1",
      job.id, static_cast<int>(job.state), to_ms(job.due), to_ms(job.since), job.want_seq, job.mention_seq,
      job.changed, job.shown_seq, to_ms(job.shown_at), job.notice, job.notice_seq, job.attempts,
      to_ms(kept.not_before), kept.again, kept.claimed_by);
}

void write_step(SqliteConnection& connection, const KeptJob& kept, const JobStep& step) {
  if (step.fate == JobFate::kept) update_job(connection, kept);
  if (step.fate == JobFate::gone) connection.run("DELETE FROM notify_jobs WHERE id = ?", kept.job.id);
  if (const auto& event = step.event)
    connection.run(
        "INSERT INTO notify_log(at, user, provider, target, room_id, seq, outcome, reason, notice, attempts,"
        " took_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        to_ms(event->at), event->user, event->provider, event->target, event->room_id, event->seq,
        event->outcome, event->reason, event->notice, event->attempts, event->took.count());
  if (const auto& dead = step.dead)
    connection.run(
        "INSERT INTO notify_dead(at, user, provider, target, room_id, seq, mention_seq, reason, notice,"
        " attempts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        to_ms(dead->event.at), dead->event.user, dead->event.provider, dead->event.target,
        dead->event.room_id, dead->event.seq, dead->mention_seq, dead->event.reason, dead->event.notice,
        dead->event.attempts);
}

bool known_user(SqliteConnection& connection, const std::string& user) {
  return connection
      .query("SELECT 1 FROM users WHERE name = ?1 AND NOT EXISTS (SELECT 1 FROM erasures WHERE user = ?1)",
             user)
      .step();
}

bool may_be_told(SqliteConnection& connection, const std::string& user, const std::string& target,
                 std::uint64_t room_id) {
  if (!connection.query("SELECT 1 FROM users WHERE name = ? AND disabled = 0", user).step()) return false;
  if (room_id != 0 &&
      !connection.query("SELECT 1 FROM rooms WHERE id = ? AND deleted = 0 AND orphaned = 0", room_id).step())
    return false;
  return of_operator(target) ||
         connection.query("SELECT 1 FROM push_registrations WHERE id = ? AND user = ?", target, user).step();
}

std::uint32_t drop_registration(SqliteConnection& connection, const std::string& id) {
  connection.run(
      "DELETE FROM notify_jobs WHERE target = ?1 AND user = (SELECT user FROM push_registrations WHERE id = "
      "?1)",
      id);
  return static_cast<std::uint32_t>(connection.run("DELETE FROM push_registrations WHERE id = ?", id));
}

std::uint32_t drop_registrations(SqliteConnection& connection, const std::string& user,
                                 const std::string& device) {
  std::vector<std::string> ids;
  {
    auto row =
        connection.query("SELECT id FROM push_registrations WHERE user = ? AND device = ?", user, device);
    while (row.step()) ids.push_back(row.string(0));
  }
  for (const auto& id : ids) drop_registration(connection, id);
  return static_cast<std::uint32_t>(ids.size());
}

void silence(SqliteConnection& connection, const std::string& user) {
  connection.run("DELETE FROM push_registrations WHERE user = ?", user);
  connection.run("DELETE FROM notify_jobs WHERE user = ?", user);
}

void forget_wishes(SqliteConnection& connection, const std::string& user) {
  silence(connection, user);
  for (const char* sql :
       {"DELETE FROM notify_prefs WHERE user = ?", "DELETE FROM notify_rooms WHERE user = ?",
        "DELETE FROM user_blocks WHERE user = ?", "DELETE FROM user_blocks WHERE blocked = ?",
        "DELETE FROM notify_log WHERE user = ?", "DELETE FROM notify_dead WHERE user = ?"})
    connection.run(sql, user);
}

void forget_wishes_about(SqliteConnection& connection, std::uint64_t room_id) {
  for (const char* sql :
       {"DELETE FROM notify_rooms WHERE room_id = ?", "DELETE FROM notify_cursors WHERE room_id = ?",
        "DELETE FROM notify_jobs WHERE room_id = ?"})
    connection.run(sql, room_id);
}

}  // namespace parley::backend
