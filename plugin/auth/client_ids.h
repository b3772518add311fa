#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "plugin/auth/client_id_log.h"
#include "plugin/limits/lru_map.h"

namespace parley::plugin {

struct ClientIdOptions {
  std::chrono::seconds hold{std::chrono::days{
      7}};  // how long an id stays its user's after a disconnect, when a session may live on
  std::size_t per_user_max = 100;     // ids of one user, connected and held; 1 at least
  std::size_t total_max = 1'000'000;  // about 300 bytes each in memory
  std::uint64_t log_rotate_bytes =
      16 << 20;  // the log is written anew when it has grown to this and to twice its first size
};

// Who a client id belongs to, so that nobody can evict another's connection or take over another's sleeping
// session.
//
// An id is its user's while connected. After that: a session that ended with the connection (MQTT 3.1.1,
// clean session) frees it at once; otherwise it is held for `hold`, since Mosquitto 2.0 tells a plugin
// neither an MQTT 5 session's expiry nor its end. Set `hold` at least as long as
// persistent_client_expiration. Ids are compared without case; users exactly.
//
// Bounds. A user's id above per_user_max takes the place of that user's own id that is longest offline, and
// an id above total_max that of the one longest offline of all; only when nothing is offline is a claim
// refused. A claim given up early risks this: another user may take the id, which ends the session that
// sleeps under it; what was queued for it is read-checked against the new user's name, so nothing is
// disclosed.
//
// Disk: every change of a held claim is appended to a log in `dir` (client_id_log.h) with write(2), no fsync:
// kept when the broker is killed, perhaps not the last half minute at a power loss. Claims of clean sessions
// are not written. After a restart every written claim is offline, those that were connected from that moment
// on. When the disk fails the claim stands in memory, an error is logged, and the log is written anew as soon
// as it can be; a crash before that forgets the newest claims, with the risk above.
//
// Wall time orders and ends holds: a clock that jumps forward by more than `hold` frees what is offline.
// Not thread-safe. A call writes at most some kilobytes and never waits for the disk.
class ClientIds {
 public:
  enum class Claim { ok, owned_by_other, quota, illegal };

  // Reads and compacts the log of `dir` (made when missing). A torn or damaged end is cut, and what comes
  // before it kept: logged as a warning; the claims cut off are forgotten, with the risk above. corrupt: a
  // file there is no log of ours; unavailable, permission_denied: I/O.
  static Result<std::unique_ptr<ClientIds>> open(const std::filesystem::path& dir, ClientIdOptions options,
                                                 WallTime now, LogSink log);

  // To be called for each connection that was authenticated; each `ok` needs its released(). A second
  // connection of the same user is ok: the broker ends the first one. `persistent`: a session may live on
  // after the disconnect (all of MQTT 5, and 3.1.1 without clean session). illegal: `client_id` is no legal
  // name; it can't be claimed.
  Claim claim(std::string_view client_id, std::string_view user, bool persistent, WallTime now);

  // One connection of `client_id` is gone. Ids nobody claimed, or another user's, are passed over.
  void released(std::string_view client_id, std::string_view user, WallTime now);

  // `user` gives `client_id` up: at once, or when its connections are gone, unless it is claimed again before. Another user's is passed over.
  // Spelled as it was claimed or not; a session that may sleep under it is the next claimant's to end or to resume (read-checked, see above).
  void forget(std::string_view client_id, std::string_view user);

  // All ids of `user`, as forget() does; and the log is written anew from now on, so that nothing of theirs stays in it.
  void forget_user(std::string_view user);

  // Goes on with writing the log anew, some of it; call it often. (Claims and disconnects do so, too.)
  void tend(WallTime now) { tend_log(now); }

  // Whose the id is: for logins that are left to others, which must not take it. nullopt: nobody's. Good
  // until the next call.
  std::optional<std::string_view> owner(std::string_view client_id, WallTime now);

  // From now on; what is held above a lowered quota stays until its user claims another.
  void set_limits(std::chrono::seconds hold, std::size_t per_user_max) {
    options_.hold = hold, options_.per_user_max = per_user_max;
  }

  std::size_t size() const { return by_id_.size(); }
  std::uint64_t given_up() const { return given_up_; }  // claims ended early by a bound
  std::uint64_t write_errors() const { return write_errors_; }

 private:
  using Slot = std::uint32_t;
  using SlotsByUser = std::unordered_map<std::string, std::vector<Slot>, StringHash, std::equal_to<>>;
  struct Entry {
    std::string id;                           // as the connection that claimed it spelled it
    const std::string* key = nullptr;         // folded: by_id_'s own
    SlotsByUser::value_type* user = nullptr;  // nullptr: the slot is free
    std::uint32_t connections = 0;
    bool persistent = false;          // and so on disk
    bool forgotten = false;           // not to be held when it goes offline
    bool other_spellings = false;     // sessions of other spellings may sleep besides
    WallTime offline_since{};         // when connections is 0
    std::list<Slot>::iterator place;  // in offline_, when connections is 0
  };

  ClientIds(ClientIdOptions options, LogSink log, std::unique_ptr<ClientIdLog> disk);

  void restore(std::vector<ClientIdLog::Held> held, WallTime now);
  std::optional<Slot> find_live(std::string_view client_id, WallTime now);
  bool lapsed(const Entry& entry, WallTime now) const;
  bool make_room(std::string_view user);
  Slot add(std::string_view client_id, std::string_view user);
  void go_online(Entry& entry, std::string_view client_id, bool persistent);
  void go_offline(Slot slot, WallTime now);
  void remove(Slot slot);
  void drop_lapsed(WallTime now);
  std::optional<Slot> longest_offline(const std::vector<Slot>& slots) const;
  void write_held(const Entry& entry);
  void write_dropped(const Entry& entry);
  void note_write(const Result<>& result);
  void tend_log(WallTime now);
  bool wants_rotation(WallTime now) const;

  ClientIdOptions options_;
  LogSink log_;
  std::unique_ptr<ClientIdLog> disk_;
  std::vector<Entry> entries_;
  std::vector<Slot> free_;
  std::unordered_map<std::string, Slot, StringHash, std::equal_to<>> by_id_;
  SlotsByUser by_user_;
  std::list<Slot> offline_;  // longest offline first
  Slot copied_ = 0;          // rotation: entries below are in the new log
  std::uint64_t given_up_ = 0, write_errors_ = 0;
  std::optional<WallTime>
      drop_old_log_at_;           // by writing the log anew once more, when what was written is on the disk
  bool rotation_due_ = false;     // whatever the log's size
  bool disk_behind_ = false;      // a write failed: the log has to be written anew
  WallTime last_rotation_try_{};  // while disk_behind_
};

}  // namespace parley::plugin
