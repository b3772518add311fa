#include "backend/store/postgres_audit_store.h"

#include <limits>

#include "backend/store/audit_rows.h"

namespace parley::backend {
namespace {

// Parameters that are "" ask for nothing: no name is.
constexpr std::string_view kActs =
    "SELECT id, at, actor, device, address, action, room, user_name, outcome, details FROM audit"
    " WHERE id < $1 AND at >= $2 AND ($3::text = '' OR actor = $3) AND ($4::text = '' OR room = $4)"
    " AND ($5::text = '' OR user_name = $5) ORDER BY id DESC LIMIT $6";

}  // namespace

Result<> PostgresAuditStore::record(const Act& act) {
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    record_act(connection, act, clock_.wall());
    return {};
  });
}

Result<std::vector<RecordedAct>> PostgresAuditStore::list(const AuditQuery& query) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<RecordedAct>> {
    std::vector<RecordedAct> acts;
    auto rows = connection.query(kActs, query.before.value_or(std::numeric_limits<std::int64_t>::max()),
                                 query.since ? to_ms(*query.since) : 0, query.actor.value_or(""),
                                 query.room.value_or(""), query.user.value_or(""), query.limit);
    for (auto row : rows) acts.push_back(read_act(row));
    return acts;
  });
}

Result<std::uint64_t> PostgresAuditStore::forget_before(WallTime time, std::uint32_t limit) {
  return pool_->write([&](PostgresConnection& connection) -> Result<std::uint64_t> {
    return connection
        .query(
            "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY id LIMIT $2)"
            " RETURNING id",
            to_ms(time), limit)
        .size();
  });
}

void record_act(PostgresConnection& connection, const std::optional<Act>& act, WallTime now) {
  if (!act) return;
  connection.query(
      "INSERT INTO audit(at, actor, device, address, action, room, user_name, outcome, details)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
      to_ms(now), act->actor, act->device, act->address, act->action, act->room, act->user, act->outcome,
      act->details);
}

}  // namespace parley::backend
