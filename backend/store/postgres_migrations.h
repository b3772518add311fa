#pragma once
#include <span>

#include "backend/store/postgres_connection.h"

namespace parley::backend {

// One step of the schema. Steps are only ever added: what a database has done is never changed here.
struct PostgresMigration {
  const char* what;  // its number, and a line for people
  const char* sql;
  const char* with_random_id = nullptr;  // a last statement, whose $1 is 16 random characters
  void (*fill)(PostgresConnection&) = nullptr;
};

// All of them, in order.
std::span<const PostgresMigration> postgres_migrations();

}  // namespace parley::backend
