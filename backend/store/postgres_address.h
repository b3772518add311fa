#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace parley::backend {

// Where a PostgreSQL database is and how to reach it:
//   postgresql://user[:password]@host[:port][,host[:port]…]/database[?option=value&…]
// as libpq reads it (PostgreSQL's documentation, 34.1.1.2), with the options named in postgres_address.cc.
struct PostgresAddress {
  std::string hosts;  // "a,b"; "" for the local socket
  std::string ports;  // "5432,5433", one for each host or one for all, or ""
  std::string user, password, database;
  std::vector<std::pair<std::string, std::string>> options{};

  // For libpq. Holds the password: never to be shown.
  std::string conninfo() const;
  // For people: a URL without the password and the options.
  std::string shown() const;
};

bool is_postgres_url(std::string_view url);  // by its scheme

// invalid_argument says what is wrong and what is expected, without showing any part that may hold a secret.
Result<PostgresAddress> parse_postgres_url(std::string_view url);

}  // namespace parley::backend
