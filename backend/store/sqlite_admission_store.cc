#include "backend/store/sqlite_admission_store.h"

#include "backend/store/admission_rows.h"
#include "backend/store/sqlite_audit_store.h"
#include "backend/store/sqlite_room_rows.h"

namespace parley::backend {
namespace {

#define PARLEY_INVITATIONS                                                                   \
  "SELECT i.room_id, r.name, r.title, r.kind, i.user, i.role, i.inviter, i.at, i.expires_at" \
  " FROM invitations i JOIN rooms r ON r.id = i.room_id"
#define PARLEY_LINKS "SELECT id, room_id, creator, at, expires_at, uses_left, uses FROM join_links"
// Parameter 1 is the time.
#define PARLEY_LINK_WORKS "(expires_at = 0 OR expires_at > ?1) AND uses_left <> 0"

Result<std::vector<Invitation>> read_invitations(Query row) {
  std::vector<Invitation> all;
  while (row.step()) all.push_back(read_invitation(row));
  return all;
}

bool full(Query row, std::uint32_t max) {
  return row.step() && row.number(0) >= max;
}

Result<> check_room_for_one_more(SqliteConnection& connection, const NewInvitation& draft) {
  if (full(connection.query("SELECT count(*) FROM invitations WHERE user = ?1 AND room_id <> ?2", draft.user,
                            draft.room_id),
           kInvitationsOfUserMax))
    return fail(Errc::invalid_argument, draft.user + " has as many invitations as may be.");
  if (full(connection.query("SELECT count(*) FROM invitations WHERE room_id = ?1 AND user <> ?2",
                            draft.room_id, draft.user),
           kInvitationsToRoomMax))
    return fail(Errc::invalid_argument, "As many are invited to this room as may be: revoke one first.");
  return {};
}

}  // namespace

Result<> SqliteAdmissionStore::invite(const NewInvitation& draft) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    if (auto room = room_by_id(connection, draft.room_id); !room) return std::unexpected(room.error());
    if (auto known = require_account(connection, draft.user); !known) return known;
    auto now = clock_.wall();
    connection.run("DELETE FROM invitations WHERE (room_id = ?1 OR user = ?2) AND expires_at <= ?3",
                   draft.room_id, draft.user, to_ms(now));
    if (auto place = check_room_for_one_more(connection, draft); !place) return place;
    connection.run("INSERT OR REPLACE INTO invitations VALUES (?, ?, ?, ?, ?, ?)", draft.room_id, draft.user,
                   static_cast<int>(draft.role), draft.by, to_ms(now), to_ms(draft.expires_at));
    record_act(connection, draft.act, now);
    return {};
  });
}

Result<Invitation> SqliteAdmissionStore::invitation(std::uint64_t room_id, const std::string& user) {
  return database_->read([&](SqliteConnection& connection) -> Result<Invitation> {
    auto row = connection.query(PARLEY_INVITATIONS
                                " WHERE i.room_id = ? AND i.user = ? AND i.expires_at > ? AND r.deleted = 0",
                                room_id, user, to_ms(clock_.wall()));
    if (row.step()) return read_invitation(row);
    return fail(Errc::not_found, "There is no such invitation.");
  });
}

Result<std::vector<Invitation>> SqliteAdmissionStore::invitations_of(const std::string& user,
                                                                     const std::string& after,
                                                                     std::uint32_t limit) {
  return database_->read([&](SqliteConnection& connection) {
    return read_invitations(
        connection.query(PARLEY_INVITATIONS
                         " WHERE i.user = ? AND r.name > ? AND i.expires_at > ? AND r.deleted = 0"
                         " ORDER BY r.name LIMIT ?",
                         user, after, to_ms(clock_.wall()), limit));
  });
}

Result<std::vector<Invitation>> SqliteAdmissionStore::invitations_to(std::uint64_t room_id,
                                                                     const std::string& after,
                                                                     std::uint32_t limit) {
  return database_->read([&](SqliteConnection& connection) {
    return read_invitations(
        connection.query(PARLEY_INVITATIONS
                         " WHERE i.room_id = ? AND i.user > ? AND i.expires_at > ? AND r.deleted = 0"
                         " ORDER BY i.user LIMIT ?",
                         room_id, after, to_ms(clock_.wall()), limit));
  });
}

