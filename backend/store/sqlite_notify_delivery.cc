#include "backend/store/sqlite_notify_delivery.h"

#include <map>

#include "backend/store/notify_rows.h"
#include "backend/store/sqlite_notify_rows.h"
#include "base/ids.h"

namespace parley::backend {
namespace {

constexpr std::string_view kLog =
    "SELECT l.id, l.at, l.user, l.provider, l.target, coalesce(r.name, ''), l.seq, l.outcome, l.reason, "
    "l.notice,"
    " l.attempts, l.took_ms FROM notify_log l LEFT JOIN rooms r ON r.id = l.room_id AND r.deleted = 0 AND"
    " r.orphaned = 0 WHERE l.id < ?1 AND (?2 = '' OR l.provider = ?2) AND (?3 = '' OR l.outcome = ?3)"
    " ORDER BY l.id DESC LIMIT ?4";
constexpr std::string_view kLogOfUser =
    "SELECT l.id, l.at, l.user, l.provider, l.target, coalesce(r.name, ''), l.seq, l.outcome, l.reason, "
    "l.notice,"
    " l.attempts, l.took_ms FROM notify_log l LEFT JOIN rooms r ON r.id = l.room_id AND r.deleted = 0 AND"
    " r.orphaned = 0 WHERE l.id < ?1 AND (?2 = '' OR l.provider = ?2) AND (?3 = '' OR l.outcome = ?3)"
    " AND l.user = ?5 ORDER BY l.id DESC LIMIT ?4";

std::uint32_t count(std::int64_t rows) {
  return static_cast<std::uint32_t>(rows);
}

DeadJob read_dead(const Query& row) {
  return {.event = {.user = row.string(1),
                    .provider = row.string(2),
                    .target = row.string(3),
                    .room_id = row.number(4),
                    .seq = row.number(5),
                    .notice = row.string(7)},
          .mention_seq = row.number(6)};
}

// The letters, which are there no more afterwards.
std::vector<DeadJob> take_letters(SqliteConnection& connection, std::span<const std::uint64_t> ids) {
  constexpr std::string_view kLetter =
      "SELECT id, user, provider, target, room_id, seq, mention_seq, notice FROM notify_dead"
      " WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3";
  std::vector<DeadJob> letters;
  std::vector<std::uint64_t> taken;
  const auto take = [&](Query row) {
    while (row.step()) {
      letters.push_back(read_dead(row));
      taken.push_back(row.number(0));
    }
  };
  if (ids.empty()) take(connection.query(kLetter, 0, INT64_MAX, kNotifyBatchMax));
  for (const auto id : ids) take(connection.query(kLetter, id, id, 1));
  for (const auto id : taken) connection.run("DELETE FROM notify_dead WHERE id = ?", id);
  return letters;
}

std::uint32_t revive(SqliteConnection& connection, const DeadJob& letter, WallTime now) {
  const auto& event = letter.event;
  if (!may_be_told(connection, event.user, event.target, event.room_id)) return 0;
  if (auto kept = job_by_key(connection, event.room_id, event.user, event.target)) {
    revive_job(*kept, letter, now);
    update_job(connection, *kept);
  } else {
    insert_job(connection, job_of(letter, now));
  }
  return 1;
}

}  // namespace

Result<std::vector<NotifyJob>> SqliteNotifyDelivery::claim(const std::string& provider, const std::string& by,
                                                           std::uint32_t limit, WallTime now,
                                                           WallTime until) {
  constexpr std::string_view kReady =
      PARLEY_NOTIFY_JOBS " WHERE state IN (1, 2) AND provider = ? AND due <= ? ORDER BY due, id LIMIT ?";
  auto any = database_->read([&](SqliteConnection& connection) -> Result<bool> {
    return connection.query(kReady, provider, to_ms(now), 1).step();
  });
  if (!any) return std::unexpected(any.error());
  if (!*any) return std::vector<NotifyJob>{};
  return database_->write([&](SqliteConnection& connection) -> Result<std::vector<NotifyJob>> {
    std::vector<KeptJob> found;
    {
      auto row = connection.query(kReady, provider, to_ms(now), limit);
      while (row.step()) found.push_back(read_job(row));
    }
    std::vector<NotifyJob> claimed;
    UlidGenerator ids;
    for (auto& kept : found) {
      claim_job(kept, by, format_ulid(ids.next(now)), until);
      update_job(connection, kept);
      claimed.push_back(std::move(kept.job));
    }
    return claimed;
  });
}

Result<std::uint32_t> SqliteNotifyDelivery::finish(const std::string& by,
                                                   std::span<const NotifyResult> results, WallTime now) {
  if (results.empty()) return 0;
  return database_->write([&](SqliteConnection& connection) -> Result<std::uint32_t> {
    std::uint32_t theirs = 0;
    for (const auto& result : results) {
      auto kept = job_by_id(connection, result.job);
      if (!kept) continue;
      const auto step = finish_job(*kept, by, result, now);
      theirs += step.fate != JobFate::untouched;
      write_step(connection, *kept, step);
    }
    return theirs;
  });
}

Result<std::vector<NotifyLogRow>> SqliteNotifyDelivery::log(const NotifyLogQuery& query) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<NotifyLogRow>> {
    const auto before = query.before > 0 ? static_cast<std::int64_t>(query.before) : INT64_MAX;
    auto row = query.user.empty() ? connection.query(kLog, before, query.provider, query.outcome, query.limit)
                                  : connection.query(kLogOfUser, before, query.provider, query.outcome,
                                                     query.limit, query.user);
    std::vector<NotifyLogRow> rows;
    while (row.step())
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
                      .attempts = count(row.integer(10)),
                      .took = std::chrono::milliseconds(row.integer(11))});
    return rows;
  });
}

