#pragma once
#include <memory>

#include "backend/store/deleted_room_purge.h"
#include "backend/store/postgres_pool.h"
#include "backend/store/postgres_room_rows.h"
#include "backend/store/postgres_shards.h"
#include "backend/store/room_store.h"

namespace parley::backend {

// A change whose commit got no answer is settled (commit_change); in_doubt only when the database stays away.
class PostgresRoomStore final : public RoomStore {
 public:
  // `shards`: null when all messages lie in the pool's own database, else its first is that.
  PostgresRoomStore(std::shared_ptr<PostgresPool> pool, std::shared_ptr<PostgresShards> shards,
                    std::uint32_t steps_kept, const Clock& clock);

  Result<Room> find(const std::string& name) override;
  Result<Room> get(std::uint64_t room_id) override;
  Result<std::vector<RoomOfUser>> list(const RoomQuery& query) override;
  Result<Member> member(std::uint64_t room_id, const std::string& user) override;
  Result<std::vector<Member>> members(const MemberQuery& query) override;
  Result<Committed<Room>> create(const NewRoom& room) override;
  Result<Committed<Room>> update(std::uint64_t room_id, const RoomUpdate& update) override;
  Result<Committed<Room>> erase(std::uint64_t room_id, const std::optional<Act>& act) override;
  Result<Committed<Member>> change_member(const MemberChange& change) override;
  Result<std::uint64_t> count() override;

 private:
  Result<> complete(std::vector<PlacedRoom*> rooms);
  Result<> set_retention(PostgresConnection& connection, const std::string& shard, Room& room,
                         const std::optional<Retention>& retain);
  Result<Room> completed(Result<PlacedRoom> room);
  Marks marks_at_joining(PlacedRoom placed);
  Result<Room> insert_room(PostgresConnection& connection, const NewRoom& draft);

  std::shared_ptr<PostgresPool> pool_;
  std::shared_ptr<PostgresShards> shards_;
  std::uint32_t steps_kept_;
  const Clock& clock_;
  DeletedRoomPurge purge_;
};

}  // namespace parley::backend
