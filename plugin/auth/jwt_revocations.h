#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/result.h"
#include "plugin/auth/jwt_token.h"

namespace parley::plugin {

// JWTs that are not to be taken any more, though well signed and not expired: one by its `jti`, or all of a user's that were issued up to a moment.
struct JwtRevocation {
  std::string jti;    // this one; or
  std::string user;   // those of this user (exactly so written)
  WallTime before{};  // issued at that time or earlier, with `user`
  WallTime until{};   // when the entry may leave: the tokens have expired by then
  bool operator==(const JwtRevocation&) const = default;
};

// The list of them, in memory and on disk, so that it holds while the backend is down and after the broker was killed.
//
// A token without `iat` counts as issued before any moment. `iat` has seconds: one issued in the very second of `before` is covered, whichever came
// first. Entries leave at their `until`. At most kEntriesMax: beyond, add() refuses, and says so, rather than forgetting an older one.
//
// Disk: one frame (plugin/directory/frames.h) an entry, JSON, appended with write(2) without fsync: kept when the broker is killed, perhaps not the
// last half minute at a power loss. A torn end is cut off, with a warning; other damage makes open() fail, since what can't be read is tokens that
// would be good again. Written anew (with fsync: some 10 ms) when opened and once in kFramesMax entries.
// For one thread; add() waits for the disk no longer than write(2) does.
class JwtRevocations {
 public:
  static constexpr std::size_t kEntriesMax = 20'000;  // about 300 bytes each
  static constexpr std::size_t kFramesMax = 4 * kEntriesMax;

  // corrupt: see above, the sentence names the file; unavailable, permission_denied: I/O.
  static Result<std::unique_ptr<JwtRevocations>> open(const std::filesystem::path& file, WallTime now,
                                                      const LogSink& log);

  // Of two about the same token or user the later `before` and `until` hold. unavailable: the list is full, or the disk does not take it; nothing
  // was changed.
  Result<> add(const JwtRevocation& revocation, WallTime now);
  bool covers(const JwtClaims& claims) const;

  // Ordered by key_of(); those after `after`.
  std::vector<JwtRevocation> list(std::string_view after, std::size_t limit, bool& more) const;
  static std::string key_of(const JwtRevocation& revocation);  // "jti:…" or "user:…"

  void tend(WallTime now);  // lets go of what has passed; cheap
  std::size_t size() const { return entries_.size(); }

 private:
  explicit JwtRevocations(std::filesystem::path file) : path_(std::move(file)) {}

  Result<> read(WallTime now, const LogSink& log);
  Result<> write_anew();
  void put(const JwtRevocation& revocation);

  std::filesystem::path path_;
  Fd file_;
  std::size_t frames_ = 0;
  std::map<std::string, JwtRevocation, std::less<>> entries_;  // by key
  std::set<std::pair<WallTime, std::string>> by_end_;
};

}  // namespace parley::plugin
