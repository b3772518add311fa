#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "tools/parley-bench/record_source.h"
#include "tools/parley-bench/run.h"
#include "tools/parley-bench/store_target.h"

namespace parley::bench {

// What is stored, and where.
struct StoreShape {
  StoreChoice store;
  std::size_t rooms = 10;
  std::size_t content_bytes = 100;
  std::optional<Said> said{};  // instead of contents of that size
  std::size_t threads = 4;     // that use the stores at once
};

// Messages with the journal's offsets of them.
struct Feed {
  Batches batches;
  std::uint64_t from = 0;
  std::vector<wire::Record> records;  // views into the batches
};

// parleyd's stores over a new database, with one user and some rooms, and the same database bare. Not
// thread-safe, but the stores are.
class StoreWorld {
 public:
  static constexpr std::uint64_t kGeneration = 1;

  static Result<std::unique_ptr<StoreWorld>> make(const StoreShape& shape,
                                                  const std::filesystem::path& folder);

  backend::Stores& stores() { return stores_; }
  backend::MessageStore& messages() { return *stores_.messages; }
  BareRows& bare() { return *bare_; }
  Result<> settle() { return target_->settle(); }
  const Clock& clock() const { return clock_; }
  std::uint64_t room(std::size_t nth) const { return rooms_[nth % rooms_.size()].id; }

  // The next `count` messages of the journal, room after room in turn; each must be stored before what comes
  // behind it.
  Feed next(std::size_t count);
  // Stores all of them, `batch` rows in each transaction.
  Result<> store(const Feed& feed, std::size_t batch);
  // The next `rows` messages.
  Result<> fill(const Run& run, std::size_t rows);

 private:
  StoreWorld() = default;
  Result<> open(const StoreShape& shape, const std::filesystem::path& folder);

  SystemClock clock_;
  std::unique_ptr<StoreTarget> target_;
  backend::Stores stores_;  // closed before the target goes
  std::unique_ptr<BareRows> bare_;
  std::vector<RecordSource::Room> rooms_;
  std::unique_ptr<RecordSource> source_;
  std::uint64_t offset_ = 0;  // of the journal, behind all that next() gave
};

// Calls `work` with one part of `records` after the other.
template <class Work>
Result<> in_parts(std::span<const wire::Record> records, std::size_t part, Work work) {
  for (std::size_t i = 0; i < records.size(); i += part) {
    if (auto done = work(records.subspan(i, std::min(part, records.size() - i))); !done) return done;
  }
  return {};
}

}  // namespace parley::bench
