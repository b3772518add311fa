#pragma once
#include <memory>

#include "backend/store/message_store.h"
#include "backend/store/search_work.h"
#include "backend/store/sqlite_database.h"

namespace parley::backend {

class SqliteMessageStore final : public MessageStore {
 public:
  // `search` is told what is stored; null: nobody is.
  explicit SqliteMessageStore(std::shared_ptr<SqliteDatabase> database,
                              std::shared_ptr<SearchWork> search = nullptr)
      : database_(std::move(database)), search_(std::move(search)) {}

  Result<FeedPosition> position() override;
  Result<> begin(std::uint64_t generation, const std::string& journal,
                 std::optional<std::uint64_t> restart_at) override;
  Result<StoreOutcome> store(std::uint64_t generation, std::uint64_t from, std::uint64_t to,
                             std::span<const wire::Record> records) override;
  Result<Page> page(const PageQuery& query) override;
  Result<Page> thread(const ThreadQuery& query) override;
  Result<std::map<Place, wire::Notes>> notes(std::span<const Place> messages) override;
  Result<> block(const ErasedName& name) override;
  Result<EraseStep> erase_some(const ErasedUser& who, const ErasePlace& from, const NoteRooms& note) override;
  Result<std::uint64_t> last_seq(std::uint64_t room_id) override;
  Result<std::uint64_t> message_count() override;

 private:
  std::shared_ptr<SqliteDatabase> database_;
  ErasedNames erased_;
  std::shared_ptr<SearchWork> search_;
};

}  // namespace parley::backend
