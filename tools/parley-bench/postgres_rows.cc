#include "tools/parley-bench/postgres_rows.h"

#include <array>

#include "base/encoding.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

// As COPY reads it (PostgreSQL's documentation, COPY, text format).
void append_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\') out += '\\';
    out += c;
  }
  out += '\t';
}

std::string copy_lines(std::span<const wire::Record> records) {
  std::string out;
  for (const auto& record : records) {
    const std::string_view id(reinterpret_cast<const char*>(record.id.data()), record.id.size());
    out += std::to_string(record.room_id) + '\t' + std::to_string(record.seq) + '\t' + hex_encode(id) + '\t' +
           std::to_string(record.at_ms) + '\t';
    for (auto text : {record.from, record.type, record.ref}) append_text(out, text);
    out += std::to_string(record.flags) + '\t';
    append_text(out, record.envelope);
    out.back() = '\n';
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<PostgresRows>> PostgresRows::connect(const backend::PostgresAddress& address) {
  auto rows = std::make_unique<PostgresRows>();
  rows->connection_.reset(PQconnectdb(address.conninfo().c_str()));
  if (PQstatus(rows->connection_.get()) != CONNECTION_OK) return rows->failure();
  // Planned once: the page's plan is the same whatever the place.
  PARLEY_TRY(rows->run("SET client_min_messages = error; SET plan_cache_mode = force_generic_plan"));
  return rows;
}

std::unexpected<Error> PostgresRows::failure() const {
  std::string why = PQerrorMessage(connection_.get());
  while (!why.empty() && why.back() == '\n') why.pop_back();
  return fail(Errc::unavailable, "PostgreSQL: " + why);
}

Result<PostgresRows::Answer> PostgresRows::checked(PGresult* result) {
  Answer answer(result);
  const auto status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_IN) return failure();
  return answer;
}

Result<> PostgresRows::run(const std::string& sql) {
  PARLEY_TRY(checked(PQexec(connection_.get(), sql.c_str())));
  return {};
}

Result<> PostgresRows::create_table() {
  return run(
      "DROP TABLE IF EXISTS bare;"
      "CREATE TABLE bare(room_id bigint NOT NULL, seq bigint NOT NULL, id uuid NOT NULL, at bigint NOT NULL,"
      " sender text NOT NULL, type text NOT NULL, ref text NOT NULL, flags smallint NOT NULL,"
      " envelope text NOT NULL, PRIMARY KEY (room_id, seq))");
}

Result<> PostgresRows::insert(std::span<const wire::Record> records) {
  const auto lines = copy_lines(records);
  PARLEY_TRY(run("COPY bare FROM STDIN"));
  auto* connection = connection_.get();
  if (PQputCopyData(connection, lines.data(), static_cast<int>(lines.size())) != 1 ||
      PQputCopyEnd(connection, nullptr) != 1)
    return failure();
  Result<> done;
  while (auto* result = PQgetResult(connection))
    if (auto answer = checked(result); !answer) done = std::unexpected(answer.error());
  return done;
}

Result<std::size_t> PostgresRows::read_page(std::uint64_t room_id, std::uint64_t before) {
  auto* connection = connection_.get();
  if (!prepared_) {
    const auto sql =
        "SELECT envelope FROM messages WHERE room_id = $1::bigint AND seq < $2::bigint ORDER BY seq DESC "
        "LIMIT " +
        std::to_string(kPageRows);
    PARLEY_TRY(checked(PQprepare(connection, "page", sql.c_str(), 0, nullptr)));
    prepared_ = true;
  }
  const auto room = std::to_string(room_id), bound = std::to_string(before);
  const std::array<const char*, 2> values{room.c_str(), bound.c_str()};
  const auto page =
      PARLEY_TRY(checked(PQexecPrepared(connection, "page", 2, values.data(), nullptr, nullptr, 0)));
  std::size_t bytes = 0;
  for (int i = 0; i < PQntuples(page.get()); ++i) {
    bytes +=
        std::string(PQgetvalue(page.get(), i, 0), static_cast<std::size_t>(PQgetlength(page.get(), i, 0)))
            .size();
  }
  return bytes;
}

}  // namespace parley::bench
