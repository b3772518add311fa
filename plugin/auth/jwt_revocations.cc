#include "plugin/auth/jwt_revocations.h"

#include <fcntl.h>

#include <algorithm>

#include "plugin/auth/strict_json.h"
#include "plugin/directory/frames.h"

namespace parley::plugin {
namespace {

using nlohmann::json;

std::string frame_of(const JwtRevocation& entry) {
  json out{{"until", to_ms(entry.until)}};
  if (!entry.jti.empty())
    out["jti"] = entry.jti;
  else
    out.update({{"user", entry.user}, {"before", to_ms(entry.before)}});
  std::string frame;
  append_frame(frame, out.dump(-1, ' ', false, json::error_handler_t::replace));
  return frame;
}

std::optional<JwtRevocation> parse_entry(std::string_view text) {
  const auto read = parse_strict_object(text);
  if (!read) return std::nullopt;
  const auto string = [&](const char* name) {
    const auto it = read->find(name);
    return it != read->end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  const auto time = [&](const char* name) {
    const auto it = read->find(name);
    return from_ms(it != read->end() && it->is_number_integer() ? it->get<std::int64_t>() : 0);
  };
  JwtRevocation entry{string("jti"), string("user"), time("before"), time("until")};
  if (entry.jti.empty() == entry.user.empty()) return std::nullopt;
  return entry;
}

}  // namespace

std::string JwtRevocations::key_of(const JwtRevocation& revocation) {
  return revocation.jti.empty() ? "user:" + revocation.user : "jti:" + revocation.jti;
}

Result<std::unique_ptr<JwtRevocations>> JwtRevocations::open(const std::filesystem::path& file, WallTime now,
                                                             const LogSink& log) {
  std::unique_ptr<JwtRevocations> list(new JwtRevocations(file));
  if (auto read = list->read(now, log); !read) return std::unexpected(read.error());
  if (auto written = list->write_anew(); !written) return std::unexpected(written.error());
  return list;
}

Result<> JwtRevocations::read(WallTime now, const LogSink& log) {
  Fd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return {};
  if (!fd) return std::unexpected(errno_error("Can't open", path_));
  FrameReader reader(fd.get());
  std::string_view payload;
  auto state = reader.next(payload);
  for (; state == FrameReader::State::frame; state = reader.next(payload)) {
    const auto entry = parse_entry(payload);
    if (!entry) break;
    if (now < entry->until) put(*entry);
  }
  if (state == FrameReader::State::end) return {};
  if (state == FrameReader::State::unreadable) return std::unexpected(errno_error("Can't read", path_));
  if (state != FrameReader::State::torn)
    return fail(Errc::corrupt, path_.string() + ": the list of revoked JWTs is damaged at byte " +
                                   std::to_string(reader.offset()) +
                                   ". Without it they would be good again: bring it back from a backup, or "
                                   "move it away and revoke anew");
  log(LogLevel::warning, path_.string() + ": the end of the last entry is missing, cut off; " +
                             std::to_string(size()) + " kept");
  return {};
}

Result<> JwtRevocations::write_anew() {
  std::string all;
  for (const auto& [key, entry] : entries_) all += frame_of(entry);
  if (auto written = write_file_atomic(path_, all); !written && written.error().code != Errc::in_doubt)
    return written;
  file_ = Fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file_) return std::unexpected(errno_error("Can't open", path_));
  frames_ = entries_.size();
  return {};
}

void JwtRevocations::put(const JwtRevocation& revocation) {
  std::string key = key_of(revocation);
  auto& entry = entries_[key];
  by_end_.erase({entry.until, key});
  const WallTime before = std::max(entry.before, revocation.before);
  const WallTime until = std::max(entry.until, revocation.until);
  entry = {revocation.jti, revocation.user, before, until};
  by_end_.emplace(until, std::move(key));
}

Result<> JwtRevocations::add(const JwtRevocation& revocation, WallTime now) {
  tend(now);
  if (entries_.size() >= kEntriesMax && !entries_.contains(key_of(revocation)))
    return fail(Errc::unavailable, "The broker's list of revoked JWTs is full (" +
                                       std::to_string(kEntriesMax) +
                                       "): revoke all of a user's, or take another key.");
  if (frames_ >= kFramesMax)
    if (auto written = write_anew(); !written) return written;
  if (auto written = append_all(file_, frame_of(revocation)); !written) return written;
  ++frames_;
  put(revocation);
  return {};
}

bool JwtRevocations::covers(const JwtClaims& claims) const {
  if (entries_.empty()) return false;
  if (!claims.jti.empty() && entries_.contains("jti:" + claims.jti)) return true;
  const auto of_user = entries_.find("user:" + claims.sub);
  return of_user != entries_.end() && (!claims.iat || *claims.iat <= of_user->second.before);
}

std::vector<JwtRevocation> JwtRevocations::list(std::string_view after, std::size_t limit, bool& more) const {
  std::vector<JwtRevocation> page;
  auto at = entries_.upper_bound(after);
  for (; at != entries_.end() && page.size() < limit; ++at) page.push_back(at->second);
  more = at != entries_.end();
  return page;
}

void JwtRevocations::tend(WallTime now) {
  while (!by_end_.empty() && by_end_.begin()->first <= now) {
    entries_.erase(by_end_.begin()->second);
    by_end_.erase(by_end_.begin());
  }
}

}  // namespace parley::plugin
