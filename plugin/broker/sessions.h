#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "plugin/auth/jwt_revocations.h"

namespace parley::plugin {

struct Session {
  const void* key = nullptr;
  std::uint64_t number = 0;  // of this connection, for the backend: never used again
  std::string user, device, address;
  std::string auth;                   // "backend" "jwt" "token" "password" "scram" "certificate"
  std::string token_id;               // of a device token
  std::string jti;                    // of a JWT that has one
  std::optional<WallTime> issued_at;  // of a JWT that says it
  int protocol = 4;
  bool backend = false;
  std::int64_t connected_at_ms = 0;
  std::optional<WallTime> expires;  // a JWT's exp, a device token's end
  std::optional<WallTime> warn_at;  // when its client is to be told of that; none: not, or done
  std::uint32_t above_rate = 0;     // publishes refused for their rate since:
  SteadyTime above_rate_since{};
  bool shut_out = false;  // banned, by certificate past the login, and about to be kicked
  bool resuming = false;  // between its login and the next tick
};

// Who is connected now, by the broker's own object: on a takeover the new connection logs in before the old one's disconnect comes.
// For the broker's thread. Bounded by the connections the broker takes.
class Sessions {
 public:
  Session& open(Session session);
  std::optional<Session> close(const void* key);
  Session* find(const void* key);
  std::size_t size() const { return by_key_.size(); }
  // In no order; `visit` must not open or close any.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [key, session] : by_key_) visit(session);
  }

  // To be kicked at the next tick; a key that is gone by then is passed over.
  void kick_later(const void* key) { kicks_.insert(key); }
  // All of a user's sessions ("" device), or those of one device, or those that logged in by a token. How many were marked.
  std::uint32_t kick_user_later(std::string_view user, std::string_view device = {});
  std::uint32_t kick_token_later(std::string_view token_id);
  // Those of whom `which` is true, the backend's own left out. Looks at all.
  std::uint32_t kick_all_later(const std::function<bool(const Session&)>& which);
  // Those that logged in by a JWT that is revoked by this.
  std::uint32_t kick_jwts_later(const JwtRevocation& revocation);
  // Takes the marked ones that are still there, and those whose login expired.
  std::vector<const Session*> take_kicks(WallTime now);
  // Takes those whose clients are to be told now that their login expires; each once.
  std::vector<const Session*> take_warnings(WallTime now);
  // The session of `key` goes on with what it was proved by anew: `proof`'s expires, warn_at, jti and issued_at.
  void renew(const void* key, const Session& proof);

  // A session that was denied a queued message while it resumed may stay mute in every room, since Mosquitto does not give back the place the
  // message took in its window: it is kicked once more (design §4, Removal).
  void denied_read(const void* key);
  void end_of_resume();

  // How many of a user's are connected, `device` left out: a takeover is none more.
  std::size_t count_user(std::string_view user, std::string_view device) const;

  // Sessions ordered by device name, those after `after`; of `user` only when it is not "". The backend's own are left out. Two of one device
  // (a takeover) are never on two pages: then there is one more than `limit`.
  std::vector<const Session*> list(std::string_view user, std::string_view after, std::size_t limit,
                                   bool& more) const;

 private:
  std::vector<const Session*> of_user(std::string_view user) const;  // by device name
  void index_proof(const Session& session);                          // what renew() changes
  void forget_proof(const Session& session);

  std::unordered_map<const void*, Session> by_key_;
  std::unordered_multimap<std::string, const void*> by_user_;  // folded name
  std::set<std::pair<std::string_view, const void*>>
      by_device_;  // without the backend's; the names are the sessions' own
  std::unordered_multimap<std::string, const void*> by_token_;  // token id, of those that have one
  std::unordered_multimap<std::string, const void*> by_jti_;    // likewise
  std::set<std::pair<WallTime, const void*>> expiries_, warnings_;
  std::unordered_set<const void*> kicks_;
  std::vector<const void*> resuming_;
};

}  // namespace parley::plugin
