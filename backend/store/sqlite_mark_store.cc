#include "backend/store/sqlite_mark_store.h"

#include <algorithm>
#include <set>

namespace parley::backend {
namespace {

using What = MarkOutcome::What;
using Outcomes = std::vector<MarkOutcome>;

#define PARLEY_MARKS                                                             \
  "SELECT m.room_id, m.received, m.read, r.last_seq FROM rooms r"                \
  " JOIN members m ON m.room_id = r.id AND m.user = ?2 WHERE r.deleted = 0 AND " \
  "r.orphaned = 0 AND "
constexpr std::string_view kMarksById = PARLEY_MARKS "r.id = ?1";
constexpr std::string_view kMarksByName = PARLEY_MARKS "r.name = ?1";
#undef PARLEY_MARKS

// What `raise` comes to, written down when `write`.
MarkOutcome raise_one(SqliteConnection& connection, const MarkRaise& raise, bool write) {
  auto row = raise.room_id != 0 ? connection.query(kMarksById, raise.room_id, raise.user)
                                : connection.query(kMarksByName, raise.room, raise.user);
  if (!row.step()) return {};
  auto outcome =
      raised({.received = row.number(1), .read = row.number(2)}, raise, /*last_seq=*/row.number(3));
  if (outcome.what == What::raised && write) {
    connection.run("UPDATE members SET received = ?3, read = ?4 WHERE room_id = ?1 AND user = ?2",
                   row.number(0), raise.user, outcome.now.received, outcome.now.read);
  }
  return outcome;
}

Outcomes raise_all(SqliteConnection& connection, std::span<const MarkRaise> raises, bool write) {
  Outcomes outcomes;
  for (const auto& raise : raises) outcomes.push_back(raise_one(connection, raise, write));
  return outcomes;
}

// Nobody when there are more than `max`.
void add_everyone(SqliteConnection& connection, std::uint64_t room_id, std::uint32_t max,
                  std::set<std::string>& users) {
  std::vector<std::string> all;
  auto row =
      connection.query("SELECT user FROM members WHERE room_id = ? LIMIT ?", room_id, std::uint64_t{max} + 1);
  while (row.step()) all.push_back(row.string(0));
  if (all.size() <= max) users.insert(all.begin(), all.end());
}

}  // namespace

Result<Outcomes> SqliteMarkStore::raise(std::span<const MarkRaise> raises) {
  auto outcomes = database_->read(
      [&](SqliteConnection& connection) -> Result<Outcomes> { return raise_all(connection, raises, false); });
  if (!outcomes || std::ranges::find(*outcomes, What::raised, &MarkOutcome::what) == outcomes->end())
    return outcomes;
  return database_->write(
      [&](SqliteConnection& connection) -> Result<Outcomes> { return raise_all(connection, raises, true); });
}

Result<std::vector<std::string>> SqliteMarkStore::mentioned(std::uint64_t room_id,
                                                            const std::vector<std::string>& keys,
                                                            std::uint32_t everyone_max) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<std::string>> {
    std::set<std::string> users;
    for (const auto& key : keys) {
      if (key == kEveryone) {
        add_everyone(connection, room_id, everyone_max, users);
        continue;
      }
      auto row = connection.query(
          "SELECT m.user FROM users u JOIN members m ON m.room_id = ?1 AND m.user = u.name"
          " WHERE u.name_key = ?2",
          room_id, key);
      if (row.step()) users.insert(row.string(0));
    }
    return std::vector<std::string>(users.begin(), users.end());
  });
}

}  // namespace parley::backend
