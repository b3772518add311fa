#pragma once
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "backend/store/message_store.h"

namespace parley::backend {

// Several MessageStores as one: each room's messages lie in one of them. Each keeps its own feed position; the
// whole stands at the smallest, so after a failure of one the others are given again what they have, which
// changes nothing. A batch is given to all at once. Thread-safe.
class ShardedMessageStore final : public MessageStore {
 public:
  // Which store, by index, each of these rooms lies in.
  using Locate = std::function<Result<std::unordered_map<std::uint64_t, std::size_t>>(
      const std::vector<std::uint64_t>& rooms)>;

  ShardedMessageStore(std::vector<std::unique_ptr<MessageStore>> shards, Locate locate)
      : shards_(std::move(shards)), locate_(std::move(locate)) {}

  // A journal none of the shards knows ("a|b") when they follow different ones: a change of journals was cut
  // off between them, and must be made again.
  Result<FeedPosition> position() override;
  Result<> begin(std::uint64_t generation, const std::string& journal,
                 std::optional<std::uint64_t> restart_at) override;
  // After an error some shards may have stored their part.
  Result<StoreOutcome> store(std::uint64_t generation, std::uint64_t from, std::uint64_t to,
                             std::span<const wire::Record> records) override;
  Result<Page> page(const PageQuery& query) override;
  Result<Page> thread(const ThreadQuery& query) override;
  Result<std::map<Place, wire::Notes>> notes(std::span<const Place> messages) override;
  Result<> block(const ErasedName& name) override;
  // One after the other.
  Result<EraseStep> erase_some(const ErasedUser& who, const ErasePlace& from, const NoteRooms& note) override;
  Result<std::uint64_t> last_seq(std::uint64_t room_id) override;
  Result<std::uint64_t> message_count() override;

 private:
  Result<std::vector<std::vector<wire::Record>>> split(std::span<const wire::Record> records);
  Result<MessageStore*> shard_of(std::uint64_t room_id);

  std::vector<std::unique_ptr<MessageStore>> shards_;
  Locate locate_;
};

}  // namespace parley::backend
