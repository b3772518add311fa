#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "wire/record.h"

namespace parley::bench {

inline constexpr int kPageRows = 50;

// A database by its C interface and nothing else: what a store is measured against. Not thread-safe; blocks.
class BareRows {
 public:
  virtual ~BareRows() = default;
  // A new and empty table with the columns of a message and the key of the store's table, and no index besides.
  virtual Result<> create_table() = 0;
  // Into that table, in one transaction, the fastest way the database has.
  virtual Result<> insert(std::span<const wire::Record> records) = 0;
  // The bytes of the page of kPageRows envelopes before `before`, from the store's own table.
  virtual Result<std::size_t> read_page(std::uint64_t room_id, std::uint64_t before) = 0;
};

}  // namespace parley::bench
