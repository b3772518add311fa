#include "backend/store/postgres_migrations.h"

#include "backend/store/room_search_key.h"

namespace parley::backend {
namespace {

// Times are ms since 1970. Names are compared byte by byte (collation C), whatever the database's own order.
//
// What the feed writes (feed_position, room_progress, messages, quarantine) refers to nothing else and is
// referred to by nothing else, so that it can lie in another database than accounts and rooms. A row of
// room_progress is made with its room, or for a room met in the journal alone (state 3: its messages are kept,
// nobody sees it). After a deletion rows of rooms and room_progress stay, so that a number is never used again
// and late messages of it are known for what they are (state 1; 2 when its messages are off the disk).
//
// messages is partitioned by hash of the room: each partition's index stays small enough to be in memory where
// rooms are busy, and vacuum and index builds go partition by partition. The envelope is text, not jsonb: history
// gives the very bytes that were delivered. For a look with SQL there is the view message_contents, with the content
// as jsonb: the contract refuses what jsonb does (U+0000, numbers beyond reason).
constexpr PostgresMigration kFirst{
    "1: accounts, rooms, messages, the Directory log", R"sql(
CREATE TABLE directory(
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  directory_id text NOT NULL,
  version bigint NOT NULL,
  log_floor bigint NOT NULL
) WITH (fillfactor = 20);
CREATE TABLE directory_log(
  version bigint PRIMARY KEY,
  mark text NOT NULL,
  changes text NOT NULL,
  entries text NOT NULL,
  entries_pending boolean NOT NULL
);
CREATE INDEX pending_entries ON directory_log(version) WHERE entries_pending;
CREATE TABLE users(
  name text COLLATE "C" PRIMARY KEY,
  name_key text COLLATE "C" NOT NULL UNIQUE,
  title text NOT NULL,
  admin boolean NOT NULL,
  disabled boolean NOT NULL,
  scram text NOT NULL,
  created_at bigint NOT NULL
);
CREATE TABLE tokens(
  id text COLLATE "C" PRIMARY KEY,
  user_name text COLLATE "C" NOT NULL REFERENCES users(name),
  label text NOT NULL,
  sha256 bytea NOT NULL UNIQUE,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX tokens_of_user ON tokens(user_name, id);
CREATE TABLE rooms(
  id bigint PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  name_key text COLLATE "C" NOT NULL,
  kind smallint NOT NULL,
  title text NOT NULL,
  public boolean NOT NULL,
  epoch text NOT NULL,
  members integer NOT NULL DEFAULT 0,
  deleted boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX live_room_key ON rooms(name_key) WHERE NOT deleted;
CREATE INDEX live_room_name ON rooms(name) WHERE NOT deleted;
CREATE INDEX public_room_name ON rooms(name) WHERE public AND NOT deleted;
CREATE TABLE members(
  room_id bigint NOT NULL REFERENCES rooms(id),
  user_name text COLLATE "C" NOT NULL REFERENCES users(name),
  role smallint NOT NULL,
  since bigint NOT NULL,
  PRIMARY KEY (room_id, user_name)
);
CREATE INDEX rooms_of_user ON members(user_name, room_id);
CREATE INDEX owners_of_room ON members(room_id, user_name) WHERE role = 4;
CREATE TABLE bans(
  room_id bigint NOT NULL REFERENCES rooms(id),
  user_name text COLLATE "C" NOT NULL REFERENCES users(name),
  since bigint NOT NULL,
  PRIMARY KEY (room_id, user_name)
);
CREATE INDEX bans_of_user ON bans(user_name);

CREATE TABLE feed_position(
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  journal text NOT NULL,
  position bigint NOT NULL,
  generation bigint NOT NULL
) WITH (fillfactor = 20);
CREATE TABLE room_progress(
  room_id bigint PRIMARY KEY,
  room text NOT NULL,
  state smallint NOT NULL,
  last_seq bigint NOT NULL DEFAULT 0,
  messages bigint NOT NULL DEFAULT 0,
  quarantined boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);
CREATE INDEX rooms_to_purge ON room_progress(room_id) WHERE state = 1;
CREATE TABLE messages(
  room_id bigint NOT NULL,
  seq bigint NOT NULL,
  id uuid NOT NULL,
  at bigint NOT NULL,
  sender text NOT NULL,
  type text NOT NULL,
  ref text NOT NULL,
  flags smallint NOT NULL,
  envelope text NOT NULL,
  PRIMARY KEY (room_id, seq)
) PARTITION BY HASH (room_id);
DO $$
BEGIN
  FOR i IN 0..15 LOOP
    EXECUTE format('CREATE TABLE messages_%s PARTITION OF messages FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
                   to_char(i, 'FM00'), i);
  END LOOP;
END $$;
CREATE TABLE quarantine(
  room_id bigint NOT NULL,
  seq bigint NOT NULL,
  id uuid NOT NULL,
  at bigint NOT NULL,
  sender text NOT NULL,
  type text NOT NULL,
  ref text NOT NULL,
  flags smallint NOT NULL,
  envelope text NOT NULL,
  PRIMARY KEY (room_id, seq, id)
);
CREATE VIEW message_contents AS
  SELECT p.room, m.seq, to_timestamp(m.at / 1000.0) AS at, m.sender, m.type, m.ref,
         m.envelope::jsonb -> 'content' AS content, m.room_id
  FROM messages m JOIN room_progress p USING (room_id) WHERE p.state = 0;
INSERT INTO feed_position(journal, position, generation) VALUES ('', 0, 0);
)sql",
    "INSERT INTO directory(directory_id, version, log_floor) VALUES ($1, 0, 0)"};

// Each database has an id of its own. rooms.shard is the id of the one where the room's messages lie, '' for this
// one; a shard is told of a deletion after it is made here.
constexpr PostgresMigration kShards{"2: rooms whose messages lie in another database", R"sql(
ALTER TABLE feed_position ADD COLUMN shard_id text NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN shard text NOT NULL DEFAULT '',
                  ADD COLUMN shard_told boolean NOT NULL DEFAULT true;
CREATE INDEX shards_to_tell ON rooms(id) WHERE deleted AND NOT shard_told;
)sql",
                                    "UPDATE feed_position SET shard_id = $1"};

void fill_search_keys(PostgresConnection& connection) {
  for (auto row : connection.query("SELECT id, name, title FROM rooms WHERE NOT deleted"))
    connection.query("UPDATE rooms SET search_key = $2 WHERE id = $1", row.number(0),
                     room_search_key(row.string(1), row.string(2)));
}

// search_key: name and title as fold_text makes them. A mute outlives its membership.
constexpr PostgresMigration kAdmissions{"3: invitations, links, mutes, slow rooms, a key to search rooms by",
                                        R"sql(
ALTER TABLE rooms ADD COLUMN slow_s bigint NOT NULL DEFAULT 0, ADD COLUMN search_key text NOT NULL DEFAULT '';
CREATE TABLE mutes(
  room_id bigint NOT NULL REFERENCES rooms(id),
  user_name text COLLATE "C" NOT NULL REFERENCES users(name),
  until bigint NOT NULL,
  PRIMARY KEY (room_id, user_name)
);
CREATE TABLE invitations(
  room_id bigint NOT NULL REFERENCES rooms(id),
  user_name text COLLATE "C" NOT NULL REFERENCES users(name),
  role smallint NOT NULL,
  inviter text NOT NULL,
  at bigint NOT NULL,
  expires_at bigint NOT NULL,
  PRIMARY KEY (room_id, user_name)
);
CREATE INDEX invitations_of_user ON invitations(user_name, room_id);
CREATE TABLE join_links(
  id text COLLATE "C" PRIMARY KEY,
  room_id bigint NOT NULL REFERENCES rooms(id),
  sha256 bytea NOT NULL UNIQUE,
  creator text NOT NULL,
  at bigint NOT NULL,
  expires_at bigint NOT NULL,
  uses_left bigint NOT NULL,
  uses bigint NOT NULL
);
CREATE INDEX links_of_room ON join_links(room_id, id);
)sql",
                                        nullptr, fill_search_keys};

constexpr PostgresMigration kAudit{"4: the log of administrative acts", R"sql(
CREATE TABLE audit(
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  device text NOT NULL,
  address text NOT NULL,
  action text NOT NULL,
  room text COLLATE "C" NOT NULL,
  user_name text COLLATE "C" NOT NULL,
  outcome text NOT NULL,
  details text NOT NULL
);
CREATE INDEX audit_at ON audit(at);
)sql"};

// What messages say of each other and of people, written in the transaction that stores them. `counted` is how many
// entries of the room up to this one count as unread for somebody who has read none; it never changes. `target` is what
// an edit, a delete or a reaction names; `thread` is set on replies that count as such; `deleted` is the seq of the
// delete that took the content.
constexpr PostgresMigration kLinks{"5: edits, deletions, reactions, threads, mentions", R"sql(
ALTER TABLE messages ADD COLUMN target bigint, ADD COLUMN thread bigint,
                     ADD COLUMN deleted bigint NOT NULL DEFAULT 0, ADD COLUMN counted bigint NOT NULL DEFAULT 0;
UPDATE messages m SET counted = n.counted,
    target = CASE WHEN m.type IN ('edit', 'delete', 'reaction')
                  THEN (m.envelope::jsonb -> 'content' ->> 'target')::bigint END
  FROM (SELECT room_id, seq, count(*) FILTER (WHERE type NOT IN ('edit', 'delete', 'reaction', 'member', 'room')
                                                AND flags & 1 = 0) OVER (PARTITION BY room_id ORDER BY seq) AS counted
        FROM messages) n
  WHERE m.room_id = n.room_id AND m.seq = n.seq;
CREATE INDEX messages_about ON messages(room_id, target) WHERE target IS NOT NULL;
CREATE INDEX messages_in_thread ON messages(room_id, thread, seq) WHERE thread IS NOT NULL;
CREATE INDEX deleted_messages ON messages(room_id, seq) WHERE deleted <> 0;
CREATE TABLE edits(
  room_id bigint NOT NULL,
  target bigint NOT NULL,
  seq bigint NOT NULL,
  PRIMARY KEY (room_id, target)
);
CREATE TABLE reactions(
  room_id bigint NOT NULL,
  target bigint NOT NULL,
  key text COLLATE "C" NOT NULL,
  user_name text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  PRIMARY KEY (room_id, target, key, user_name)
);
CREATE TABLE threads(
  room_id bigint NOT NULL,
  root bigint NOT NULL,
  replies bigint NOT NULL,
  last_seq bigint NOT NULL,
  PRIMARY KEY (room_id, root)
) WITH (fillfactor = 50);
CREATE TABLE mentions(
  room_id bigint NOT NULL,
  user_key text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  PRIMARY KEY (room_id, user_key, seq)
);
CREATE INDEX mentions_of_message ON mentions(room_id, seq);
ALTER TABLE room_progress ADD COLUMN counted bigint NOT NULL DEFAULT 0,
                          ADD COLUMN rewritten bigint NOT NULL DEFAULT 0,
                          ADD COLUMN annotated bigint NOT NULL DEFAULT 0;
UPDATE room_progress p SET counted =
  coalesce((SELECT m.counted FROM messages m WHERE m.room_id = p.room_id ORDER BY m.seq DESC LIMIT 1), 0);
)sql"};

// How far each member has got and read the room. Whatever was there before counts as read.
constexpr PostgresMigration kMarks{"6: members' marks", R"sql(
ALTER TABLE members ADD COLUMN received bigint NOT NULL DEFAULT 0,
                    ADD COLUMN read bigint NOT NULL DEFAULT 0;
UPDATE members m SET received = p.last_seq, read = p.last_seq FROM room_progress p WHERE p.room_id = m.room_id;
)sql"};

// What counts of a user's own messages is found without reading others.
constexpr PostgresMigration kUnread{"7: what is unread", R"sql(
CREATE INDEX own_messages ON messages(room_id, sender, seq)
  WHERE type NOT IN ('edit', 'delete', 'reaction', 'member', 'room') AND flags & 1 = 0;
ALTER TABLE room_progress ADD COLUMN last_message bigint NOT NULL DEFAULT 0;
UPDATE room_progress p SET last_message = coalesce((SELECT max(m.seq) FROM messages m WHERE m.room_id = p.room_id
  AND m.type NOT IN ('edit', 'delete', 'reaction', 'member', 'room')), 0);
)sql"};

// presence is what others are shown of a user (0 offline, 1 away, 2 online).
constexpr PostgresMigration kPresence{"8: presence", R"sql(
CREATE TABLE presence(
  user_name text COLLATE "C" PRIMARY KEY,
  status smallint NOT NULL,
  last_seen bigint NOT NULL,
  invisible boolean NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX presence_watched ON presence(user_name) WHERE status <> 0 OR invisible;
CREATE TABLE presence_watch(
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  at bigint NOT NULL
) WITH (fillfactor = 20);
INSERT INTO presence_watch(at) VALUES (0);
)sql"};

// Words of messages, cut and folded by wire/search_words.h, and how far each room's messages have been looked at.
constexpr PostgresMigration kSearchTables{"9: full-text search", R"sql(
CREATE TABLE search_texts(
  id bigint PRIMARY KEY,
  room_id bigint NOT NULL,
  seq bigint NOT NULL,
  words tsvector NOT NULL
);
CREATE UNIQUE INDEX search_text_of_message ON search_texts(room_id, seq);
CREATE INDEX search_words ON search_texts USING gin(words);
CREATE TABLE search_progress(
  room_id bigint PRIMARY KEY,
  seq bigint NOT NULL
) WITH (fillfactor = 50);
)sql"};

// Which devices users connected with, and by which tokens (not all of which need to be there any more).
constexpr PostgresMigration kDevices{"10: devices", R"sql(
CREATE TABLE devices(
  user_name text COLLATE "C" NOT NULL,
  device text COLLATE "C" NOT NULL,
  first_seen bigint NOT NULL,
  last_seen bigint NOT NULL,
  PRIMARY KEY (user_name, device)
) WITH (fillfactor = 70);
CREATE TABLE device_tokens(
  user_name text COLLATE "C" NOT NULL,
  device text COLLATE "C" NOT NULL,
  token_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (user_name, device, token_id)
);
)sql"};

// In the database where the messages lie, so that whoever stores or removes them needs no other. `expired`: messages up
// to it are gone. What is deleted while a room is held is kept aside in held_messages.
constexpr PostgresMigration kRetention{"11: messages that expire, rooms that are held", R"sql(
ALTER TABLE room_progress ADD COLUMN retain_s bigint NOT NULL DEFAULT 0,
                          ADD COLUMN retain_messages bigint NOT NULL DEFAULT 0,
                          ADD COLUMN expired bigint NOT NULL DEFAULT 0,
                          ADD COLUMN held boolean NOT NULL DEFAULT false;
ALTER TABLE rooms ADD COLUMN held boolean NOT NULL DEFAULT false;
CREATE INDEX rooms_that_expire ON room_progress(room_id) WHERE retain_s > 0 OR retain_messages > 0;
CREATE TABLE held_messages(
  room_id bigint NOT NULL,
  seq bigint NOT NULL,
  envelope text NOT NULL,
  PRIMARY KEY (room_id, seq)
);
)sql"};

// Users who were, or are being, erased. user_name is '' when that is done: then the name is known by its digest alone. What is stored goes
// without the names in erased_names, of which feed_position.erased is the number. erased_rooms: those that are still to be told.
constexpr PostgresMigration kErasures{"12: users who were erased", R"sql(
CREATE TABLE erasures(
  pseudonym text COLLATE "C" PRIMARY KEY,
  user_name text NOT NULL,
  salt text NOT NULL,
  digest text COLLATE "C" NOT NULL UNIQUE,
  begun_at bigint NOT NULL,
  done_at bigint NOT NULL
);
CREATE INDEX erasures_to_do ON erasures(begun_at) WHERE done_at = 0;
CREATE TABLE erased_names(
  digest text COLLATE "C" PRIMARY KEY,
  salt text NOT NULL,
  pseudonym text NOT NULL
);
CREATE TABLE erased_rooms(
  pseudonym text COLLATE "C" NOT NULL,
  room_id bigint NOT NULL,
  PRIMARY KEY (pseudonym, room_id)
);
ALTER TABLE feed_position ADD COLUMN erased bigint NOT NULL DEFAULT 0;
)sql"};

// Where people can be reached and want to be (push_store.h); what they are to be told, and were (notify_store.h). In the database of accounts
// and rooms. notify_jobs.state: 0 waiting, 1 ready, 2 sending, 3 shown: jobs that are shown are most of them, and in no index that looking for
// work reads. not_before: no more is told until then; again: changed since it was claimed. notify_jobs changes more often than any other table
// and is small: it is vacuumed early.
constexpr PostgresMigration kNotify{"13: notifications", R"sql(
CREATE TABLE push_registrations(
  id text COLLATE "C" PRIMARY KEY,
  user_name text COLLATE "C" NOT NULL,
  device text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL,
  keys text NOT NULL,
  at bigint NOT NULL
);
CREATE UNIQUE INDEX registrations_of_user ON push_registrations(user_name, device, provider);
CREATE UNIQUE INDEX registration_of_address ON push_registrations(provider, address);
CREATE TABLE notify_prefs(
  user_name text COLLATE "C" PRIMARY KEY,
  quiet_from smallint NOT NULL,
  quiet_to smallint NOT NULL,
  quiet_zone text NOT NULL
);
CREATE TABLE notify_rooms(
  room_id bigint NOT NULL,
  user_name text COLLATE "C" NOT NULL,
  level smallint NOT NULL,
  muted_until bigint NOT NULL,
  PRIMARY KEY (room_id, user_name)
);
CREATE INDEX notify_rooms_of_user ON notify_rooms(user_name);
CREATE TABLE user_blocks(
  user_name text COLLATE "C" NOT NULL,
  blocked text COLLATE "C" NOT NULL,
  PRIMARY KEY (user_name, blocked)
);
CREATE INDEX blockers_of_user ON user_blocks(blocked, user_name);
CREATE TABLE notify_cursors(
  room_id bigint PRIMARY KEY,
  seq bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE notify_jobs(
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  user_name text COLLATE "C" NOT NULL,
  target text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  room_id bigint NOT NULL,
  state smallint NOT NULL,
  due bigint NOT NULL,
  since bigint NOT NULL,
  want_seq bigint NOT NULL,
  mention_seq bigint NOT NULL,
  changed boolean NOT NULL DEFAULT false,
  shown_seq bigint NOT NULL DEFAULT 0,
  shown_at bigint NOT NULL DEFAULT 0,
  notice text NOT NULL DEFAULT '',
  notice_seq bigint NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  not_before bigint NOT NULL DEFAULT 0,
  again boolean NOT NULL DEFAULT false,
  claimed_by text NOT NULL DEFAULT ''
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
CREATE UNIQUE INDEX notify_job_key ON notify_jobs(room_id, user_name, target);
CREATE INDEX notify_jobs_of_user ON notify_jobs(user_name, target);
CREATE INDEX notify_jobs_waiting ON notify_jobs(due, id) WHERE state = 0;
CREATE INDEX notify_jobs_ready ON notify_jobs(provider, due, id) WHERE state IN (1, 2);
CREATE INDEX notify_jobs_sending ON notify_jobs(room_id) WHERE state = 2;
CREATE INDEX notify_jobs_showing ON notify_jobs(room_id, shown_seq) WHERE shown_seq > 0;
CREATE INDEX notify_jobs_shown ON notify_jobs(shown_at) WHERE state = 3;
CREATE TABLE notify_dead(
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  user_name text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  target text NOT NULL,
  room_id bigint NOT NULL,
  seq bigint NOT NULL,
  mention_seq bigint NOT NULL,
  reason text NOT NULL,
  notice text NOT NULL,
  attempts integer NOT NULL
);
CREATE INDEX notify_dead_at ON notify_dead(at);
CREATE INDEX notify_dead_of_user ON notify_dead(user_name);
CREATE TABLE notify_log(
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  user_name text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  target text NOT NULL,
  room_id bigint NOT NULL,
  seq bigint NOT NULL,
  outcome text COLLATE "C" NOT NULL,
  reason text NOT NULL,
  notice text NOT NULL,
  attempts integer NOT NULL,
  took_ms bigint NOT NULL
);
CREATE INDEX notify_log_at ON notify_log(at);
CREATE INDEX notify_log_of_user ON notify_log(user_name, id);
)sql"};

constexpr PostgresMigration kMigrations[] = {kFirst,     kShards,   kAdmissions, kAudit,        kLinks,
                                             kMarks,     kUnread,   kPresence,   kSearchTables, kDevices,
                                             kRetention, kErasures, kNotify};

}  // namespace

std::span<const PostgresMigration> postgres_migrations() {
  return kMigrations;
}

}  // namespace parley::backend
