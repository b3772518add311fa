#include "backend/store/postgres_admission_store.h"

#include "backend/store/admission_rows.h"
#include "backend/store/postgres_audit_store.h"
#include "backend/store/postgres_room_rows.h"

namespace parley::backend {
namespace {

#define PARLEY_INVITATIONS                                                                        \
  "SELECT i.room_id, r.name, r.title, r.kind, i.user_name, i.role, i.inviter, i.at, i.expires_at" \
  " FROM invitations i JOIN rooms r ON r.id = i.room_id"
#define PARLEY_LINKS "SELECT id, room_id, creator, at, expires_at, uses_left, uses FROM join_links"
// Parameter 1 is the time.
#define PARLEY_LINK_WORKS "(expires_at = 0 OR expires_at > $1) AND uses_left <> 0"

Result<std::vector<Invitation>> read_invitations(const PostgresRows& rows) {
  std::vector<Invitation> all;
  for (auto row : rows) all.push_back(read_invitation(row));
  return all;
}

Result<> require_account(PostgresConnection& connection, const std::string& user) {
  auto one = PostgresArray::of_text();
  one.add(user);
  return require_accounts(connection, one);
}

Result<> check_room_for_one_more(PostgresConnection& connection, const NewInvitation& draft) {
  auto of_user = connection.query("SELECT count(*) FROM invitations WHERE user_name = $1 AND room_id <> $2",
                                  draft.user, draft.room_id);
  if (of_user[0].number(0) >= kInvitationsOfUserMax)
    return fail(Errc::invalid_argument, draft.user + " has as many invitations as may be.");
  auto to_room = connection.query("SELECT count(*) FROM invitations WHERE room_id = $1 AND user_name <> $2",
                                  draft.room_id, draft.user);
  if (to_room[0].number(0) >= kInvitationsToRoomMax)
    return fail(Errc::invalid_argument, "As many are invited to this room as may be: revoke one first.");
  return {};
}

}  // namespace

Result<> PostgresAdmissionStore::invite(const NewInvitation& draft) {
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    if (auto room = room_by_id(connection, draft.room_id); !room) return std::unexpected(room.error());
    if (auto known = require_account(connection, draft.user); !known) return known;
    auto now = clock_.wall();
    connection.query("DELETE FROM invitations WHERE (room_id = $1 OR user_name = $2) AND expires_at <= $3",
                     draft.room_id, draft.user, to_ms(now));
    if (auto place = check_room_for_one_more(connection, draft); !place) return place;
    connection.query(
        "INSERT INTO invitations(room_id, user_name, role, inviter, at, expires_at)"
        " VALUES ($1, $2, $3::bigint, $4, $5, $6) ON CONFLICT (room_id, user_name) DO UPDATE SET"
        " role = excluded.role, inviter = excluded.inviter, at = excluded.at, expires_at = "
        "excluded.expires_at",
        draft.room_id, draft.user, static_cast<int>(draft.role), draft.by, to_ms(now),
        to_ms(draft.expires_at));
    record_act(connection, draft.act, now);
    return {};
  });
}

Result<Invitation> PostgresAdmissionStore::invitation(std::uint64_t room_id, const std::string& user) {
  return pool_->read([&](PostgresConnection& connection) -> Result<Invitation> {
    auto rows = connection.query(PARLEY_INVITATIONS
                                 " WHERE i.room_id = $1 AND i.user_name = $2 AND i.expires_at > $3"
                                 " AND NOT r.deleted",
                                 room_id, user, to_ms(clock_.wall()));
    if (rows.empty()) return fail(Errc::not_found, "There is no such invitation.");
    return read_invitation(rows[0]);
  });
}

Result<std::vector<Invitation>> PostgresAdmissionStore::invitations_of(const std::string& user,
                                                                       const std::string& after,
                                                                       std::uint32_t limit) {
  return pool_->read([&](PostgresConnection& connection) {
    return read_invitations(connection.query(PARLEY_INVITATIONS
                                             " WHERE i.user_name = $1 AND r.name > $2 AND i.expires_at > $3"
                                             " AND NOT r.deleted ORDER BY r.name LIMIT $4",
                                             user, after, to_ms(clock_.wall()), limit));
  });
}

Result<std::vector<Invitation>> PostgresAdmissionStore::invitations_to(std::uint64_t room_id,
                                                                       const std::string& after,
                                                                       std::uint32_t limit) {
  return pool_->read([&](PostgresConnection& connection) {
    return read_invitations(
        connection.query(PARLEY_INVITATIONS " WHERE i.room_id = $1 AND i.user_name > $2 AND i.expires_at > $3"
                                            " AND NOT r.deleted ORDER BY i.user_name LIMIT $4",
                         room_id, after, to_ms(clock_.wall()), limit));
  });
}

