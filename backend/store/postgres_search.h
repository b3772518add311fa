#pragma once
#include <memory>
#include <vector>

#include "backend/store/postgres_pool.h"
#include "backend/store/search_store.h"
#include "backend/store/search_work.h"

namespace parley::backend {

// Full text by a GIN index over tsvector, of words this program has cut, so that neither the database's text search configuration
// nor its locale matters: of the table search_texts, a row for each message that has any.
class PostgresSearchStore final : public SearchStore {
 public:
  PostgresSearchStore(std::shared_ptr<PostgresPool> pool, std::shared_ptr<SearchWork> work)
      : pool_(std::move(pool)), work_(std::move(work)) {}

  Result<TextPage> search(const TextQuery& query) override;
  Result<std::uint64_t> behind() override;

 private:
  std::shared_ptr<PostgresPool> pool_;
  std::shared_ptr<SearchWork> work_;
};

// Several as one: each room's messages are in one of them.
class ShardedSearchStore final : public SearchStore {
 public:
  explicit ShardedSearchStore(std::vector<std::unique_ptr<SearchStore>> shards)
      : shards_(std::move(shards)) {}
  Result<TextPage> search(const TextQuery& query) override;
  Result<std::uint64_t> behind() override;

 private:
  std::vector<std::unique_ptr<SearchStore>> shards_;
};

std::shared_ptr<SearchWork> postgres_search_work(std::shared_ptr<PostgresPool> pool);
// A message whose content, or whose edit in force, was changed in place: one that is in the index gets its words anew.
void index_again(PostgresConnection& connection, Place message);
// Deleted messages leave the index.
void unindex(PostgresConnection& connection, const PostgresArray& rooms, const PostgresArray& seqs);

}  // namespace parley::backend