Result<> SqliteAdmissionStore::withdraw(std::uint64_t room_id, const std::string& user,
                                        const std::optional<Act>& act) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    auto gone = connection.run("DELETE FROM invitations WHERE room_id = ? AND user = ? AND expires_at > ?",
                               room_id, user, to_ms(clock_.wall()));
    if (gone == 0) return fail(Errc::not_found, "There is no such invitation.");
    record_act(connection, act, clock_.wall());
    return {};
  });
}

Result<JoinLink> SqliteAdmissionStore::create_link(const NewJoinLink& draft) {
  return database_->write([&](SqliteConnection& connection) -> Result<JoinLink> {
    if (auto room = room_by_id(connection, draft.room_id); !room) return std::unexpected(room.error());
    auto now = clock_.wall();
    connection.run("DELETE FROM join_links WHERE room_id = ?2 AND NOT (" PARLEY_LINK_WORKS ")", to_ms(now),
                   draft.room_id);
    if (full(connection.query("SELECT count(*) FROM join_links WHERE room_id = ?", draft.room_id),
             kLinksOfRoomMax))
      return fail(Errc::invalid_argument, "This room has as many links as may be: revoke one first.");
    connection.run("INSERT INTO join_links VALUES (?, ?, ?, ?, ?, ?, ?, 0)", draft.id, draft.room_id,
                   Blob{draft.sha256}, draft.by, to_ms(now), draft.expires_at ? to_ms(*draft.expires_at) : 0,
                   draft.uses ? static_cast<std::int64_t>(*draft.uses) : kNoLimit);
    record_act(connection, draft.act, now);
    return JoinLink{.id = draft.id,
                    .room_id = draft.room_id,
                    .by = draft.by,
                    .at = now,
                    .expires_at = draft.expires_at,
                    .uses_left = draft.uses};
  });
}

Result<JoinLink> SqliteAdmissionStore::find_link(const std::string& sha256) {
  return database_->read([&](SqliteConnection& connection) -> Result<JoinLink> {
    auto row = connection.query(PARLEY_LINKS " WHERE sha256 = ?2 AND " PARLEY_LINK_WORKS
                                             " AND room_id IN (SELECT id FROM rooms WHERE deleted = 0)",
                                to_ms(clock_.wall()), Blob{sha256});
    if (row.step()) return read_link(row);
    return fail(Errc::not_found, "There is no such link, or it works no more.");
  });
}

Result<std::vector<JoinLink>> SqliteAdmissionStore::links(std::uint64_t room_id) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<JoinLink>> {
    std::vector<JoinLink> links;
    auto row = connection.query(PARLEY_LINKS " WHERE room_id = ?2 AND " PARLEY_LINK_WORKS " ORDER BY id",
                                to_ms(clock_.wall()), room_id);
    while (row.step()) links.push_back(read_link(row));
    return links;
  });
}

Result<> SqliteAdmissionStore::revoke_link(std::uint64_t room_id, const std::string& id,
                                           const std::optional<Act>& act) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    if (connection.run("DELETE FROM join_links WHERE room_id = ? AND id = ?", room_id, id) == 0)
      return fail(Errc::not_found, "There is no such link.");
    record_act(connection, act, clock_.wall());
    return {};
  });
}

Result<> use_ticket(SqliteConnection& connection, const MemberChange& change, WallTime now) {
  std::int64_t used = 1;
  if (change.ticket.kind == Ticket::Kind::link) {
    used = connection.run(
        "UPDATE join_links SET uses = uses + 1, uses_left = max(uses_left - 1, -1)"
        " WHERE id = ?2 AND room_id = ?3 AND " PARLEY_LINK_WORKS,
        to_ms(now), change.ticket.link, change.room_id);
  }
  std::int64_t invited = 0;
  if (change.role != wire::Role::none || change.banned) {
    invited = connection
                  .query("SELECT 1 FROM invitations WHERE room_id = ? AND user = ? AND expires_at > ?",
                         change.room_id, change.user, to_ms(now))
                  .step();
    connection.run("DELETE FROM invitations WHERE room_id = ? AND user = ?", change.room_id, change.user);
  }
  if (change.ticket.kind == Ticket::Kind::invitation) used = invited;
  if (used == 0) return fail(Errc::not_found, "There is no such invitation or link any more.");
  return {};
}

#undef PARLEY_INVITATIONS
#undef PARLEY_LINKS
#undef PARLEY_LINK_WORKS

}  // namespace parley::backend
