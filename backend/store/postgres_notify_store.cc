#include "backend/store/postgres_notify_store.h"

#include <map>

#include "backend/store/postgres_notify_rows.h"

namespace parley::backend {
namespace {

#define PARLEY_WISHES                                                                                       \
  " coalesce(n.level, -1), coalesce(n.muted_until, 0), coalesce(q.quiet_from, 0), coalesce(q.quiet_to, 0)," \
  " coalesce(q.quiet_zone, '')"
#define PARLEY_WISHES_OF(room, name)                                                                      \
  " LEFT JOIN LATERAL (SELECT level, muted_until FROM notify_rooms WHERE room_id = " room                 \
  " AND user_name = " name                                                                                \
  " LIMIT 1) n ON true"                                                                                   \
  " LEFT JOIN LATERAL (SELECT quiet_from, quiet_to, quiet_zone FROM notify_prefs WHERE user_name = " name \
  " LIMIT 1) q ON true"

// Members in the order of their names; who can't be reached costs a look at one index.
constexpr std::string_view kMembers =
    "SELECT m.user_name, m.role, m.read," PARLEY_WISHES
    " FROM members m CROSS JOIN LATERAL (SELECT 1 FROM users WHERE name = m.user_name AND NOT disabled LIMIT 1) u"
    PARLEY_WISHES_OF("m.room_id", "m.user_name")
    " WHERE m.room_id = $1 AND m.user_name > $2"
    " AND (NOT $3 OR (SELECT true FROM push_registrations r WHERE r.user_name = m.user_name LIMIT 1))"
    " ORDER BY m.user_name LIMIT $4";
constexpr std::string_view kUsers =
    "SELECT u.name, coalesce(m.role, 0), coalesce(m.read, 0)," PARLEY_WISHES
    " FROM unnest($2::text[]) WITH ORDINALITY AS g(name, place)"
    " CROSS JOIN LATERAL (SELECT name FROM users WHERE name = g.name AND NOT disabled LIMIT 1) u"
    " LEFT JOIN LATERAL (SELECT role, read FROM members WHERE room_id = $1 AND user_name = g.name LIMIT 1) m"
    " ON true" PARLEY_WISHES_OF("$1", "g.name") " ORDER BY g.place";
constexpr std::string_view kTargets =
    "SELECT r.user_name, r.id, r.provider FROM unnest($1::text[]) AS g(name) CROSS JOIN LATERAL"
    " (SELECT user_name, id, provider FROM push_registrations WHERE user_name = g.name ORDER BY id LIMIT $2) "
    "r";
constexpr std::string_view kBlocked =
    "SELECT user_name, blocked FROM user_blocks WHERE blocked = ANY($1) AND user_name BETWEEN $2 AND $3"
    " ORDER BY user_name, blocked";

#define PARLEY_DUE "greatest(excluded.due, CASE WHEN j.shown_at > $8 THEN 0 ELSE j.not_before END)"
// In the order of their keys, so that two that mark the same jobs wait for each other in a row.
constexpr std::string_view kMark =
    "INSERT INTO notify_jobs AS j(user_name, target, provider, room_id, state, due, since, want_seq, "
    "mention_seq)"
    " SELECT n.u, n.t, n.p, n.r, 0, n.d, $8, n.s, n.m"
    " FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])"
    " AS n(u, t, p, r, s, m, d)"
    " WHERE (SELECT true FROM users WHERE name = n.u AND NOT disabled LIMIT 1)"
    " AND (n.r = 0 OR (SELECT true FROM rooms WHERE id = n.r AND NOT deleted LIMIT 1))"
    " AND (left(n.t, 1) = '@' OR (SELECT true FROM push_registrations WHERE id = n.t AND user_name = n.u "
    "LIMIT 1))"
    " ORDER BY n.r, n.u COLLATE \"C\", n.t COLLATE \"C\""
    " ON CONFLICT (room_id, user_name, target) DO UPDATE SET"
    "  state = CASE j.state WHEN 3 THEN 0 ELSE j.state END,"
    "  due = CASE j.state WHEN 0 THEN least(j.due, " PARLEY_DUE ")"
    "                     WHEN 3 THEN " PARLEY_DUE " ELSE j.due END,"
    "  since = CASE j.state WHEN 3 THEN excluded.since ELSE j.since END,"
    "  want_seq = greatest(j.want_seq, excluded.want_seq),"
    "  mention_seq = greatest(j.mention_seq, excluded.mention_seq)"
    " WHERE CASE j.state WHEN 3 THEN excluded.want_seq > j.notice_seq"
    "  ELSE excluded.want_seq > j.want_seq OR excluded.mention_seq > j.mention_seq"
    "   OR j.state = 0 AND " PARLEY_DUE " < j.due END";
#undef PARLEY_DUE

NotifyCandidate read_candidate(const PostgresRows::Row& row) {
  return {.user = row.string(0),
          .role = static_cast<wire::Role>(row.integer(1)),
          .read = row.number(2),
          .room = {static_cast<NotifyLevel>(row.integer(3)), from_ms(row.integer(4))},
          .quiet = {static_cast<std::uint16_t>(row.integer(5)), static_cast<std::uint16_t>(row.integer(6)),
                    row.string(7)}};
}

PostgresArray texts(const std::vector<std::string>& all) {
  auto array = PostgresArray::of_text();
  for (const auto& text : all) array.add(text);
  return array;
}

PostgresArray numbers(std::span<const std::uint64_t> all) {
  auto array = PostgresArray::of_bigint();
  for (const auto number : all) array.add(number);
  return array;
}

PostgresRows some(PostgresConnection& connection, const CandidateQuery& query) {
  if (query.users) return connection.query(kUsers, query.room_id, texts(*query.users));
  return connection.query(kMembers, query.room_id, query.after, query.reachable_only, query.limit);
}

void add_targets(PostgresConnection& connection, std::vector<NotifyCandidate>& candidates) {
  std::map<std::string_view, NotifyCandidate*> by_name;
  auto names = PostgresArray::of_text();
  for (auto& candidate : candidates) {
    by_name[candidate.user] = &candidate;
    names.add(candidate.user);
  }
  for (auto row : connection.query(kTargets, names, kRegistrationsPerUserMax))
    by_name.at(row.text(0))->targets.push_back({row.string(1), row.string(2)});
}

void add_blocked(PostgresConnection& connection, std::vector<NotifyCandidate>& candidates,
                 const std::vector<std::string>& senders) {
  std::map<std::string_view, NotifyCandidate*> by_name;
  for (auto& candidate : candidates) by_name[candidate.user] = &candidate;
  auto rows = connection.query(kBlocked, texts(senders), by_name.begin()->first, by_name.rbegin()->first);
  for (auto row : rows)
    if (const auto at = by_name.find(row.text(0)); at != by_name.end())
      at->second->blocked.push_back(row.string(1));
}

}  // namespace

Result<std::vector<std::uint64_t>> PostgresNotifyStore::cursors(std::span<const std::uint64_t> rooms) {
  if (rooms.empty()) return std::vector<std::uint64_t>{};
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<std::uint64_t>> {
    std::map<std::uint64_t, std::uint64_t> found;
    for (auto row :
         connection.query("SELECT room_id, seq FROM notify_cursors WHERE room_id = ANY($1)", numbers(rooms)))
      found[row.number(0)] = row.number(1);
    std::vector<std::uint64_t> seqs;
    for (const auto room : rooms) seqs.push_back(found[room]);
    return seqs;
  });
}

