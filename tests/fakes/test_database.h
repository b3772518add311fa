#pragma once
#include <cstdint>
#include <string>

#include "backend/store/postgres_address.h"

namespace parley::backend {

// A database of its own on the PostgreSQL server that PARLEY_TEST_POSTGRES names
// (postgresql://user:password@127.0.0.1:port/postgres; the role may create databases): empty at first, dropped
// with this object, whoever is still connected. Throws PostgresFailure when the server does not do as told.
class TestDatabase {
 public:
  TestDatabase();
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  // "" when there is a server, else a word to skip with.
  static std::string why_not();
  // The server's. Throws std::runtime_error when why_not() says something.
  static PostgresAddress server();

  const PostgresAddress& address() const { return address_; }
  // Statements by a connection of its own; the first column of the first row they give, or "".
  std::string run(const std::string& sql) const;
  std::int64_t number(const std::string& sql) const;  // -1: no row
  // Drops it and makes it anew, as the options of CREATE DATABASE say.
  void recreate(const std::string& options) const;
  // ALTER DATABASE … `setting`: for sessions that begin from now on.
  void set(const std::string& setting) const;
  // Ends every session but its own, as an administrator does. Returns how many.
  std::int64_t end_sessions() const;

 private:
  PostgresAddress server_, address_;
};

}  // namespace parley::backend
