#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backend/store/audit_store.h"
#include "backend/store/directory_change.h"
#include "backend/store/erased_names.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

// The erase of one user, from the moment it was asked for.
struct Erasure {
  std::string pseudonym;
  std::string user{};  // "" when nothing has the name any more
  std::string salt{}, digest{};
  WallTime begun_at{};
  std::optional<WallTime> done_at{};
};

struct LeftRooms {
  bool more = false;
  std::uint64_t version = 0;  // 0: nothing was changed
  std::vector<std::uint64_t> rooms{};
};

inline constexpr int kMembershipsErasedMax = 100;  // in one transaction
inline constexpr int kActsErasedMax = 500;         // looked at in one transaction

// Erasing users from all but messages (MessageStore::erase_some has these), in the order of the methods below: each is one
// bounded transaction, may be made again, and goes on where an earlier process was killed. Thread-safe; calls block on the
// database. Errors of all: unavailable (nothing was changed, retry), in_doubt (make it again), corrupt, internal.
class EraseStore {
 public:
  virtual ~EraseStore() = default;

  // Disables the account for ever, takes its password, tokens, rights, registrations and notifications, and blocks its name: from now on neither
  // UserStore::create nor anything else makes an account of it. `act` is recorded with the pseudonym as its user.
  // not_found: no such user. An erase of this user that has begun already is given as it is, with version 0.
  virtual Result<Committed<Erasure>> begin(const std::string& user, const std::optional<Act>& act) = 0;

  // Ends some memberships, each with an entry `left` in the pseudonym's name; bans, mutes, invitations; puts the pseudonym
  // where the user invited or made links.
  virtual Result<LeftRooms> leave_some(const Erasure& erasure) = 0;
  // Puts the pseudonym into acts after `after` by, on, or naming the user; gives the last one looked at. nullopt: there are
  // no more.
  virtual Result<std::optional<std::uint64_t>> rename_acts(const Erasure& erasure, std::uint64_t after) = 0;
  // Rooms that will have to be told that something in them has changed.
  virtual Result<> note_rooms(const Erasure& erasure, const std::vector<std::uint64_t>& rooms) = 0;
  // Puts an entry `erased` into some of them. value: there are more.
  virtual Result<Committed<bool>> tell_some(const Erasure& erasure) = 0;
  // Removes the account, all else that has the name, and the name from the erasure. The Directory moves by a version that
  // the log does not tell of, so that the plugin is sent all of it, and forgets what it had. value: false when a membership
  // or the like has come into being meanwhile: leave_some again.
  virtual Result<Committed<bool>> forget(const Erasure& erasure) = 0;
  virtual Result<> finish(const Erasure& erasure) = 0;

  // The one that began first of those not finished.
  virtual Result<std::optional<Erasure>> unfinished() = 0;
  // In byte order of pseudonyms, those after `after`.
  virtual Result<std::vector<Erasure>> list(const std::string& after, std::uint32_t limit) = 0;
};

}  // namespace parley::backend
