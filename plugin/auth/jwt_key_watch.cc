#include "plugin/auth/jwt_key_watch.h"

#include <sys/stat.h>

#include <utility>

#include "plugin/directory/background.h"

namespace parley::plugin {
namespace {

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

JwtKeyWatch::JwtKeyWatch(JwtKeySource source) : source_(std::move(source)), known_(state()), seen_(known_) {}

JwtKeyWatch::State JwtKeyWatch::state() const {
  const auto& path = source_.jwks_file.empty() ? source_.key_file : source_.jwks_file;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
          nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

std::optional<Result<JwtKeySet>> JwtKeyWatch::look() {
  const State now = state();
  const bool settled = now == std::exchange(seen_, now);
  if (!settled || now == known_) return std::nullopt;
  auto keys = load_jwt_keys(source_);
  if (state() != now) return std::nullopt;  // changed while it was read: the next looks will find it
  known_ = now;
  return keys;
}

std::optional<Result<JwtKeySet>> JwtKeyWatch::poll(SteadyTime now) {
  if (under_way_.valid()) {
    if (under_way_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return std::nullopt;
    return under_way_.get();
  }
  if (now < next_) return std::nullopt;
  next_ = now + kEvery;
  under_way_ = run_in_background([this] { return look(); });
  return std::nullopt;
}

}  // namespace parley::plugin
