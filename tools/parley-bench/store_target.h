#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "backend/store/stores.h"
#include "tools/parley-bench/bare_rows.h"

namespace parley::bench {

// A new and empty database to measure in, gone with this object. Not thread-safe; blocks.
class StoreTarget {
 public:
  virtual ~StoreTarget() = default;
  // parleyd's stores over it, for so many threads at once; `clock` must outlive them.
  virtual Result<backend::Stores> open_stores(const Clock& clock, std::size_t threads) = 0;
  // Once the stores were open: the same database without them.
  virtual Result<std::unique_ptr<BareRows>> open_bare() = 0;
  // What the server has put off is done now, so that none of it falls into a measurement.
  virtual Result<> settle() = 0;
};

// Which database, as the command line says.
struct StoreChoice {
  std::string url = "sqlite";  // or postgresql://user@host[:port]/database
  std::filesystem::path password_file;

  // What `bare` is there, in a sentence.
  std::string bare_is() const;
};

// SQLite: files in `folder`, which is made. PostgreSQL: a database whose name begins with parley_bench_, on the
// server of the URL. invalid_argument says what is wrong with the choice.
Result<std::unique_ptr<StoreTarget>> make_store_target(const StoreChoice& choice,
                                                       const std::filesystem::path& folder);

}  // namespace parley::bench
