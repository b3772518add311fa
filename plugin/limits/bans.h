#pragma once
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/result.h"
#include "plugin/limits/ban_index.h"

namespace parley::plugin {

// The bans (BanIndex), kept on disk: the broker enforces them without the backend, and from its start on.
//
// One file, `bans`, of frames (plugin/directory/frames.h): '+' and a ban's JSON (wire/ban.h) puts it, '-' and its id takes it away; later ones win. Ends are
// in the bans themselves. Every change is appended with write(2) before it is in force: kept when the broker is killed, perhaps not the last half minute
// at a power loss. Opening writes the file anew, as a whole; so does a thread beside the broker's when it has grown to `rewrite_bytes` and twice its first
// size, while changes go to both.
//
// For the broker's thread. A call writes some hundred bytes and never waits for the disk.
class Bans {
 public:
  struct Options {
    std::size_t each_max = wire::kBansMax;
    std::uint64_t rewrite_bytes = 4 << 20;
  };

  // `dir` is made when missing. A torn or damaged end is cut, with a warning. corrupt: the file there is none of ours; unavailable, permission_denied: I/O.
  static Result<std::unique_ptr<Bans>> open(const std::filesystem::path& dir, Options options, WallTime now,
                                            LogSink log);
  static Result<std::unique_ptr<Bans>> open(const std::filesystem::path& dir, WallTime now, LogSink log) {
    return open(dir, Options(), now, std::move(log));
  }
  Bans(const Bans&) = delete;
  Bans& operator=(const Bans&) = delete;
  ~Bans();

  // A ban an administrator made or took back. unavailable: the list is full, or the disk takes nothing, and nothing is changed; not_found.
  Result<> add(const wire::Ban& ban);
  Result<> remove(wire::BanKind kind, std::string_view target);
  // One of the broker's own: in force also when the disk takes nothing, which is logged.
  void add_own(const wire::Ban& ban);

  // Lets ended ones go, and sees to the file. Called now and then.
  void tend(WallTime now);

  const BanIndex& list() const { return index_; }

 private:
  Bans(std::filesystem::path path, Options options, LogSink log)
      : path_(std::move(path)), options_(options), log_(std::move(log)), index_(options.each_max) {}
  Result<> replay(WallTime now);
  void apply(std::string_view payload, WallTime now);
  std::string whole() const;
  Result<> begin_file();
  Result<> append(const std::string& payload);
  void begin_rewriting();
  void end_rewriting();

  std::filesystem::path path_;
  Options options_;
  LogSink log_;
  BanIndex index_;
  Fd file_;
  std::uint64_t size_ = 0, rewrite_at_ = 0;
  std::future<Result<>> rewriting_;
  std::string meanwhile_;  // frames of changes since the rewriting began
};

}  // namespace parley::plugin
