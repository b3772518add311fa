#pragma once
#include "backend/cache/mark_copies.h"
#include "backend/store/room_store.h"

namespace parley::backend {

// A RoomStore that tells MarkCopies of each change that may have ended marks, before its caller learns of it. Both references must
// outlive it.
class MarkCopyingRoomStore final : public RoomStore {
 public:
  MarkCopyingRoomStore(RoomStore& store, MarkCopies& copies) : store_(store), copies_(copies) {}

  Result<Room> find(const std::string& name) override { return store_.find(name); }
  Result<Room> get(std::uint64_t room_id) override { return store_.get(room_id); }
  Result<std::vector<RoomOfUser>> list(const RoomQuery& query) override { return store_.list(query); }
  Result<Member> member(std::uint64_t room_id, const std::string& user) override {
    return store_.member(room_id, user);
  }
  Result<std::vector<Member>> members(const MemberQuery& query) override { return store_.members(query); }
  Result<Committed<Room>> create(const NewRoom& room) override {
    auto done = store_.create(room);
    copies_.room_made(room.name);
    return done;
  }
  Result<Committed<Room>> update(std::uint64_t room_id, const RoomUpdate& update) override {
    return store_.update(room_id, update);
  }
  Result<Committed<Room>> erase(std::uint64_t room_id, const std::optional<Act>& act = {}) override {
    auto done = store_.erase(room_id, act);
    copies_.room_deleted();
    return done;
  }
  Result<Committed<Member>> change_member(const MemberChange& change) override {
    auto done = store_.change_member(change);
    copies_.member_changed(change.user);
    return done;
  }
  Result<std::uint64_t> count() override { return store_.count(); }

 private:
  RoomStore& store_;
  MarkCopies& copies_;
};

}  // namespace parley::backend
