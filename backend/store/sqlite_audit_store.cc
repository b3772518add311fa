#include "backend/store/sqlite_audit_store.h"

#include <limits>

#include "backend/store/audit_rows.h"

namespace parley::backend {
namespace {

// Parameters that are "" ask for nothing: no name is.
constexpr std::string_view kActs =
    "SELECT id, at, actor, device, address, action, room, user, outcome, details FROM audit"
    " WHERE id < ?1 AND at >= ?2 AND (?3 = '' OR actor = ?3) AND (?4 = '' OR room = ?4)"
    " AND (?5 = '' OR user = ?5) ORDER BY id DESC LIMIT ?6";

}  // namespace

Result<> SqliteAuditStore::record(const Act& act) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    record_act(connection, act, clock_.wall());
    return {};
  });
}

Result<std::vector<RecordedAct>> SqliteAuditStore::list(const AuditQuery& query) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<RecordedAct>> {
    std::vector<RecordedAct> acts;
    const auto actor = query.actor.value_or(""), room = query.room.value_or(""),
               user = query.user.value_or("");
    auto row = connection.query(kActs, query.before.value_or(std::numeric_limits<std::int64_t>::max()),
                                query.since ? to_ms(*query.since) : 0, actor, room, user, query.limit);
    while (row.step()) acts.push_back(read_act(row));
    return acts;
  });
}

Result<std::uint64_t> SqliteAuditStore::forget_before(WallTime time, std::uint32_t limit) {
  return database_->write([&](SqliteConnection& connection) -> Result<std::uint64_t> {
    return static_cast<std::uint64_t>(connection.run(
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY id LIMIT ?)", to_ms(time),
        limit));
  });
}

void record_act(SqliteConnection& connection, const std::optional<Act>& act, WallTime now) {
  if (!act) return;
  connection.run(
      "INSERT INTO audit(at, actor, device, address, action, room, user, outcome, details)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      to_ms(now), act->actor, act->device, act->address, act->action, act->room, act->user, act->outcome,
      act->details);
}

}  // namespace parley::backend
