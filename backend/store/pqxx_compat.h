#pragma once
#include <pqxx/pqxx>
#include <string>
#include <vector>

// The differences between libpqxx 6.4 (Debian 12) and 7 (Debian 13), all of them. For postgres_connection.cc
// alone.
namespace parley::backend::pqxx_compat {

// Parameters are given in PostgreSQL's binary format, whatever their type.
inline pqxx::result run_prepared(pqxx::transaction_base& transaction, const std::string& name,
                                 const std::vector<std::string>& params) {
#if PQXX_VERSION_MAJOR >= 7
  pqxx::params given;
  given.reserve(params.size());
  for (const auto& bytes : params) {
    given.append(pqxx::bytes_view(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()));
  }
#if PQXX_VERSION_MAJOR > 7 || PQXX_VERSION_MINOR >= 10
  return transaction.exec(pqxx::prepped{name}, given);
#else
  return transaction.exec_prepared(name, given);
#endif
#else
  std::vector<pqxx::binarystring> given;
  given.reserve(params.size());
  for (const auto& bytes : params) given.emplace_back(bytes.data(), bytes.size());
  return transaction.exec_prepared(name, pqxx::prepare::make_dynamic_params(given));
#endif
}

// Errors without DETAIL, which would quote values. Before 7 a lost connection would come back by itself, in
// the middle of what had been a transaction.
inline void prepare_connection(pqxx::connection& connection) {
#if PQXX_VERSION_MAJOR >= 7
  connection.set_verbosity(pqxx::error_verbosity::terse);
#else
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
  connection.set_verbosity(pqxx::connection_base::terse);
#endif
}

}  // namespace parley::backend::pqxx_compat
