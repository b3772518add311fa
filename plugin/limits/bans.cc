#include "plugin/limits/bans.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>

#include "plugin/directory/frames.h"

namespace parley::plugin {

using wire::Ban;
using wire::BanKind;

namespace {

constexpr std::size_t kEndedAtOnce = 1000;
constexpr std::string_view kHead = "parley bans 1";  // the first frame

std::string put_payload(const Ban& ban) {
  return "+" + wire::ban_to_json(ban).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::filesystem::path new_path(const std::filesystem::path& path) {
  return path.string() + ".new";
}

Result<Fd> open_to_append(const std::filesystem::path& path) {
  Fd file{::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)};
  if (!file) return std::unexpected(errno_error("can't open", path));
  return file;
}

}  // namespace

Result<std::unique_ptr<Bans>> Bans::open(const std::filesystem::path& dir, Options options, WallTime now,
                                         LogSink log) {
  std::error_code ec;
  std::filesystem::create_directories(dir, ec);
  if (ec) return fail(Errc::unavailable, "can't make " + dir.string() + ": " + ec.message());
  std::unique_ptr<Bans> bans(new Bans(dir / "bans", options, std::move(log)));
  if (auto read = bans->replay(now); !read) return std::unexpected(read.error());
  if (auto written = write_file_atomic(bans->path_, bans->whole()); !written)
    return std::unexpected(written.error());
  if (auto begun = bans->begin_file(); !begun) return std::unexpected(begun.error());
  return bans;
}

Bans::~Bans() {
  if (rewriting_.valid()) rewriting_.wait();
}

Result<> Bans::replay(WallTime now) {
  Fd file{::open(path_.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file && errno == ENOENT) return {};
  if (!file) return std::unexpected(errno_error("can't open", path_));
  FrameReader reader(file.get());
  std::string_view payload;
  auto state = reader.next(payload);
  if (state == FrameReader::State::frame && payload != kHead)
    return fail(Errc::corrupt, path_.string() + " is no list of bans of this version");
  if (state == FrameReader::State::corrupt)
    return fail(Errc::corrupt, path_.string() + " is no list of bans");
  while ((state = reader.next(payload)) == FrameReader::State::frame) apply(payload, now);
  if (state == FrameReader::State::unreadable) return std::unexpected(errno_error("can't read", path_));
  if (state != FrameReader::State::end)
    log_(LogLevel::warning, path_.string() + " is damaged after byte " + std::to_string(reader.offset()) +
                                ": what came behind is forgotten; compare `parleyctl ban list`");
  return {};
}

void Bans::apply(std::string_view payload, WallTime now) {
  if (payload.starts_with('-')) {
    if (const auto id = wire::parse_ban_id(payload.substr(1))) index_.remove(id->first, id->second);
    return;
  }
  if (!payload.starts_with('+')) return;
  const auto json = nlohmann::json::parse(payload.substr(1), nullptr, false);
  const auto ban = json.is_discarded() ? fail(Errc::corrupt, "") : wire::ban_from_json(json);
  if (!ban) return log_(LogLevel::warning, path_.string() + " holds a ban that can't be understood");
  if (ban->until_ms == 0 || ban->until_ms > to_ms(now))
    index_.add(*ban);
  else
    index_.remove(ban->kind, ban->target);
}

std::string Bans::whole() const {
  std::string text;
  append_frame(text, kHead);
  bool more = true;
  for (std::optional<BanIndex::Place> after; more;) {
    const auto page = index_.list(after, wire::kBanListMax, more);
    for (const Ban* ban : page) append_frame(text, put_payload(*ban));
    if (!page.empty()) after = {page.back()->kind, page.back()->target};
  }
  return text;
}

// The file at path_ is whole.
Result<> Bans::begin_file() {
  auto file = open_to_append(path_);
  if (!file) return std::unexpected(file.error());
  const auto size = ::lseek(file->get(), 0, SEEK_END);
  if (size < 0) return std::unexpected(errno_error("can't seek", path_));
  file_ = std::move(*file);
  size_ = static_cast<std::uint64_t>(size);
  rewrite_at_ = std::max(options_.rewrite_bytes, 2 * size_);
  return {};
}

Result<> Bans::append(const std::string& payload) {
  std::string frame;
  append_frame(frame, payload);
  if (auto done = append_all(file_, frame); !done) return done;
  size_ += frame.size();
  if (rewriting_.valid()) meanwhile_ += frame;
  return {};
}

Result<> Bans::add(const Ban& ban) {
  const auto* known = index_.find(ban.kind, ban.target);
  if (index_.by_admins() >= options_.each_max && (!known || known->by.empty()))
    return fail(Errc::unavailable,
                "There are " + std::to_string(options_.each_max) +
                    " bans already, and that is all there can be: remove some, or ban networks.");
  if (auto done = append(put_payload(ban)); !done) return done;
  index_.add(ban);
  return {};
}

Result<> Bans::remove(BanKind kind, std::string_view target) {
  if (!index_.find(kind, target)) return fail(Errc::not_found, "There is no such ban.");
  if (auto done = append("-" + wire::ban_id(kind, target)); !done) return done;
  index_.remove(kind, target);
  return {};
}

void Bans::add_own(const Ban& ban) {
  if (index_.add(ban) == BanIndex::Added::kept) return;
  if (auto done = append(put_payload(ban)); !done)
    log_(LogLevel::error, "a ban is not kept on disk: " + done.error().message);
}

void Bans::tend(WallTime now) {
  index_.take_ended(now, kEndedAtOnce);
  if (rewriting_.valid()) {
    if (rewriting_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) end_rewriting();
  } else if (size_ >= rewrite_at_) {
    begin_rewriting();
  }
}

void Bans::begin_rewriting() {
  meanwhile_.clear();
  rewriting_ = std::async(std::launch::async,
                          [path = new_path(path_), text = whole()] { return write_file_atomic(path, text); });
}

// The new file and what was changed since; then it takes the old one's place. Until that moment the old one has everything, and after it the new one.
void Bans::end_rewriting() {
  auto done = rewriting_.get();
  const auto path = new_path(path_);
  if (done) {
    auto file = open_to_append(path);
    done = file ? append_all(*file, meanwhile_) : std::unexpected(file.error());
  }
  if (done && ::rename(path.c_str(), path_.c_str()) != 0)
    done = std::unexpected(errno_error("can't rename", path));
  if (done) done = begin_file();
  meanwhile_.clear();
  if (done) return;
  rewrite_at_ = size_ + options_.rewrite_bytes;
  log_(LogLevel::error, "the list of bans could not be written anew: " + done.error().message);
}

}  // namespace parley::plugin
