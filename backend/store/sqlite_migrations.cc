#include "backend/store/sqlite_migrations.h"

#include <string>
#include <utility>
#include <vector>

#include "backend/store/room_search_key.h"

namespace parley::backend {
namespace {

// Times are ms since 1970. A room row is kept after deletion (deleted = 1, then 2 when its messages are off
// the disk), so that its number is never used again and late messages of it are known for what they are. An
// orphaned room was met in the journal alone: its messages are kept, nobody sees it, and it holds no name.
constexpr const char* kFirst = R"sql(
CREATE TABLE meta(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  directory_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  log_floor INTEGER NOT NULL,
  journal TEXT NOT NULL,
  offset INTEGER NOT NULL,
  generation INTEGER NOT NULL
);
CREATE TABLE users(
  name TEXT PRIMARY KEY,
  name_key TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  admin INTEGER NOT NULL,
  disabled INTEGER NOT NULL,
  scram TEXT NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE tokens(
  id TEXT PRIMARY KEY,
  user TEXT NOT NULL REFERENCES users(name),
  label TEXT NOT NULL,
  sha256 BLOB NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX tokens_of_user ON tokens(user, id);
CREATE TABLE rooms(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  kind INTEGER NOT NULL,
  title TEXT NOT NULL,
  public INTEGER NOT NULL,
  epoch TEXT NOT NULL,
  last_seq INTEGER NOT NULL DEFAULT 0,
  messages INTEGER NOT NULL DEFAULT 0,
  members INTEGER NOT NULL DEFAULT 0,
  quarantined INTEGER NOT NULL DEFAULT 0,
  orphaned INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX live_room_key ON rooms(name_key) WHERE deleted = 0 AND orphaned = 0;
CREATE INDEX live_room_name ON rooms(name) WHERE deleted = 0 AND orphaned = 0;
CREATE INDEX rooms_to_purge ON rooms(id) WHERE deleted = 1;
CREATE TABLE members(
  room_id INTEGER NOT NULL REFERENCES rooms(id),
  user TEXT NOT NULL REFERENCES users(name),
  role INTEGER NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (room_id, user)
) WITHOUT ROWID;
CREATE INDEX rooms_of_user ON members(user, room_id);
CREATE TABLE bans(
  room_id INTEGER NOT NULL REFERENCES rooms(id),
  user TEXT NOT NULL REFERENCES users(name),
  since INTEGER NOT NULL,
  PRIMARY KEY (room_id, user)
) WITHOUT ROWID;
CREATE TABLE messages(
  room_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  id BLOB NOT NULL,
  at INTEGER NOT NULL,
  sender TEXT NOT NULL,
  type TEXT NOT NULL,
  ref TEXT NOT NULL,
  flags INTEGER NOT NULL,
  envelope TEXT NOT NULL,
  PRIMARY KEY (room_id, seq)
) WITHOUT ROWID;
CREATE TABLE quarantine(
  room_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  id BLOB NOT NULL,
  at INTEGER NOT NULL,
  sender TEXT NOT NULL,
  type TEXT NOT NULL,
  ref TEXT NOT NULL,
  flags INTEGER NOT NULL,
  envelope TEXT NOT NULL,
  PRIMARY KEY (room_id, seq, id)
) WITHOUT ROWID;
CREATE TABLE directory_log(
  version INTEGER PRIMARY KEY,
  changes TEXT NOT NULL,
  entries TEXT NOT NULL,
  entries_pending INTEGER NOT NULL
);
CREATE INDEX pending_entries ON directory_log(version) WHERE entries_pending = 1;
)sql";

// search_key: name and title as fold_text makes them. A mute outlives its membership.
constexpr const char* kAdmissions = R"sql(
ALTER TABLE rooms ADD COLUMN slow_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN search_key TEXT NOT NULL DEFAULT '';
CREATE INDEX public_room_name ON rooms(name) WHERE public = 1 AND deleted = 0 AND orphaned = 0;
CREATE TABLE mutes(
  room_id INTEGER NOT NULL REFERENCES rooms(id),
  user TEXT NOT NULL REFERENCES users(name),
  until INTEGER NOT NULL,
  PRIMARY KEY (room_id, user)
) WITHOUT ROWID;
CREATE TABLE invitations(
  room_id INTEGER NOT NULL REFERENCES rooms(id),
  user TEXT NOT NULL REFERENCES users(name),
  role INTEGER NOT NULL,
  inviter TEXT NOT NULL,
  at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (room_id, user)
) WITHOUT ROWID;
CREATE INDEX invitations_of_user ON invitations(user, room_id);
CREATE TABLE join_links(
  id TEXT PRIMARY KEY,
  room_id INTEGER NOT NULL REFERENCES rooms(id),
  sha256 BLOB NOT NULL UNIQUE,
  creator TEXT NOT NULL,
  at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  uses_left INTEGER NOT NULL,
  uses INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX links_of_room ON join_links(room_id, id);
)sql";

// AUTOINCREMENT: an id is never given again, so that lists can be paged while old acts are forgotten.
constexpr const char* kAudit = R"sql(
CREATE TABLE audit(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  device TEXT NOT NULL,
  address TEXT NOT NULL,
  action TEXT NOT NULL,
  room TEXT NOT NULL,
  user TEXT NOT NULL,
  outcome TEXT NOT NULL,
  details TEXT NOT NULL
);
CREATE INDEX audit_at ON audit(at);
)sql";

void fill_search_keys(SqliteConnection& connection) {
  std::vector<std::pair<std::uint64_t, std::string>> keys;
  {
    auto row = connection.query("SELECT id, name, title FROM rooms WHERE deleted = 0");
    while (row.step()) keys.emplace_back(row.number(0), room_search_key(row.string(1), row.string(2)));
  }
  for (const auto& [id, key] : keys)
    connection.run("UPDATE rooms SET search_key = ?2 WHERE id = ?1", id, key);
}

// What messages say of each other and of people, written in the transaction that stores them. `counted` is how many
// entries of the room up to this one count as unread for somebody who has read none; it never changes. `target` is what
// an edit, a delete or a reaction names; `thread` is set on replies that count as such; `deleted` is the seq of the
// delete that took the content. The columns stand before the envelope, so that reading them needs no overflow page.
constexpr const char* kLinks = R"sql(
CREATE TABLE linked_messages(
  room_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  id BLOB NOT NULL,
  at INTEGER NOT NULL,
  sender TEXT NOT NULL,
  type TEXT NOT NULL,
  ref TEXT NOT NULL,
  flags INTEGER NOT NULL,
  target INTEGER,
  thread INTEGER,
  deleted INTEGER NOT NULL,
  counted INTEGER NOT NULL,
  envelope TEXT NOT NULL,
  PRIMARY KEY (room_id, seq)
) WITHOUT ROWID;
INSERT INTO linked_messages
  SELECT room_id, seq, id, at, sender, type, ref, flags,
    CASE WHEN type IN ('edit', 'delete', 'reaction') THEN json_extract(envelope, '$.content.target') END, NULL, 0,
    sum(type NOT IN ('edit', 'delete', 'reaction', 'member', 'room') AND flags & 1 = 0)
      OVER (PARTITION BY room_id ORDER BY seq), envelope
  FROM messages;
DROP TABLE messages;
ALTER TABLE linked_messages RENAME TO messages;
CREATE INDEX messages_about ON messages(room_id, target) WHERE target IS NOT NULL;
CREATE INDEX messages_in_thread ON messages(room_id, thread, seq) WHERE thread IS NOT NULL;
CREATE INDEX deleted_messages ON messages(room_id, seq) WHERE deleted <> 0;
CREATE TABLE edits(
  room_id INTEGER NOT NULL,
  target INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (room_id, target)
) WITHOUT ROWID;
CREATE TABLE reactions(
  room_id INTEGER NOT NULL,
  target INTEGER NOT NULL,
  key TEXT NOT NULL,
  user TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (room_id, target, key, user)
) WITHOUT ROWID;
CREATE TABLE threads(
  room_id INTEGER NOT NULL,
  root INTEGER NOT NULL,
  replies INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  PRIMARY KEY (room_id, root)
) WITHOUT ROWID;
CREATE TABLE mentions(
  room_id INTEGER NOT NULL,
  user_key TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (room_id, user_key, seq)
) WITHOUT ROWID;
CREATE INDEX mentions_of_message ON mentions(room_id, seq);
ALTER TABLE rooms ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN rewritten INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN annotated INTEGER NOT NULL DEFAULT 0;
UPDATE rooms SET counted =
  coalesce((SELECT m.counted FROM messages m WHERE m.room_id = rooms.id ORDER BY m.seq DESC LIMIT 1), 0);
)sql";

// How far each member has got and read the room. Whatever was there before counts as read.
constexpr const char* kMarks = R"sql(
ALTER TABLE members ADD COLUMN received INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN read INTEGER NOT NULL DEFAULT 0;
UPDATE members SET received = r.last_seq, read = r.last_seq FROM rooms r WHERE r.id = members.room_id;
)sql";

// What counts of a user's own messages is found without reading others.
constexpr const char* kUnread = R"sql(
CREATE INDEX own_messages ON messages(room_id, sender, seq)
  WHERE type NOT IN ('edit', 'delete', 'reaction', 'member', 'room') AND flags & 1 = 0;
ALTER TABLE rooms ADD COLUMN last_message INTEGER NOT NULL DEFAULT 0;
UPDATE rooms SET last_message = coalesce((SELECT max(m.seq) FROM messages m WHERE m.room_id = rooms.id
  AND m.type NOT IN ('edit', 'delete', 'reaction', 'member', 'room')), 0);
)sql";

