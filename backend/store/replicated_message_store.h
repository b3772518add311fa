#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "backend/store/message_store.h"

namespace parley::backend {

// Reads pages from replicas of the database, in turn, where that shows nobody less than they have seen: only
// when the query tells what the caller has just read of the room from the primary (PageQuery::head), and the
// replica has all of that and the page's own bound. Otherwise, and whenever a replica fails, from the primary;
// everything else is the primary's. Thread-safe. A replica's store must answer at once when its server is
// dead (a circuit breaker): this class asks it every time.
class ReplicatedMessageStore final : public MessageStore {
 public:
  ReplicatedMessageStore(std::unique_ptr<MessageStore> primary,
                         std::vector<std::unique_ptr<MessageStore>> replicas)
      : primary_(std::move(primary)), replicas_(std::move(replicas)) {}

  Result<FeedPosition> position() override { return primary_->position(); }
  Result<> begin(std::uint64_t generation, const std::string& journal,
                 std::optional<std::uint64_t> restart_at) override {
    return primary_->begin(generation, journal, restart_at);
  }
  Result<StoreOutcome> store(std::uint64_t generation, std::uint64_t from, std::uint64_t to,
                             std::span<const wire::Record> records) override {
    return primary_->store(generation, from, to, records);
  }
  Result<Page> page(const PageQuery& query) override;
  Result<Page> thread(const ThreadQuery& query) override { return primary_->thread(query); }
  Result<std::map<Place, wire::Notes>> notes(std::span<const Place> messages) override {
    return primary_->notes(messages);
  }
  Result<> block(const ErasedName& name) override { return primary_->block(name); }
  Result<EraseStep> erase_some(const ErasedUser& who, const ErasePlace& from,
                               const NoteRooms& note) override {
    return primary_->erase_some(who, from, note);
  }
  Result<std::uint64_t> last_seq(std::uint64_t room_id) override { return primary_->last_seq(room_id); }
  Result<std::uint64_t> message_count() override { return primary_->message_count(); }

 private:
  std::unique_ptr<MessageStore> primary_;
  std::vector<std::unique_ptr<MessageStore>> replicas_;
  std::atomic<std::size_t> next_ = 0;
};

}  // namespace parley::backend
