#include "backend/move/moved_rows.h"

#include <utility>

#include "base/encoding.h"

namespace parley::backend {
namespace {

constexpr MovedTable kTables[] = {
    {"users", "tttiiti", "SELECT name, name_key, title, admin, disabled, scram, created_at FROM users",
     "INSERT INTO users(name, name_key, title, admin, disabled, scram, created_at)"
     " SELECT a, b, c, d <> 0, e <> 0, f, g FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[],"
     " $5::bigint[], $6::text[], $7::bigint[]) AS n(a, b, c, d, e, f, g)"},
    {"tokens", "tttxii", "SELECT id, user, label, sha256, created_at, expires_at FROM tokens",
     "INSERT INTO tokens(id, user_name, label, sha256, created_at, expires_at)"
     " SELECT a, b, c, decode(d, 'hex'), e, f FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],"
     " $5::bigint[], $6::bigint[]) AS n(a, b, c, d, e, f)"},
    {"rooms", "ittititiiiti",
     "SELECT id, name, name_key, kind, title, public, epoch, members, deleted, slow_s, search_key, held"
     " FROM rooms WHERE orphaned = 0",
     "INSERT INTO rooms(id, name, name_key, kind, title, public, epoch, members, deleted, slow_s, search_key,"
     " held) SELECT a, b, c, d::smallint, e, f <> 0, g, h::integer, i <> 0, j, k, l <> 0 FROM unnest("
     "$1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[], $8::bigint[],"
     " $9::bigint[], $10::bigint[], $11::text[], $12::bigint[]) AS n(a, b, c, d, e, f, g, h, i, j, k, l)"},
    {"room_progress", "itiiiiiiiiiiii",
     "SELECT id, name, CASE WHEN orphaned = 1 THEN 3 ELSE deleted END, last_seq, messages, quarantined,"
     " counted, rewritten, annotated, last_message, retain_s, retain_messages, expired, held FROM rooms",
     "INSERT INTO room_progress(room_id, room, state, last_seq, messages, quarantined, counted, rewritten, "
     "annotated, last_message, retain_s, retain_messages, expired, held)"
     " SELECT a, b, c::smallint, d, e, f <> 0, g, h, i, j, k, l, m, o <> 0 FROM unnest($1::bigint[],"
     " $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],"
     " $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[])"
     " AS n(a, b, c, d, e, f, g, h, i, j, k, l, m, o)"},
    {"members", "itiiii", "SELECT room_id, user, role, since, received, read FROM members",
     "INSERT INTO members(room_id, user_name, role, since, received, read) SELECT a, b, c::smallint, d, e, f"
     " FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])"
     " AS n(a, b, c, d, e, f)"},
    {"bans", "iti", "SELECT room_id, user, since FROM bans",
     "INSERT INTO bans(room_id, user_name, since) SELECT a, b, c"
     " FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS n(a, b, c)"},
    {"mutes", "iti", "SELECT room_id, user, until FROM mutes",
     "INSERT INTO mutes(room_id, user_name, until) SELECT a, b, c"
     " FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS n(a, b, c)"},
    {"invitations", "ititii", "SELECT room_id, user, role, inviter, at, expires_at FROM invitations",
     "INSERT INTO invitations(room_id, user_name, role, inviter, at, expires_at)"
     " SELECT a, b, c::smallint, d, e, f FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[],"
     " $5::bigint[], $6::bigint[]) AS n(a, b, c, d, e, f)"},
    {"join_links", "tixtiiii",
     "SELECT id, room_id, sha256, creator, at, expires_at, uses_left, uses FROM join_links",
     "INSERT INTO join_links(id, room_id, sha256, creator, at, expires_at, uses_left, uses)"
     " SELECT a, b, decode(c, 'hex'), d, e, f, g, h FROM unnest($1::text[], $2::bigint[], $3::text[],"
     " $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) AS n(a, b, c, d, e, f, g, h)"},
    {"audit", "iitttttttt",
     "SELECT id, at, actor, device, address, action, room, user, outcome, details FROM audit",
     "WITH acts AS (INSERT INTO audit(id, at, actor, device, address, action, room, user_name, outcome, "
     "details)"
     " SELECT a, b, c, d, e, f, g, h, i, j FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[],"
     " $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])"
     " AS n(a, b, c, d, e, f, g, h, i, j) RETURNING id)"
     " SELECT setval(pg_get_serial_sequence('audit', 'id'), max(id)) FROM acts"},
    {"erasures", "ttttii", "SELECT pseudonym, user, salt, digest, begun_at, done_at FROM erasures",
     "INSERT INTO erasures(pseudonym, user_name, salt, digest, begun_at, done_at) SELECT a, b, c, d, e, f"
     " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])"
     " AS n(a, b, c, d, e, f)"},
    {"erased_names", "ttt", "SELECT digest, salt, pseudonym FROM erased_names",
     "WITH names AS (INSERT INTO erased_names(digest, salt, pseudonym) SELECT a, b, c"
     " FROM unnest($1::text[], $2::text[], $3::text[]) AS n(a, b, c) RETURNING 1)"
     " UPDATE feed_position SET erased = (SELECT count(*) FROM names)"},
    {"erased_rooms", "ti", "SELECT pseudonym, room_id FROM erased_rooms",
     "INSERT INTO erased_rooms(pseudonym, room_id) SELECT a, b"
     " FROM unnest($1::text[], $2::bigint[]) AS n(a, b)"},
    {"presence", "tiii", "SELECT user, status, last_seen, invisible FROM presence",
     "INSERT INTO presence(user_name, status, last_seen, invisible) SELECT a, b::smallint, c, d <> 0"
     " FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS n(a, b, c, d)"},
    {"devices", "ttii", "SELECT user, device, first_seen, last_seen FROM devices",
     "INSERT INTO devices(user_name, device, first_seen, last_seen) SELECT a, b, c, d"
     " FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS n(a, b, c, d)"},
    {"device_tokens", "ttt", "SELECT user, device, token_id FROM device_tokens",
     "INSERT INTO device_tokens(user_name, device, token_id) SELECT a, b, c"
     " FROM unnest($1::text[], $2::text[], $3::text[]) AS n(a, b, c)"},
    {"push_registrations", "tttttti",
     "SELECT id, user, device, provider, address, keys, at FROM push_registrations",
     "INSERT INTO push_registrations(id, user_name, device, provider, address, keys, at) SELECT a, b, c, d, "
     "e, f, g FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], "
     "$7::bigint[]) AS n(a, b, c, d, e, f, g)"},
    {"notify_prefs", "tiit", "SELECT user, quiet_from, quiet_to, quiet_zone FROM notify_prefs",
     "INSERT INTO notify_prefs(user_name, quiet_from, quiet_to, quiet_zone) SELECT a, b, c, d FROM "
     "unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) AS n(a, b, c, d)"},
    {"notify_rooms", "itii", "SELECT room_id, user, level, muted_until FROM notify_rooms",
     "INSERT INTO notify_rooms(room_id, user_name, level, muted_until) SELECT a, b, c, d FROM "
     "unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) AS n(a, b, c, d)"},
    {"user_blocks", "tt", "SELECT user, blocked FROM user_blocks",
     "INSERT INTO user_blocks(user_name, blocked) SELECT a, b FROM unnest($1::text[], $2::text[]) AS n(a, "
     "b)"},
    {"notify_cursors", "ii", "SELECT room_id, seq FROM notify_cursors",
     "INSERT INTO notify_cursors(room_id, seq) SELECT a, b FROM unnest($1::bigint[], $2::bigint[]) AS n(a, "
     "b)"},
    {"notify_jobs", "itttiiiiiiiiitiiiit",
     "SELECT id, user, target, provider, room_id, state, due, since, want_seq, mention_seq, changed, "
     "shown_seq, shown_at, notice, notice_seq, attempts, not_before, again, claimed_by FROM notify_jobs",
     "WITH rows AS (INSERT INTO notify_jobs(id, user_name, target, provider, room_id, state, due, since, "
     "want_seq, mention_seq, changed, shown_seq, shown_at, notice, notice_seq, attempts, not_before, again, "
     "claimed_by) SELECT a, b, c, d, e, f, g, h, i, j, k <> 0, l, m, n, o, p, q, r <> 0, s FROM "
     "unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], "
     "$8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], "
     "$15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::text[]) AS n(a, b, c, d, e, f, g, h, "
     "i, j, k, l, m, n, o, p, q, r, s) RETURNING id) SELECT setval(pg_get_serial_sequence('notify_jobs', "
     "'id'), max(id)) FROM rows"},
    {"notify_dead", "iitttiiitti",
     "SELECT id, at, user, provider, target, room_id, seq, mention_seq, reason, notice, attempts FROM "
     "notify_dead",
     "WITH rows AS (INSERT INTO notify_dead(id, at, user_name, provider, target, room_id, seq, mention_seq, "
     "reason, notice, attempts) SELECT a, b, c, d, e, f, g, h, i, j, k FROM unnest($1::bigint[], "
     "$2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], "
     "$9::text[], $10::text[], $11::bigint[]) AS n(a, b, c, d, e, f, g, h, i, j, k) RETURNING id) SELECT "
     "setval(pg_get_serial_sequence('notify_dead', 'id'), max(id)) FROM rows"},
    {"notify_log", "iitttiitttii",
     "SELECT id, at, user, provider, target, room_id, seq, outcome, reason, notice, attempts, took_ms FROM "
     "notify_log",
     "WITH rows AS (INSERT INTO notify_log(id, at, user_name, provider, target, room_id, seq, outcome, "
     "reason, notice, attempts, took_ms) SELECT a, b, c, d, e, f, g, h, i, j, k, l FROM unnest($1::bigint[], "
     "$2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::text[], "
     "$10::text[], $11::bigint[], $12::bigint[]) AS n(a, b, c, d, e, f, g, h, i, j, k, l) RETURNING id) "
     "SELECT setval(pg_get_serial_sequence('notify_log', 'id'), max(id)) FROM rows"},
    {"directory_log", "itti", "SELECT version, changes, entries, entries_pending FROM directory_log",
     "INSERT INTO directory_log(version, mark, changes, entries, entries_pending) SELECT a, '', b, c, d <> 0"
     " FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) AS n(a, b, c, d)"},
    {"quarantine", "iiuitttit",
     "SELECT room_id, seq, id, at, sender, type, ref, flags, envelope FROM quarantine",
     "INSERT INTO quarantine(room_id, seq, id, at, sender, type, ref, flags, envelope)"
     " SELECT a, b, c, d, e, f, g, h::smallint, i FROM unnest($1::bigint[], $2::bigint[], $3::uuid[],"
     " $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[])"
     " AS n(a, b, c, d, e, f, g, h, i)"},
    {"edits", "iii", "SELECT room_id, target, seq FROM edits",
     "INSERT INTO edits(room_id, target, seq) SELECT a, b, c"
     " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS n(a, b, c)"},
    {"reactions", "iitti", "SELECT room_id, target, key, user, seq FROM reactions",
     "INSERT INTO reactions(room_id, target, key, user_name, seq) SELECT a, b, c, d, e"
     " FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[]) AS n(a, b, c, d, e)"},
    {"threads", "iiii", "SELECT room_id, root, replies, last_seq FROM threads",
     "INSERT INTO threads(room_id, root, replies, last_seq) SELECT a, b, c, d"
     " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS n(a, b, c, d)"},
    {"mentions", "iti", "SELECT room_id, user_key, seq FROM mentions",
     "INSERT INTO mentions(room_id, user_key, seq) SELECT a, b, c"
     " FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS n(a, b, c)"},
    {"held_messages", "iit", "SELECT room_id, seq, envelope FROM held_messages",
     "INSERT INTO held_messages(room_id, seq, envelope) SELECT a, b, c"
     " FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS n(a, b, c)"},
};

template <std::size_t... Nth>
void run(PostgresConnection& to, const char* sql, const std::vector<PostgresArray>& columns,
         std::index_sequence<Nth...>) {
  to.query(sql, columns[Nth]...);
}

// A table has two columns to nineteen: whichever number it is, the statement takes as many parameters.
template <std::size_t Count = 19>
void run(PostgresConnection& to, const char* sql, const std::vector<PostgresArray>& columns) {
  if (columns.size() == Count) return run(to, sql, columns, std::make_index_sequence<Count>());
  if constexpr (Count > 2)
    run<Count - 1>(to, sql, columns);
  else
    throw PostgresFailure{Errc::internal, "A table has an unforeseen number of columns.", ""};
}

}  // namespace

std::span<const MovedTable> moved_tables() {
  return kTables;
}

const MovedTable kMovedMessages{
    "messages", "iiuitttitiiii",
    "SELECT room_id, seq, id, at, sender, type, ref, flags, envelope, target, thread, deleted, counted"
    " FROM messages WHERE room_id = ? AND seq > ? ORDER BY seq LIMIT ?",
    "INSERT INTO messages(room_id, seq, id, at, sender, type, ref, flags, envelope, target, thread, deleted,"
    " counted) SELECT a, b, c, d, e, f, g, h::smallint, i, nullif(j, 0), nullif(k, 0), l, m FROM unnest("
    "$1::bigint[], $2::bigint[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bigint[],"
    " $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[])"
    " AS n(a, b, c, d, e, f, g, h, i, j, k, l, m)"};

const MovedTable kMovedDeletions{
    "messages", "iiit",
    "SELECT room_id, seq, deleted, envelope FROM messages WHERE room_id = ? AND deleted <> 0",
    "UPDATE messages m SET deleted = n.c, envelope = n.d"
    " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) AS n(a, b, c, d)"
    " WHERE m.room_id = n.a AND m.seq = n.b AND m.deleted = 0"};

void MovedRows::add(const Query& row) {
  for (std::size_t i = 0; i < arrays_.size(); ++i) {
    const auto column = static_cast<int>(i);
    if (table_.columns[i] == 'i')
      arrays_[i].add(row.number(column));
    else if (table_.columns[i] == 'x')
      arrays_[i].add(hex_encode(row.text(column)));
    else
      arrays_[i].add(row.text(column));
  }
  ++count_;
}

void MovedRows::write(PostgresConnection& to) {
  if (count_ > 0) run(to, table_.write, arrays_);
  clear();
}

void MovedRows::clear() {
  arrays_.clear();
  for (const char type : std::string_view(table_.columns)) {
    arrays_.push_back(type == 'i'   ? PostgresArray::of_bigint()
                      : type == 'u' ? PostgresArray::of_uuid()
                                    : PostgresArray::of_text());
  }
  count_ = 0;
}

}  // namespace parley::backend