// What others are shown of a user: 0 offline, 1 away, 2 online.
constexpr const char* kPresence = R"sql(
CREATE TABLE presence(
  user TEXT PRIMARY KEY,
  status INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  invisible INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX presence_watched ON presence(user) WHERE status <> 0 OR invisible = 1;
CREATE TABLE presence_watch(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  at INTEGER NOT NULL
);
INSERT INTO presence_watch VALUES (1, 0);
)sql";

// Words of messages, cut and folded by wire/search_words.h; the tokenizer takes what stands between blanks. Which words, and in which
// row: that is all the index knows (detail=none), their order is looked up in search_texts.
constexpr const char* kSearchTables = R"sql(
CREATE TABLE search_texts(
  id INTEGER PRIMARY KEY,
  room_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  sender TEXT NOT NULL,
  words TEXT NOT NULL
);
CREATE UNIQUE INDEX search_text_of_message ON search_texts(room_id, seq);
CREATE VIRTUAL TABLE search_index USING fts5(
  words, content='search_texts', content_rowid='id', detail=none, columnsize=0, tokenize="ascii tokenchars '_'"
);
ALTER TABLE rooms ADD COLUMN searchable_to INTEGER NOT NULL DEFAULT 0;
)sql";

// Which devices users connected with, and by which tokens (not all of which need to be there any more).
constexpr const char* kDevices = R"sql(
CREATE TABLE devices(
  user TEXT NOT NULL,
  device TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  PRIMARY KEY (user, device)
) WITHOUT ROWID;
CREATE TABLE device_tokens(
  user TEXT NOT NULL,
  device TEXT NOT NULL,
  token_id TEXT NOT NULL,
  PRIMARY KEY (user, device, token_id)
) WITHOUT ROWID;
)sql";

