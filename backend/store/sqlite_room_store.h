#pragma once
#include <memory>

#include "backend/store/deleted_room_purge.h"
#include "backend/store/room_store.h"
#include "backend/store/sqlite_database.h"

namespace parley::backend {

class SqliteRoomStore final : public RoomStore {
 public:
  SqliteRoomStore(std::shared_ptr<SqliteDatabase> database, std::uint32_t steps_kept, const Clock& clock);

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
  std::shared_ptr<SqliteDatabase> database_;
  std::uint32_t steps_kept_;
  const Clock& clock_;
  DeletedRoomPurge purge_;
};

}  // namespace parley::backend
