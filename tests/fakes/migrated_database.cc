#include "tests/fakes/migrated_database.h"

#include <stdexcept>

#include "backend/store/postgres_schema.h"
#include "tests/fakes/test_database.h"

namespace parley::backend {
namespace {

constexpr int kDatabases = 100;  // lent at once: tests that run at the same time, with some databases each

// What the migrations themselves put into their tables is kept in schema `pristine`. Made last: where it is,
// the database is whole.
constexpr const char* kKeepRows = R"sql(
DO $$
DECLARE name text; filled boolean;
BEGIN
  CREATE SCHEMA pristine;
  FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO filled;
    IF filled THEN EXECUTE format('CREATE TABLE pristine.%1$I AS TABLE public.%1$I', name); END IF;
  END LOOP;
END $$)sql";

constexpr const char* kEmpty = R"sql(
SET client_min_messages = error;
DO $$
DECLARE used text; name text;
BEGIN
  SELECT string_agg(format('public.%I', relname), ', ') INTO used FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0;
  EXECUTE 'TRUNCATE ' || used || ' RESTART IDENTITY CASCADE';
  FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'pristine'::regnamespace AND relkind = 'r' LOOP
    EXECUTE format('INSERT INTO public.%1$I TABLE pristine.%1$I', name);
  END LOOP;
END $$)sql";

}  // namespace

MigratedDatabase::MigratedDatabase()
    : lock_(TestDatabase::server().conninfo()), address_(TestDatabase::server()) {
  borrow_one();
  if (!is_made()) make();
  PostgresConnection(address_.conninfo()).execute(kEmpty);
}

void MigratedDatabase::borrow_one() {
  const auto prefix = "parley_test_" + std::to_string(postgres_schema_checksum()) + "_";
  for (int i = 0; i < kDatabases; ++i) {
    address_.database = prefix + std::to_string(i);
    if (lock_.query("SELECT pg_try_advisory_lock(hashtext($1))", address_.database)[0].flag(0)) return;
  }
  throw std::runtime_error("all databases for tests are lent");
}

bool MigratedDatabase::is_made() {
  auto there = lock_.query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", address_.database);
  if (!there[0].flag(0)) return false;
  return PostgresConnection(address_.conninfo())
      .query("SELECT to_regnamespace('pristine') IS NOT NULL")[0]
      .flag(0);
}

void MigratedDatabase::make() {
  lock_.execute("DROP DATABASE IF EXISTS " + address_.database + " WITH (FORCE)");
  lock_.execute("CREATE DATABASE " + address_.database);
  {
    SystemClock clock;
    PostgresPool pool(address_, {.connections = 1}, clock);
    if (auto done = migrate_postgres(pool); !done) throw std::runtime_error(done.error().message);
  }
  PostgresConnection(address_.conninfo()).execute(kKeepRows);
}

}  // namespace parley::backend
