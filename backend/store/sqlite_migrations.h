#pragma once
#include <span>

#include "backend/store/sqlite_connection.h"

namespace parley::backend {

// One step of the schema. Steps are only ever added: what a database has done is never changed here.
struct SqliteMigration {
  const char* what;  // its number, and a line for people
  const char* sql;
  void (*fill)(SqliteConnection&) = nullptr;
};

// All of them, in order.
std::span<const SqliteMigration> sqlite_migrations();

}  // namespace parley::backend
