#pragma once
#include <string>

#include "backend/store/postgres_address.h"
#include "backend/store/postgres_connection.h"

namespace parley::backend {

// A database with the newest schema, as a migration leaves it, on the server that PARLEY_TEST_POSTGRES names. It
// is borrowed: making and dropping one for each test takes ten times as long as emptying one. It stays on the
// server and is emptied when it is borrowed next, by this process or another; one database is lent to one
// borrower at a time (an advisory lock, which ends with the borrower, however that ends). What it holds of the
// migrations' own, such as the Directory's id, is the same each time.
// For tests that change rows only; others make a TestDatabase. Throws PostgresFailure, std::runtime_error.
class MigratedDatabase {
 public:
  MigratedDatabase();
  MigratedDatabase(const MigratedDatabase&) = delete;
  MigratedDatabase& operator=(const MigratedDatabase&) = delete;

  const PostgresAddress& address() const { return address_; }

 private:
  void borrow_one();
  void make();
  bool is_made();

  PostgresConnection lock_;  // to the server's own database
  PostgresAddress address_;
};

}  // namespace parley::backend
