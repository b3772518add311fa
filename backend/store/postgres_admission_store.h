#pragma once
#include <memory>

#include "backend/store/admission_store.h"
#include "backend/store/postgres_pool.h"

namespace parley::backend {

class PostgresAdmissionStore final : public AdmissionStore {
 public:
  PostgresAdmissionStore(std::shared_ptr<PostgresPool> pool, const Clock& clock)
      : pool_(std::move(pool)), clock_(clock) {}

  Result<> invite(const NewInvitation& invitation) override;
  Result<Invitation> invitation(std::uint64_t room_id, const std::string& user) override;
  Result<std::vector<Invitation>> invitations_of(const std::string& user, const std::string& after,
                                                 std::uint32_t limit) override;
  Result<std::vector<Invitation>> invitations_to(std::uint64_t room_id, const std::string& after,
                                                 std::uint32_t limit) override;
  Result<> withdraw(std::uint64_t room_id, const std::string& user, const std::optional<Act>& act) override;
  Result<JoinLink> create_link(const NewJoinLink& link) override;
  Result<JoinLink> find_link(const std::string& sha256) override;
  Result<std::vector<JoinLink>> links(std::uint64_t room_id) override;
  Result<> revoke_link(std::uint64_t room_id, const std::string& id, const std::optional<Act>& act) override;

 private:
  std::shared_ptr<PostgresPool> pool_;
  const Clock& clock_;
};

// Uses up what `change` comes in by, as part of its transaction; not_found when it is no more. May throw
// PostgresFailure.
Result<> use_ticket(PostgresConnection& connection, const MemberChange& change, WallTime now);

}  // namespace parley::backend
