#include "backend/store/postgres_notify_delivery.h"

#include <algorithm>
#include <map>

#include "backend/store/notify_rows.h"
#include "backend/store/postgres_notify_rows.h"
#include "base/ids.h"

namespace parley::backend {
namespace {

// What somebody else is claiming at this moment is passed over, and nobody waits for anybody.
constexpr std::string_view kClaim =
    "WITH taken AS MATERIALIZED (SELECT id FROM notify_jobs WHERE state IN (1, 2) AND provider = $1 AND due "
    "<= $2"
    "  ORDER BY due, id LIMIT $3 FOR UPDATE SKIP LOCKED)"
    " UPDATE notify_jobs j SET state = 2, due = $4, claimed_by = $5,"
    "  notice_seq = CASE j.notice WHEN '' THEN j.want_seq ELSE j.notice_seq END,"
    "  notice = CASE j.notice WHEN ''"
    "   THEN ($6::text[])[array_position(ARRAY(SELECT id FROM taken), j.id)] ELSE j.notice END"
    " WHERE j.id = ANY(ARRAY(SELECT id FROM taken)) RETURNING " PARLEY_NOTIFY_JOB_COLUMNS
    ", array_position(ARRAY(SELECT id FROM taken), j.id)";

// Rows first, in the order of their numbers; then the names of their rooms.
#define PARLEY_LOG(of_user)                                                                                 \
  "SELECT l.id, l.at, l.user_name, l.provider, l.target, coalesce(r.name, ''), l.seq, l.outcome, l.reason," \
  " l.notice, l.attempts, l.took_ms FROM (SELECT * FROM notify_log WHERE id < $1"                           \
  "  AND ($2 = '' OR provider = $2) AND ($3 = '' OR outcome = $3)" of_user                                  \
  "  ORDER BY id DESC LIMIT $4) l LEFT JOIN LATERAL"                                                        \
  " (SELECT name FROM rooms WHERE id = l.room_id AND NOT deleted LIMIT 1) r ON true ORDER BY l.id DESC"
constexpr std::string_view kLog = PARLEY_LOG("");
constexpr std::string_view kLogOfUser = PARLEY_LOG(" AND user_name = $5");
#undef PARLEY_LOG

constexpr std::string_view kMayBeTold =
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM users WHERE name = $1 AND NOT disabled)"
    " AND ($3 = 0::bigint OR EXISTS (SELECT 1 FROM rooms WHERE id = $3 AND NOT deleted))"
    " AND (left($2::text, 1) = '@' OR EXISTS (SELECT 1 FROM push_registrations WHERE id = $2 AND user_name = "
    "$1))";

DeadJob read_dead(const PostgresRows::Row& row) {
  return {.event = {.user = row.string(0),
                    .provider = row.string(1),
                    .target = row.string(2),
                    .room_id = row.number(3),
                    .seq = row.number(4),
                    .notice = row.string(6)},
          .mention_seq = row.number(5)};
}

// The letters, which are there no more afterwards; by id.
std::vector<DeadJob> take_letters(PostgresConnection& connection, std::span<const std::uint64_t> ids) {
  auto wanted = PostgresArray::of_bigint();
  for (const auto id : ids) wanted.add(id);
  constexpr std::string_view kTake =
      "WITH taken AS (DELETE FROM notify_dead WHERE id = ANY($1)"
      "  RETURNING id, user_name, provider, target, room_id, seq, mention_seq, notice)"
      " SELECT user_name, provider, target, room_id, seq, mention_seq, notice FROM taken ORDER BY id";
  constexpr std::string_view kTakeFirst =
      "WITH taken AS (DELETE FROM notify_dead WHERE id = ANY(ARRAY(SELECT id FROM notify_dead ORDER BY id "
      "LIMIT $1))"
      "  RETURNING id, user_name, provider, target, room_id, seq, mention_seq, notice)"
      " SELECT user_name, provider, target, room_id, seq, mention_seq, notice FROM taken ORDER BY id";
  std::vector<DeadJob> letters;
  for (auto row :
       ids.empty() ? connection.query(kTakeFirst, kNotifyBatchMax) : connection.query(kTake, wanted))
    letters.push_back(read_dead(row));
  return letters;
}

// Whether it was not there.
bool insert_job(PostgresConnection& connection, const KeptJob& kept) {
  const auto& job = kept.job;
  return connection
             .query(
                 "INSERT INTO notify_jobs(user_name, target, provider, room_id, state, due, since, want_seq,"
                 " mention_seq, notice, notice_seq) VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10)"
                 " ON CONFLICT DO NOTHING",
                 job.user, job.target, job.provider, job.room_id, to_ms(job.due), to_ms(job.since),
                 job.want_seq, job.mention_seq, job.notice, job.notice_seq)
             .affected() > 0;
}

std::uint32_t revive(PostgresConnection& connection, const DeadJob& letter, WallTime now) {
  const auto& event = letter.event;
  if (connection.query(kMayBeTold, event.user, event.target, event.room_id).empty()) return 0;
  if (insert_job(connection, job_of(letter, now))) return 1;
  std::vector<KeptJob> jobs;
  for (auto row : connection.query("SELECT " PARLEY_NOTIFY_JOB_COLUMNS
                                   " FROM notify_jobs WHERE room_id = $1 AND user_name = $2 AND target = $3"
                                   " FOR UPDATE",
                                   event.room_id, event.user, event.target)) {
    jobs.push_back(read_job(row));
    revive_job(jobs.back(), letter, now);
  }
  update_jobs(connection, jobs);
  return 1;
}

}  // namespace