Result<> PostgresNotifyStore::set_cursor(std::uint64_t room_id, std::uint64_t seq) {
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    use_names(connection);
    connection.query(
        "INSERT INTO notify_cursors(room_id, seq) SELECT id, $2 FROM rooms WHERE id = $1 AND NOT deleted"
        " ON CONFLICT (room_id) DO UPDATE SET seq = excluded.seq",
        room_id, seq);
    return {};
  });
}

Result<std::vector<NotifyCandidate>> PostgresNotifyStore::candidates(const CandidateQuery& query) {
  return pool_->read_consistent([&](PostgresConnection& connection) -> Result<std::vector<NotifyCandidate>> {
    std::vector<NotifyCandidate> found;
    for (auto row : some(connection, query)) found.push_back(read_candidate(row));
    if (found.empty()) return found;
    add_targets(connection, found);
    if (!query.senders.empty()) add_blocked(connection, found, query.senders);
    return found;
  });
}

Result<> PostgresNotifyStore::mark(std::span<const NotifyMark> marks, WallTime now) {
  if (marks.empty()) return {};
  auto users = PostgresArray::of_text(), targets = users, providers = users;
  auto rooms = PostgresArray::of_bigint(), seqs = rooms, mentions = rooms, dues = rooms;
  for (const auto& mark : marks) {
    users.add(mark.user);
    targets.add(mark.target);
    providers.add(mark.provider);
    rooms.add(mark.room_id);
    seqs.add(mark.seq);
    mentions.add(mark.mention ? mark.seq : 0);
    dues.add(static_cast<std::uint64_t>(to_ms(mark.due)));
  }
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    use_names(connection);
    connection.query(kMark, users, targets, providers, rooms, seqs, mentions, dues, to_ms(now));
    return {};
  });
}