Result<std::vector<DeadLetter>> SqliteNotifyDelivery::dead(std::uint64_t after, std::uint32_t limit) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<DeadLetter>> {
    auto row = connection.query(
        "SELECT d.id, d.at, d.user, d.provider, d.target, coalesce(r.name, ''), d.seq, d.reason, d.notice, "
        "d.attempts"
        " FROM notify_dead d LEFT JOIN rooms r ON r.id = d.room_id AND r.deleted = 0 AND r.orphaned = 0"
        " WHERE d.id > ? ORDER BY d.id LIMIT ?",
        after, limit);
    std::vector<DeadLetter> letters;
    while (row.step())
      letters.push_back({.id = row.number(0),
                         .at = from_ms(row.integer(1)),
                         .user = row.string(2),
                         .provider = row.string(3),
                         .target = row.string(4),
                         .room = row.string(5),
                         .seq = row.number(6),
                         .reason = row.string(7),
                         .notice = row.string(8),
                         .attempts = count(row.integer(9))});
    return letters;
  });
}

Result<std::uint32_t> SqliteNotifyDelivery::retry_dead(std::span<const std::uint64_t> ids, WallTime now) {
  return database_->write([&](SqliteConnection& connection) -> Result<std::uint32_t> {
    std::uint32_t jobs = 0;
    for (const auto& letter : newest_letters(take_letters(connection, ids)))
      jobs += revive(connection, letter, now);
    return jobs;
  });
}

Result<std::vector<NotifyQueue>> SqliteNotifyDelivery::queues() {
  return database_->read([](SqliteConnection& connection) -> Result<std::vector<NotifyQueue>> {
    std::map<std::string, NotifyQueue> queues;
    auto row = connection.query(
        "SELECT provider, sum(state = 0), sum(state = 1), sum(state = 2), sum(state = 3), 0,"
        " coalesce(min(CASE WHEN state IN (1, 2) THEN since END), 0) FROM notify_jobs GROUP BY provider"
        " UNION ALL SELECT provider, 0, 0, 0, 0, count(*), 0 FROM notify_dead GROUP BY provider");
    while (row.step()) add_queue_row(queues, row);
    return list_of(std::move(queues));
  });
}

Result<bool> SqliteNotifyDelivery::sweep(WallTime shown_before, WallTime kept_from, std::uint32_t limit) {
  return database_->write([&](SqliteConnection& connection) -> Result<bool> {
    const auto jobs = connection.run(
        "DELETE FROM notify_jobs WHERE id IN (SELECT id FROM notify_jobs WHERE state = 3 AND shown_at < ? "
        "ORDER BY"
        " shown_at LIMIT ?)",
        to_ms(shown_before), limit);
    const auto events = connection.run(
        "DELETE FROM notify_log WHERE id IN (SELECT id FROM notify_log WHERE at < ? ORDER BY at LIMIT ?)",
        to_ms(kept_from), limit);
    const auto letters = connection.run(
        "DELETE FROM notify_dead WHERE id IN (SELECT id FROM notify_dead WHERE at < ? ORDER BY at LIMIT ?)",
        to_ms(kept_from), limit);
    const auto over = connection.run(
        "DELETE FROM notify_dead WHERE id IN (SELECT id FROM notify_dead WHERE id <= (SELECT id FROM "
        "notify_dead"
        " ORDER BY id DESC LIMIT 1 OFFSET ?1) ORDER BY id LIMIT ?2)",
        kDeadLettersMax, limit);
    return std::max({jobs, events, letters, over}) >= limit;
  });
}

}  // namespace parley::backend