Result<std::vector<NotifyJob>> PostgresNotifyDelivery::claim(const std::string& provider,
                                                             const std::string& by, std::uint32_t limit,
                                                             WallTime now, WallTime until) {
  auto notices = PostgresArray::of_text();
  UlidGenerator ids;
  for (std::uint32_t n = 0; n < limit; ++n) notices.add(format_ulid(ids.next(now)));
  return pool_->write([&](PostgresConnection& connection) -> Result<std::vector<NotifyJob>> {
    std::vector<std::pair<std::uint64_t, NotifyJob>> placed;
    for (auto row : connection.query(kClaim, provider, to_ms(now), limit, to_ms(until), by, notices))
      placed.emplace_back(row.number(19), read_job(row).job);
    std::ranges::sort(placed, {}, [](const auto& item) { return item.first; });
    std::vector<NotifyJob> jobs;
    for (auto& [place, job] : placed) jobs.push_back(std::move(job));
    return jobs;
  });
}

Result<std::uint32_t> PostgresNotifyDelivery::finish(const std::string& by,
                                                     std::span<const NotifyResult> results, WallTime now) {
  if (results.empty()) return 0;
  std::map<std::uint64_t, const NotifyResult*> by_job;
  auto ids = PostgresArray::of_bigint();
  for (const auto& result : results) {
    by_job[result.job] = &result;
    ids.add(result.job);
  }
  return pool_->write([&](PostgresConnection& connection) -> Result<std::uint32_t> {
    JobSteps steps;
    std::uint32_t theirs = 0;
    for (auto& kept : lock_jobs(connection, ids)) {
      const auto step = finish_job(kept, by, *by_job.at(kept.job.id), now);
      theirs += step.fate != JobFate::untouched;
      steps.add(kept, step);
    }
    steps.write(connection);
    return theirs;
  });
}

Result<std::vector<NotifyLogRow>> PostgresNotifyDelivery::log(const NotifyLogQuery& query) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<NotifyLogRow>> {
    const auto before = query.before > 0 ? static_cast<std::int64_t>(query.before) : INT64_MAX;
    auto found =
        query.user.empty()
            ? connection.query(kLog, before, query.provider, query.outcome, query.limit)
            : connection.query(kLogOfUser, before, query.provider, query.outcome, query.limit, query.user);
    std::vector<NotifyLogRow> rows;
    for (auto row : found)
      rows.push_back({.id = row.number(0),
                      .at = from_ms(row.integer(1)),
                      .user = row.string(2),
                      .provider = row.string(3),
                      .target = row.string(4),
                      .room = row.string(5),
                      .seq = row.number(6),
                      .outcome = row.string(7),
                      .reason = row.string(8),
                      .notice = row.string(9),
                      .attempts = static_cast<std::uint32_t>(row.integer(10)),
                      .took = std::chrono::milliseconds(row.integer(11))});
    return rows;
  });
}

