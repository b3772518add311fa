#include "backend/store/postgres_notify_rows.h"

#include "backend/store/notify_rows.h"

namespace parley::backend {
namespace {

PostgresArray numbers_of(const PostgresRows& rows) {
  auto ids = PostgresArray::of_bigint();
  for (auto row : rows) ids.add(row.number(0));
  return ids;
}

std::uint64_t ms(WallTime at) {
  return static_cast<std::uint64_t>(to_ms(at));
}

// `locked`: numbers of jobs, locked in everybody's order.
void drop_jobs(PostgresConnection& connection, const PostgresRows& locked) {
  const auto ids = numbers_of(locked);
  if (!ids.empty()) connection.query("DELETE FROM notify_jobs WHERE id = ANY($1)", ids);
}

}  // namespace

void use_names(PostgresConnection& connection) {
  connection.query("SELECT pg_advisory_xact_lock_shared(12, 0)");
}

void remove_names(PostgresConnection& connection) {
  connection.query("SELECT pg_advisory_xact_lock(12, 0)");
}

KeptJob read_job(const PostgresRows::Row& row) {
  return read_kept_job(row);
}

std::vector<KeptJob> lock_jobs(PostgresConnection& connection, const PostgresArray& ids) {
  std::vector<KeptJob> jobs;
  for (auto row :
       connection.query("SELECT " PARLEY_NOTIFY_JOB_COLUMNS
                        " FROM notify_jobs WHERE id = ANY($1) ORDER BY room_id + 0, user_name, target"
                        " FOR UPDATE",
                        ids))
    jobs.push_back(read_job(row));
  return jobs;
}

void JobSteps::add(const KeptJob& kept, const JobStep& step) {
  if (step.fate == JobFate::kept) kept_.push_back(kept);
  if (step.fate == JobFate::gone) gone_.add(kept.job.id);
  if (step.event) events_.push_back(*step.event);
  if (step.dead) dead_.push_back(*step.dead);
}

void JobSteps::write(PostgresConnection& connection) {
  update_jobs(connection, kept_);
  if (!gone_.empty()) connection.query("DELETE FROM notify_jobs WHERE id = ANY($1)", gone_);
  if (!events_.empty()) write_log(connection);
  if (!dead_.empty()) write_letters(connection);
}

void update_jobs(PostgresConnection& connection, const std::vector<KeptJob>& jobs) {
  if (jobs.empty()) return;
  auto ids = PostgresArray::of_bigint(), states = ids, dues = ids, sinces = ids, wants = ids, mentions = ids,
       changes = ids, shown = ids, shown_at = ids, notice_seqs = ids, attempts = ids, not_before = ids;
  auto notices = PostgresArray::of_text(), claimed_by = notices;
  for (const auto& kept : jobs) {
    const auto& job = kept.job;
    ids.add(job.id);
    states.add(static_cast<std::uint64_t>(job.state));
    dues.add(ms(job.due));
    sinces.add(ms(job.since));
    wants.add(job.want_seq);
    mentions.add(job.mention_seq);
    changes.add((job.changed ? 1u : 0u) + (kept.again ? 2u : 0u));
    shown.add(job.shown_seq);
    shown_at.add(ms(job.shown_at));
    notices.add(job.notice);
    notice_seqs.add(job.notice_seq);
    attempts.add(job.attempts);
    not_before.add(ms(kept.not_before));
    claimed_by.add(kept.claimed_by);
  }
  connection.query(
      "UPDATE notify_jobs j SET state = n.b, due = n.c, since = n.d, want_seq = n.e, mention_seq = n.f,"
      " changed = n.g & 1 = 1, again = n.g & 2 = 2, shown_seq = n.h, shown_at = n.i, notice = n.j,"
      " notice_seq = n.k, attempts = n.l, not_before = n.m, claimed_by = n.o"
      " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],"
      " $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[],"
      " $14::text[]) AS n(a, b, c, d, e, f, g, h, i, j, k, l, m, o)"
      " WHERE j.id = n.a AND j.id = ANY($1::bigint[])",
      ids, states, dues, sinces, wants, mentions, changes, shown, shown_at, notices, notice_seqs, attempts,
      not_before, claimed_by);
}

void JobSteps::write_log(PostgresConnection& connection) {
  auto at = PostgresArray::of_bigint(), rooms = at, seqs = at, attempts = at, took = at;
  auto users = PostgresArray::of_text(), providers = users, targets = users, outcomes = users,
       reasons = users, notices = users;
  for (const auto& event : events_) {
    at.add(ms(event.at));
    users.add(event.user);
    providers.add(event.provider);
    targets.add(event.target);
    rooms.add(event.room_id);
    seqs.add(event.seq);
    outcomes.add(event.outcome);
    reasons.add(event.reason);
    notices.add(event.notice);
    attempts.add(event.attempts);
    took.add(static_cast<std::uint64_t>(event.took.count()));
  }
  connection.query(
      "INSERT INTO notify_log(at, user_name, provider, target, room_id, seq, outcome, reason, notice, "
      "attempts,"
      " took_ms) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[],"
      " $6::bigint[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[])",
      at, users, providers, targets, rooms, seqs, outcomes, reasons, notices, attempts, took);
}

void JobSteps::write_letters(PostgresConnection& connection) {
  auto at = PostgresArray::of_bigint(), rooms = at, seqs = at, mentions = at, attempts = at;
  auto users = PostgresArray::of_text(), providers = users, targets = users, reasons = users, notices = users;
  for (const auto& [event, mention_seq] : dead_) {
    at.add(ms(event.at));
    users.add(event.user);
    providers.add(event.provider);
    targets.add(event.target);
    rooms.add(event.room_id);
    seqs.add(event.seq);
    mentions.add(mention_seq);
    reasons.add(event.reason);
    notices.add(event.notice);
    attempts.add(event.attempts);
  }
  connection.query(
      "INSERT INTO notify_dead(at, user_name, provider, target, room_id, seq, mention_seq, reason, notice,"
      " attempts) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[],"
      " $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::bigint[])",
      at, users, providers, targets, rooms, seqs, mentions, reasons, notices, attempts);
}

bool lock_user(PostgresConnection& connection, const std::string& user) {
  return !connection.query("SELECT 1 FROM users WHERE name = $1 FOR NO KEY UPDATE", user).empty() &&
         connection.query("SELECT 1 FROM erasures WHERE user_name = $1", user).empty();
}

void drop_registrations(PostgresConnection& connection, const PostgresArray& ids) {
  if (ids.empty()) return;
  auto users = PostgresArray::of_text();
  for (auto row :
       connection.query("DELETE FROM push_registrations WHERE id = ANY($1) RETURNING user_name", ids))
    users.add(row.text(0));
  drop_jobs(connection,
            connection.query("SELECT id FROM notify_jobs WHERE user_name = ANY($1) AND target = ANY($2)"
                             " ORDER BY room_id + 0, user_name, target FOR UPDATE",
                             users, ids));
}

std::uint32_t drop_registrations(PostgresConnection& connection, const std::string& user,
                                 const std::string& device) {
  const auto rows = connection.query("SELECT id FROM push_registrations WHERE user_name = $1 AND device = $2",
                                     user, device);
  auto ids = PostgresArray::of_text();
  for (auto row : rows) ids.add(row.text(0));
  drop_registrations(connection, ids);
  return static_cast<std::uint32_t>(rows.size());
}

void silence(PostgresConnection& connection, const std::string& user) {
  connection.query("DELETE FROM push_registrations WHERE user_name = $1", user);
  drop_jobs(connection, connection.query("SELECT id FROM notify_jobs WHERE user_name = $1"
                                         " ORDER BY room_id + 0, user_name, target FOR UPDATE",
                                         user));
}

void forget_wishes(PostgresConnection& connection, const std::string& user) {
  silence(connection, user);
  for (const char* sql :
       {"DELETE FROM notify_prefs WHERE user_name = $1", "DELETE FROM notify_rooms WHERE user_name = $1",
        "DELETE FROM user_blocks WHERE user_name = $1", "DELETE FROM user_blocks WHERE blocked = $1",
        "DELETE FROM notify_log WHERE user_name = $1", "DELETE FROM notify_dead WHERE user_name = $1"})
    connection.query(sql, user);
}

void forget_wishes_about(PostgresConnection& connection, std::uint64_t room_id) {
  connection.query("DELETE FROM notify_rooms WHERE room_id = $1", room_id);
  connection.query("DELETE FROM notify_cursors WHERE room_id = $1", room_id);
  drop_jobs(connection, connection.query("SELECT id FROM notify_jobs WHERE room_id = $1"
                                         " ORDER BY room_id + 0, user_name, target FOR UPDATE",
                                         room_id));
}

void forget_what_is_gone(PostgresConnection& connection, const PostgresArray& rooms,
                         const PostgresArray& last_seqs) {
  connection.query(
      "UPDATE notify_cursors c SET seq = n.last_seq FROM unnest($1::bigint[], $2::bigint[]) AS n(id, "
      "last_seq)"
      " WHERE c.room_id = n.id AND c.seq > n.last_seq",
      rooms, last_seqs);
  drop_jobs(connection,
            connection.query("SELECT j.id FROM notify_jobs j WHERE j.room_id <> 0 AND j.id = ANY(ARRAY("
                             "  SELECT g.id FROM unnest($1::bigint[], $2::bigint[]) AS n(id, last_seq)"
                             "  JOIN notify_jobs g ON g.room_id = n.id"
                             "   AND greatest(g.want_seq, g.notice_seq) > n.last_seq))"
                             " ORDER BY j.room_id + 0, j.user_name, j.target FOR UPDATE",
                             rooms, last_seqs));
}

}  // namespace parley::backend
