#include "backend/store/sqlite_seal.h"

namespace parley::backend {
namespace {

constexpr const char* kSealed[] = {
    "meta",          "users",         "tokens",   "rooms",        "members",     "bans",           "messages",
    "quarantine",    "directory_log", "mutes",    "invitations",  "join_links",  "audit",          "edits",
    "reactions",     "threads",       "mentions", "search_texts", "presence",    "presence_watch", "devices",
    "device_tokens", "held_messages", "erasures", "erased_names", "erased_rooms"};

}  // namespace

void seal_sqlite(SqliteConnection& connection, std::string_view target, WallTime now) {
  connection.run(
      "CREATE TABLE moved(one INTEGER PRIMARY KEY CHECK (one = 1), target TEXT NOT NULL, at INTEGER NOT "
      "NULL)");
  connection.run("INSERT INTO moved VALUES (1, ?, ?)", target, to_ms(now));
  for (const std::string table : kSealed) {
    for (const std::string act : {"INSERT", "UPDATE", "DELETE"}) {
      connection.execute(("CREATE TRIGGER moved_" + table + "_" + act + " BEFORE " + act + " ON " + table +
                          " BEGIN SELECT RAISE(ABORT, 'this store was moved to another database'); END")
                             .c_str());
    }
  }
}

std::string moved_to(SqliteConnection& connection) {
  auto table = connection.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'moved'");
  if (!table.step()) return {};
  auto row = connection.query("SELECT target FROM moved");
  return row.step() ? row.string(0) : std::string();
}

}  // namespace parley::backend
