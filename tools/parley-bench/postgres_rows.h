#pragma once
#include <libpq-fe.h>

#include <memory>
#include <string>

#include "backend/store/postgres_address.h"
#include "tools/parley-bench/bare_rows.h"

namespace parley::bench {

// PostgreSQL by libpq. Table `bare`, filled by COPY, stands in the store's own database.
class PostgresRows final : public BareRows {
 public:
  static Result<std::unique_ptr<PostgresRows>> connect(const backend::PostgresAddress& address);

  // Any statements without rows.
  Result<> run(const std::string& sql);

  Result<> create_table() override;
  Result<> insert(std::span<const wire::Record> records) override;
  Result<std::size_t> read_page(std::uint64_t room_id, std::uint64_t before) override;

 private:
  struct Close {
    void operator()(PGconn* connection) const { PQfinish(connection); }
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using Answer = std::unique_ptr<PGresult, Close>;

  Result<Answer> checked(PGresult* result);
  std::unexpected<Error> failure() const;

  std::unique_ptr<PGconn, Close> connection_;
  bool prepared_ = false;
};

}  // namespace parley::bench