// `expired`: messages up to it are gone. What is deleted while a room is held is kept aside in held_messages.
constexpr const char* kRetention = R"sql(
ALTER TABLE rooms ADD COLUMN retain_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN retain_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN expired INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
CREATE INDEX rooms_that_expire ON rooms(id) WHERE retain_s > 0 OR retain_messages > 0;
CREATE TABLE held_messages(
  room_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  envelope TEXT NOT NULL,
  PRIMARY KEY (room_id, seq)
) WITHOUT ROWID;
)sql";

// Users who were, or are being, erased. `user` is "" when that is done: then the name is known by its digest alone. What is stored goes without
// the names in erased_names, of which meta.erased is the number. erased_rooms: those that are still to be told.
constexpr const char* kErasures = R"sql(
CREATE TABLE erasures(
  pseudonym TEXT PRIMARY KEY,
  user TEXT NOT NULL,
  salt TEXT NOT NULL,
  digest TEXT NOT NULL UNIQUE,
  begun_at INTEGER NOT NULL,
  done_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX erasures_to_do ON erasures(begun_at) WHERE done_at = 0;
CREATE TABLE erased_names(
  digest TEXT PRIMARY KEY,
  salt TEXT NOT NULL,
  pseudonym TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE erased_rooms(
  pseudonym TEXT NOT NULL,
  room_id INTEGER NOT NULL,
  PRIMARY KEY (pseudonym, room_id)
) WITHOUT ROWID;
ALTER TABLE meta ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
)sql";

// Where people can be reached and want to be (push_store.h); what they are to be told, and were (notify_store.h). notify_jobs.state: 0 waiting,
// 1 ready, 2 sending, 3 shown: jobs that are shown are most of them, and in no index that looking for work reads. not_before: no more is told
// until then; again: changed since it was claimed.
constexpr const char* kNotify = R"sql(
CREATE TABLE push_registrations(
  id TEXT PRIMARY KEY,
  user TEXT NOT NULL,
  device TEXT NOT NULL,
  provider TEXT NOT NULL,
  address TEXT NOT NULL,
  keys TEXT NOT NULL,
  at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX registrations_of_user ON push_registrations(user, device, provider);
CREATE UNIQUE INDEX registration_of_address ON push_registrations(provider, address);
CREATE TABLE notify_prefs(
  user TEXT PRIMARY KEY,
  quiet_from INTEGER NOT NULL,
  quiet_to INTEGER NOT NULL,
  quiet_zone TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE notify_rooms(
  room_id INTEGER NOT NULL,
  user TEXT NOT NULL,
  level INTEGER NOT NULL,
  muted_until INTEGER NOT NULL,
  PRIMARY KEY (room_id, user)
) WITHOUT ROWID;
CREATE INDEX notify_rooms_of_user ON notify_rooms(user);
CREATE TABLE user_blocks(
  user TEXT NOT NULL,
  blocked TEXT NOT NULL,
  PRIMARY KEY (user, blocked)
) WITHOUT ROWID;
CREATE INDEX blockers_of_user ON user_blocks(blocked, user);
CREATE TABLE notify_cursors(
  room_id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL
);
CREATE TABLE notify_jobs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user TEXT NOT NULL,
  target TEXT NOT NULL,
  provider TEXT NOT NULL,
  room_id INTEGER NOT NULL,
  state INTEGER NOT NULL,
  due INTEGER NOT NULL,
  since INTEGER NOT NULL,
  want_seq INTEGER NOT NULL,
  mention_seq INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  shown_seq INTEGER NOT NULL,
  shown_at INTEGER NOT NULL,
  notice TEXT NOT NULL,
  notice_seq INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  again INTEGER NOT NULL,
  claimed_by TEXT NOT NULL
);
CREATE UNIQUE INDEX notify_job_key ON notify_jobs(room_id, user, target);
CREATE INDEX notify_jobs_of_user ON notify_jobs(user, target);
CREATE INDEX notify_jobs_waiting ON notify_jobs(due, id) WHERE state = 0;
CREATE INDEX notify_jobs_ready ON notify_jobs(provider, due, id) WHERE state IN (1, 2);
CREATE INDEX notify_jobs_sending ON notify_jobs(room_id) WHERE state = 2;
CREATE INDEX notify_jobs_showing ON notify_jobs(room_id, shown_seq) WHERE shown_seq > 0;
CREATE INDEX notify_jobs_shown ON notify_jobs(shown_at) WHERE state = 3;
CREATE TABLE notify_dead(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  user TEXT NOT NULL,
  provider TEXT NOT NULL,
  target TEXT NOT NULL,
  room_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  mention_seq INTEGER NOT NULL,
  reason TEXT NOT NULL,
  notice TEXT NOT NULL,
  attempts INTEGER NOT NULL
);
CREATE INDEX notify_dead_at ON notify_dead(at);
CREATE INDEX notify_dead_of_user ON notify_dead(user);
CREATE TABLE notify_log(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  user TEXT NOT NULL,
  provider TEXT NOT NULL,
  target TEXT NOT NULL,
  room_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  notice TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  took_ms INTEGER NOT NULL
);
CREATE INDEX notify_log_at ON notify_log(at);
CREATE INDEX notify_log_of_user ON notify_log(user, id);
)sql";

constexpr SqliteMigration kMigrations[] = {
    {"1: accounts, rooms, messages, the Directory log", kFirst},
    {"2: invitations, links, mutes, slow rooms, a key to search rooms by", kAdmissions, fill_search_keys},
    {"3: the log of administrative acts", kAudit},
    {"4: edits, deletions, reactions, threads, mentions", kLinks},
    {"5: members' marks", kMarks},
    {"6: what is unread", kUnread},
    {"7: presence", kPresence},
    {"8: full-text search", kSearchTables},
    {"9: devices", kDevices},
    {"10: messages that expire, rooms that are held", kRetention},
    {"11: users who were erased", kErasures},
    {"12: notifications", kNotify}};

}  // namespace

std::span<const SqliteMigration> sqlite_migrations() {
  return kMigrations;
}

}  // namespace parley::backend
