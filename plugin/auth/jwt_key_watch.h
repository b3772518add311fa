#pragma once
#include <chrono>
#include <cstdint>
#include <future>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "plugin/auth/jwt.h"

namespace parley::plugin {

// Notices that the file of the JWTs' keys is another one than before, and reads it, beside the broker's thread: the file may lie anywhere.
//
// Looked at once in kEvery: inode, size, times of change. A file is read when two looks in a row found the same new one, so that one which is being
// written is left to be finished; renaming a whole file over the old one is the way without any guessing. A file that can't be read or used is told as
// an error, once for each state of it, and again asked for when it changes.
// For one thread. No call waits, but for the destructor: until a look under way is done.
class JwtKeyWatch {
 public:
  static constexpr std::chrono::seconds kEvery{2};

  // What is there now counts as known: make the watch before the keys are read the first time.
  explicit JwtKeyWatch(JwtKeySource source);

  // What a changed file says; nullopt: nothing new.
  std::optional<Result<JwtKeySet>> poll(SteadyTime now);

  // One look, at once, in the caller's thread. Not while poll() is in use.
  std::optional<Result<JwtKeySet>> look();

 private:
  struct State {  // of the file; all 0: it can't be asked
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t modified_ns = 0, changed_ns = 0;
    bool operator==(const State&) const = default;
  };
  State state() const;

  JwtKeySource source_;
  State known_, seen_;  // what was read last; what the last look found. The look's own while one is under way
  std::future<std::optional<Result<JwtKeySet>>> under_way_;
  SteadyTime next_{};
};

}  // namespace parley::plugin