Result<std::vector<DeadLetter>> PostgresNotifyDelivery::dead(std::uint64_t after, std::uint32_t limit) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<DeadLetter>> {
    std::vector<DeadLetter> letters;
    for (auto row : connection.query(
             "SELECT d.id, d.at, d.user_name, d.provider, d.target, coalesce(r.name, ''), d.seq, d.reason, "
             "d.notice,"
             " d.attempts FROM (SELECT * FROM notify_dead WHERE id > $1 ORDER BY id LIMIT $2) d LEFT JOIN "
             "LATERAL"
             " (SELECT name FROM rooms WHERE id = d.room_id AND NOT deleted LIMIT 1) r ON true ORDER BY d.id",
             after, limit))
      letters.push_back({.id = row.number(0),
                         .at = from_ms(row.integer(1)),
                         .user = row.string(2),
                         .provider = row.string(3),
                         .target = row.string(4),
                         .room = row.string(5),
                         .seq = row.number(6),
                         .reason = row.string(7),
                         .notice = row.string(8),
                         .attempts = static_cast<std::uint32_t>(row.integer(9))});
    return letters;
  });
}

Result<std::uint32_t> PostgresNotifyDelivery::retry_dead(std::span<const std::uint64_t> ids, WallTime now) {
  return pool_->write([&](PostgresConnection& connection) -> Result<std::uint32_t> {
    use_names(connection);
    std::uint32_t jobs = 0;
    for (const auto& letter : newest_letters(take_letters(connection, ids)))
      jobs += revive(connection, letter, now);
    return jobs;
  });
}

Result<std::vector<NotifyQueue>> PostgresNotifyDelivery::queues() {
  return pool_->read([](PostgresConnection& connection) -> Result<std::vector<NotifyQueue>> {
    std::map<std::string, NotifyQueue> queues;
    for (auto row : connection.query(
             "SELECT provider, count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1),"
             " count(*) FILTER (WHERE state = 2), count(*) FILTER (WHERE state = 3), 0::bigint,"
             " coalesce(min(since) FILTER (WHERE state IN (1, 2)), 0) FROM notify_jobs GROUP BY provider"
             " UNION ALL SELECT provider, 0, 0, 0, 0, count(*), 0 FROM notify_dead GROUP BY provider"))
      add_queue_row(queues, row);
    return list_of(std::move(queues));
  });
}

Result<bool> PostgresNotifyDelivery::sweep(WallTime shown_before, WallTime kept_from, std::uint32_t limit) {
  return pool_->write([&](PostgresConnection& connection) -> Result<bool> {
    const auto jobs = connection.query(
        "DELETE FROM notify_jobs WHERE id = ANY(ARRAY(SELECT id FROM notify_jobs WHERE state = 3 AND "
        "shown_at < $1"
        " ORDER BY shown_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
        to_ms(shown_before), limit);
    const auto events = connection.query(
        "DELETE FROM notify_log WHERE id = ANY(ARRAY(SELECT id FROM notify_log WHERE at < $1 ORDER BY at "
        "LIMIT $2"
        " FOR UPDATE SKIP LOCKED))",
        to_ms(kept_from), limit);
    const auto letters = connection.query(
        "DELETE FROM notify_dead WHERE id = ANY(ARRAY(SELECT id FROM notify_dead WHERE at < $1 ORDER BY at "
        "LIMIT $2"
        " FOR UPDATE SKIP LOCKED))",
        to_ms(kept_from), limit);
    const auto over = connection.query(
        "DELETE FROM notify_dead WHERE id = ANY(ARRAY(SELECT id FROM notify_dead WHERE id <="
        " (SELECT id FROM notify_dead ORDER BY id DESC LIMIT 1 OFFSET $1) ORDER BY id LIMIT $2 FOR UPDATE "
        "SKIP LOCKED))",
        kDeadLettersMax, limit);
    return std::max({jobs.affected(), events.affected(), letters.affected(), over.affected()}) >= limit;
  });
}

}  // namespace parley::backend
