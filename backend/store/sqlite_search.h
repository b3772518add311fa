#pragma once
#include <memory>

#include "backend/store/search_store.h"
#include "backend/store/search_work.h"
#include "backend/store/sqlite_database.h"

namespace parley::backend {

// Full text by FTS5, over words this program has cut: of the table search_texts, a row for each message that has any.
class SqliteSearchStore final : public SearchStore {
 public:
  // `work` tells of what is stored, and outlives this.
  SqliteSearchStore(std::shared_ptr<SqliteDatabase> database, std::shared_ptr<SearchWork> work);

  Result<TextPage> search(const TextQuery& query) override;
  Result<std::uint64_t> behind() override;

 private:
  std::shared_ptr<SqliteDatabase> database_;
  std::shared_ptr<SearchWork> work_;
};

std::shared_ptr<SearchWork> sqlite_search_work(std::shared_ptr<SqliteDatabase> database);

// Inside a transaction; may throw SqliteFailure. A deleted message leaves the index.
void unindex(SqliteConnection& connection, Place message);
// So do all messages of a room up to this one, indexed or not yet.
void unindex_to(SqliteConnection& connection, Place last);
// A message whose content, or whose edit in force, was changed in place: one that is in the index gets its words anew.
void index_again(SqliteConnection& connection, Place message);
// So do at most `limit` messages of a deleted room; false: there are none.
bool unindex_some(SqliteConnection& connection, std::uint64_t room_id, int limit);

}  // namespace parley::backend