Result<> PostgresAdmissionStore::withdraw(std::uint64_t room_id, const std::string& user,
                                          const std::optional<Act>& act) {
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    auto gone = connection.query(
        "DELETE FROM invitations WHERE room_id = $1 AND user_name = $2 AND expires_at > $3 RETURNING room_id",
        room_id, user, to_ms(clock_.wall()));
    if (gone.empty()) return fail(Errc::not_found, "There is no such invitation.");
    record_act(connection, act, clock_.wall());
    return {};
  });
}

Result<JoinLink> PostgresAdmissionStore::create_link(const NewJoinLink& draft) {
  return pool_->write([&](PostgresConnection& connection) -> Result<JoinLink> {
    if (auto room = room_by_id(connection, draft.room_id); !room) return std::unexpected(room.error());
    auto now = clock_.wall();
    connection.query("DELETE FROM join_links WHERE room_id = $2 AND NOT (" PARLEY_LINK_WORKS ")", to_ms(now),
                     draft.room_id);
    auto there = connection.query("SELECT count(*) FROM join_links WHERE room_id = $1", draft.room_id);
    if (there[0].number(0) >= kLinksOfRoomMax)
      return fail(Errc::invalid_argument, "This room has as many links as may be: revoke one first.");
    connection.query(
        "INSERT INTO join_links(id, room_id, sha256, creator, at, expires_at, uses_left, uses)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, 0)",
        draft.id, draft.room_id, draft.sha256, draft.by, to_ms(now),
        draft.expires_at ? to_ms(*draft.expires_at) : 0,
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

Result<JoinLink> PostgresAdmissionStore::find_link(const std::string& sha256) {
  return pool_->read([&](PostgresConnection& connection) -> Result<JoinLink> {
    auto rows = connection.query(PARLEY_LINKS " WHERE sha256 = $2 AND " PARLEY_LINK_WORKS
                                              " AND room_id IN (SELECT id FROM rooms WHERE NOT deleted)",
                                 to_ms(clock_.wall()), sha256);
    if (rows.empty()) return fail(Errc::not_found, "There is no such link, or it works no more.");
    return read_link(rows[0]);
  });
}

Result<std::vector<JoinLink>> PostgresAdmissionStore::links(std::uint64_t room_id) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<JoinLink>> {
    std::vector<JoinLink> links;
    auto rows = connection.query(PARLEY_LINKS " WHERE room_id = $2 AND " PARLEY_LINK_WORKS " ORDER BY id",
                                 to_ms(clock_.wall()), room_id);
    for (auto row : rows) links.push_back(read_link(row));
    return links;
  });
}

Result<> PostgresAdmissionStore::revoke_link(std::uint64_t room_id, const std::string& id,
                                             const std::optional<Act>& act) {
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    auto gone = connection.query("DELETE FROM join_links WHERE room_id = $1 AND id = $2 RETURNING room_id",
                                 room_id, id);
    if (gone.empty()) return fail(Errc::not_found, "There is no such link.");
    record_act(connection, act, clock_.wall());
    return {};
  });
}

Result<> use_ticket(PostgresConnection& connection, const MemberChange& change, WallTime now) {
  bool used = true;
  if (change.ticket.kind == Ticket::Kind::link) {
    used = !connection
                .query(
                    "UPDATE join_links SET uses = uses + 1, uses_left = greatest(uses_left - 1, -1)"
                    " WHERE id = $2 AND room_id = $3 AND " PARLEY_LINK_WORKS " RETURNING id",
                    to_ms(now), change.ticket.link, change.room_id)
                .empty();
  }
  bool invited = false;
  if (change.role != wire::Role::none || change.banned) {
    auto gone =
        connection.query("DELETE FROM invitations WHERE room_id = $1 AND user_name = $2 RETURNING expires_at",
                         change.room_id, change.user);
    invited = !gone.empty() && gone[0].integer(0) > to_ms(now);
  }
  if (change.ticket.kind == Ticket::Kind::invitation) used = invited;
  if (!used) return fail(Errc::not_found, "There is no such invitation or link any more.");
  return {};
}

#undef PARLEY_INVITATIONS
#undef PARLEY_LINKS
#undef PARLEY_LINK_WORKS

}  // namespace parley::backend
