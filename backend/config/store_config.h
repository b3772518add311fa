#pragma once
#include <string>
#include <vector>

#include "backend/config/config.h"
#include "backend/store/postgres_address.h"
#include "base/result.h"

namespace parley::backend {

// Whether the keys about the store can be used, as far as they tell. invalid_argument: a line to show.
Result<> check_store(const Config& config);

// A password in a URL must be nowhere where others can read it: not on the command line (`overrides`), nor in
// a file others may read. permission_denied: a line to show.
Result<> check_store_secrecy(const Config& config, const std::string& file,
                             const std::vector<std::string>& overrides);

// The file path of `store`. invalid_argument when it is another kind of store.
Result<std::string> sqlite_path(const std::string& store);

// The databases of `store`, `store_shards` and `store_replicas`, each with its password: for `store` from
// PARLEY_STORE_PASSWORD, else store_password_file, else its URL; for the others from their URL, else as for
// `store`. invalid_argument when `store` is another kind of store; read_secret_file's errors.
struct PostgresStoreConfig {
  PostgresAddress main;
  std::vector<PostgresAddress> shards, replicas;
};
Result<PostgresStoreConfig> postgres_store(const Config& config);

// How many connections to it.
std::uint32_t store_connections(const Config& config);

}  // namespace parley::backend
