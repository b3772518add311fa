#include <algorithm>

#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

class MemoryAdmissionStore final : public AdmissionStore {
 public:
  MemoryAdmissionStore(std::shared_ptr<MemoryDatabase> database, const Clock& clock)
      : database_(std::move(database)), clock_(clock) {}

  Result<> invite(const NewInvitation& draft) override;
  Result<Invitation> invitation(std::uint64_t room_id, const std::string& user) override;
  Result<std::vector<Invitation>> invitations_of(const std::string& user, const std::string& after,
                                                 std::uint32_t limit) override;
  Result<std::vector<Invitation>> invitations_to(std::uint64_t room_id, const std::string& after,
                                                 std::uint32_t limit) override;
  Result<> withdraw(std::uint64_t room_id, const std::string& user, const std::optional<Act>& act) override;
  Result<JoinLink> create_link(const NewJoinLink& draft) override;
  Result<JoinLink> find_link(const std::string& sha256) override;
  Result<std::vector<JoinLink>> links(std::uint64_t room_id) override;
  Result<> revoke_link(std::uint64_t room_id, const std::string& id, const std::optional<Act>& act) override;

 private:
  void sweep() { database_->sweep_admissions(clock_.wall()); }

  std::shared_ptr<MemoryDatabase> database_;
  const Clock& clock_;
};

std::unexpected<Error> missing() {
  return fail(Errc::not_found, "It is not there.");
}
std::unexpected<Error> too_many() {
  return fail(Errc::invalid_argument, "There are as many as may be.");
}

Result<> MemoryAdmissionStore::invite(const NewInvitation& draft) {
  std::lock_guard lock(database_->mutex);
  auto* room = database_->living(draft.room_id);
  if (!room || !database_->accounts.contains(draft.user)) return missing();
  sweep();
  std::uint32_t of_user = 0, to_room = 0;
  for (const auto& [key, other] : database_->invitations) {
    of_user += key.second == draft.user && key.first != draft.room_id;
    to_room += key.first == draft.room_id && key.second != draft.user;
  }
  if (of_user >= kInvitationsOfUserMax || to_room >= kInvitationsToRoomMax) return too_many();
  database_->invitations[{draft.room_id, draft.user}] = {.room_id = draft.room_id,
                                                         .user = draft.user,
                                                         .role = draft.role,
                                                         .by = draft.by,
                                                         .at = clock_.wall(),
                                                         .expires_at = draft.expires_at};
  database_->record_act(draft.act, clock_.wall());
  return {};
}

Result<Invitation> MemoryAdmissionStore::invitation(std::uint64_t room_id, const std::string& user) {
  auto all = invitations_to(room_id, "", UINT32_MAX);
  for (const auto& one : *all)
    if (one.user == user) return one;
  return missing();
}

Result<std::vector<Invitation>> MemoryAdmissionStore::invitations_of(const std::string& user,
                                                                     const std::string& after,
                                                                     std::uint32_t limit) {
  std::lock_guard lock(database_->mutex);
  sweep();
  std::vector<Invitation> all;
  for (const auto& [key, one] : database_->invitations) {
    if (key.second != user) continue;
    const auto& room = database_->rooms[key.first].room;
    all.push_back(one);
    all.back().room = room.name, all.back().title = room.title, all.back().kind = room.kind;
  }
  std::erase_if(all, [&](const Invitation& one) { return one.room <= after; });
  std::ranges::sort(all, {}, &Invitation::room);
  if (all.size() > limit) all.resize(limit);
  return all;
}

Result<std::vector<Invitation>> MemoryAdmissionStore::invitations_to(std::uint64_t room_id,
                                                                     const std::string& after,
                                                                     std::uint32_t limit) {
  std::lock_guard lock(database_->mutex);
  sweep();
  std::vector<Invitation> all;
  for (const auto& [key, one] : database_->invitations) {
    if (key.first != room_id || key.second <= after || all.size() >= limit) continue;
    const auto& room = database_->rooms[room_id].room;
    all.push_back(one);
    all.back().room = room.name, all.back().title = room.title, all.back().kind = room.kind;
  }
  return all;
}

Result<> MemoryAdmissionStore::withdraw(std::uint64_t room_id, const std::string& user,
                                        const std::optional<Act>& act) {
  std::lock_guard lock(database_->mutex);
  sweep();
  if (database_->invitations.erase({room_id, user}) == 0) return missing();
  database_->record_act(act, clock_.wall());
  return {};
}

Result<JoinLink> MemoryAdmissionStore::create_link(const NewJoinLink& draft) {
  std::lock_guard lock(database_->mutex);
  if (!database_->living(draft.room_id)) return missing();
  sweep();
  auto of_room = [&](const auto& item) { return item.second.link.room_id == draft.room_id; };
  if (std::ranges::count_if(database_->links, of_room) >= kLinksOfRoomMax) return too_many();
  JoinLink link{.id = draft.id,
                .room_id = draft.room_id,
                .by = draft.by,
                .at = clock_.wall(),
                .expires_at = draft.expires_at,
                .uses_left = draft.uses};
  database_->links[draft.id] = {link, draft.sha256};
  database_->record_act(draft.act, clock_.wall());
  return link;
}

Result<JoinLink> MemoryAdmissionStore::find_link(const std::string& sha256) {
  std::lock_guard lock(database_->mutex);
  sweep();
  for (const auto& [id, row] : database_->links)
    if (row.sha256 == sha256) return row.link;
  return missing();
}

Result<std::vector<JoinLink>> MemoryAdmissionStore::links(std::uint64_t room_id) {
  std::lock_guard lock(database_->mutex);
  sweep();
  std::vector<JoinLink> links;
  for (const auto& [id, row] : database_->links)
    if (row.link.room_id == room_id) links.push_back(row.link);
  return links;
}

Result<> MemoryAdmissionStore::revoke_link(std::uint64_t room_id, const std::string& id,
                                           const std::optional<Act>& act) {
  std::lock_guard lock(database_->mutex);
  auto at = database_->links.find(id);
  if (at == database_->links.end() || at->second.link.room_id != room_id) return missing();
  database_->links.erase(at);
  database_->record_act(act, clock_.wall());
  return {};
}

}  // namespace

// Under `mutex`.
void MemoryDatabase::sweep_admissions(WallTime now) {
  std::erase_if(invitations,
                [&](const auto& item) { return item.second.expires_at <= now || !living(item.first.first); });
  std::erase_if(links, [&](const auto& item) {
    const auto& link = item.second.link;
    return (link.expires_at && *link.expires_at <= now) || link.uses_left == 0u || !living(link.room_id);
  });
}

// Under `mutex`.
Result<> MemoryDatabase::use_ticket(const MemberChange& change, WallTime now) {
  sweep_admissions(now);
  if (change.ticket.kind == Ticket::Kind::link) {
    auto at = links.find(change.ticket.link);
    if (at == links.end() || at->second.link.room_id != change.room_id) return missing();
    auto& link = at->second.link;
    ++link.uses;
    if (link.uses_left) --*link.uses_left;
  }
  bool invited = false;
  if (change.role != wire::Role::none || change.banned)
    invited = invitations.erase({change.room_id, change.user}) > 0;
  if (change.ticket.kind == Ticket::Kind::invitation && !invited) return missing();
  return {};
}

std::unique_ptr<AdmissionStore> memory_admissions(std::shared_ptr<MemoryDatabase> database,
                                                  const Clock& clock) {
  return std::make_unique<MemoryAdmissionStore>(std::move(database), clock);
}

}  // namespace parley::backend