// A job that is claimed between the two statements and was not seen by the first is composed after this, and so from what has changed.
Result<std::uint32_t> PostgresNotifyStore::touch(std::uint64_t room_id, std::span<const std::uint64_t> seqs,
                                                 WallTime now) {
  const auto touched = numbers(seqs);
  return pool_->write([&](PostgresConnection& connection) -> Result<std::uint32_t> {
    auto ids = PostgresArray::of_bigint();
    for (auto row : connection.query(
             "SELECT id FROM notify_jobs WHERE id = ANY(ARRAY("
             "  SELECT id FROM notify_jobs WHERE room_id = $1 AND shown_seq = ANY($2) AND shown_seq > 0 UNION"
             "  SELECT id FROM notify_jobs WHERE room_id = $1 AND state = 2))"
             " ORDER BY room_id + 0, user_name, target FOR UPDATE",
             room_id, touched))
      ids.add(row.number(0));
    if (ids.empty()) return 0;
    auto done = connection.query(
        "UPDATE notify_jobs SET changed = changed OR state <> 2, again = again OR state = 2,"
        "  state = CASE state WHEN 3 THEN 0 ELSE state END,"
        "  due = CASE state WHEN 3 THEN $3 WHEN 0 THEN least(due, $3) ELSE due END,"
        "  since = CASE state WHEN 3 THEN $3 ELSE since END"
        " WHERE id = ANY($1) AND (shown_seq > 0 AND shown_seq = ANY($2) OR state = 2 AND EXISTS"
        "  (SELECT 1 FROM unnest($2::bigint[]) AS s(seq) WHERE s.seq > shown_seq AND s.seq <= notice_seq))",
        ids, touched, to_ms(now));
    return static_cast<std::uint32_t>(done.affected());
  });
}

Result<std::vector<NotifyJob>> PostgresNotifyStore::due(WallTime now, std::uint32_t limit) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<NotifyJob>> {
    std::vector<NotifyJob> jobs;
    for (auto row :
         connection.query("SELECT " PARLEY_NOTIFY_JOB_COLUMNS
                          " FROM notify_jobs WHERE state = 0 AND due <= $1 ORDER BY due, id LIMIT $2",
                          to_ms(now), limit))
      jobs.push_back(read_job(row).job);
    return jobs;
  });
}

Result<std::optional<WallTime>> PostgresNotifyStore::next_due() {
  return pool_->read([](PostgresConnection& connection) -> Result<std::optional<WallTime>> {
    auto rows = connection.query("SELECT due FROM notify_jobs WHERE state = 0 ORDER BY due, id LIMIT 1");
    if (rows.empty()) return std::nullopt;
    return from_ms(rows[0].integer(0));
  });
}

Result<> PostgresNotifyStore::judge(std::span<const NotifyVerdict> verdicts, WallTime now) {
  if (verdicts.empty()) return {};
  std::map<std::uint64_t, const NotifyVerdict*> by_job;
  auto ids = PostgresArray::of_bigint();
  for (const auto& verdict : verdicts) {
    by_job[verdict.job] = &verdict;
    ids.add(verdict.job);
  }
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    JobSteps steps;
    for (auto& kept : lock_jobs(connection, ids)) {
      const auto step = judge_job(kept, *by_job.at(kept.job.id), now);
      steps.add(kept, step);
    }
    steps.write(connection);
    return {};
  });
}

#undef PARLEY_WISHES
#undef PARLEY_WISHES_OF

}  // namespace parley::backend
