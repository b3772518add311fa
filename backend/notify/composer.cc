#include "backend/notify/composer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "backend/store/unread_query.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/text_cut.h"
#include "wire/entry.h"
#include "wire/fold.h"

namespace parley::backend {
namespace {

constexpr std::uint32_t kRoomsMax = 1'000;  // of a user, that are counted
constexpr std::size_t kLinesMax = 20;       // of a digest
constexpr std::uint32_t kLookedAt = 50;     // entries at once, for a message that can be told
constexpr int kLooks = 20;

// What a person would be shown of a content.
std::string shown_text(const nlohmann::json& content) {
  for (const char* member : {"text", "title", "name"})
    if (const auto found = content.find(member); found != content.end() && found->is_string())
      return std::string(cut_text(found->get_ref<const std::string&>(), kNotifyTextMax));
  return {};
}

// Tells nothing of either: the room's number is random.
std::string collapse_id(const std::string& user, std::uint64_t room_id) {
  const auto digest = sha256("parley notification " + std::to_string(room_id) + " " + user);
  return hex_encode(as_view(digest)).substr(0, 32);
}

std::string new_id(WallTime now) {
  UlidGenerator ids;
  return format_ulid(ids.next(now));
}

Composed nothing(std::string reason) {
  return {.notification = std::nullopt, .reason = std::move(reason)};
}

}  // namespace

Result<Composed> Composer::compose(const NotifyJob& job) const {
  return job.room_id == 0 ? digest(job) : of_room(job);
}

Notification Composer::test(const std::string& user, WallTime now) const {
  Notification notification{.id = new_id(now),
                            .collapse = collapse_id(user, 0),
                            .user = user,
                            .room_title = "Parley",
                            .text = "This is a test notification.",
                            .type = "text",
                            .at = now,
                            .expires = now + std::chrono::minutes(5)};
  return notification;
}

Result<Composed> Composer::of_room(const NotifyJob& job) const {
  const auto room = stores_.rooms->get(job.room_id);
  if (!room && room.error().code == Errc::not_found) return nothing("left");
  if (!room) return std::unexpected(room.error());
  const auto member = reader(job);
  if (!member) return std::unexpected(member.error());
  if (!*member || (*member)->role == wire::Role::none) return nothing("left");
  const auto read = (*member)->read;
  const auto above = std::max(read, job.shown_seq);
  const bool mention = job.mention_seq > above && job.mention_seq <= job.notice_seq;
  auto message = newest(*room, job.user, above, mention ? job.mention_seq : job.notice_seq);
  if (!message) return std::unexpected(message.error());
  if (!*message) {
    if (job.changed && job.shown_seq > 0) return changed(job, *room);
    return nothing(job.notice_seq <= read ? "read" : "deleted");
  }
  auto notification = begin(job, *room, **message);
  notification.mention = mention && (*message)->seq == job.mention_seq;
  if (auto counted = count(job, notification); !counted) return std::unexpected(counted.error());
  auto composed = finish(std::move(notification), (*message)->seq);
  composed.message = std::move((*message)->id);
  return composed;
}

// nullopt: disabled, or gone.
Result<std::optional<NotifyCandidate>> Composer::reader(const NotifyJob& job) const {
  auto found = stores_.notify->candidates({.room_id = job.room_id, .users = {{job.user}}});
  if (!found) return std::unexpected(found.error());
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

// What is shown is not what it was, and there is nothing newer.
Result<Composed> Composer::changed(const NotifyJob& job, const Room& room) const {
  auto shown = messages(room, job.shown_seq, 1);
  if (!shown) return std::unexpected(shown.error());
  const bool there = !shown->empty() && shown->front().seq == job.shown_seq;
  const Message message = there ? shown->front() : Message{.seq = job.shown_seq, .deleted = true};
  if (!message.deleted && !message.edited) return nothing("unchanged");
  auto notification = begin(job, room, message);
  notification.kind = message.deleted ? Notification::Kind::withdrawn : Notification::Kind::updated;
  if (message.deleted) notification.from.clear();
  if (auto counted = count(job, notification); !counted) return std::unexpected(counted.error());
  auto composed = finish(std::move(notification), job.shown_seq);
  composed.message = message.id;
  return composed;
}

// The newest message of others above `above`, up to `upto`.
Result<std::optional<Composer::Message>> Composer::newest(const Room& room, const std::string& reader,
                                                          std::uint64_t above, std::uint64_t upto) const {
  if (upto <= above) return std::nullopt;
  const auto blocked = stores_.push->blocked(reader);
  if (!blocked) return std::unexpected(blocked.error());
  for (int look = 0; look < kLooks && upto > above; ++look) {
    auto some = messages(room, upto, kLookedAt);
    if (!some) return std::unexpected(some.error());
    if (some->empty()) break;
    for (auto& message : *some)
      if (message.seq > above && !message.deleted && message.from != reader &&
          wire::is_message(message.type) && !std::ranges::binary_search(*blocked, message.from))
        return std::move(message);
    upto = some->back().seq - 1;
  }
  return std::nullopt;
}

// As history has them, newest first.
Result<std::vector<Composer::Message>> Composer::messages(const Room& room, std::uint64_t upto,
                                                          std::uint32_t limit) const {
  const auto page = stores_.messages->page({.room_id = room.id, .before = upto + 1, .limit = limit});
  if (!page) return std::unexpected(page.error());
  std::vector<Place> places;
  for (const auto& envelope : page->envelopes) places.emplace_back(room.id, wire::seq_of_envelope(envelope));
  const auto notes = stores_.messages->notes(places);
  if (!notes) return std::unexpected(notes.error());
  std::vector<Message> all;
  for (auto envelope = page->envelopes.rbegin(); envelope != page->envelopes.rend(); ++envelope) {
    const auto found = notes->find({room.id, wire::seq_of_envelope(*envelope)});
    const auto text = found == notes->end() ? *envelope : wire::folded(*envelope, found->second);
    const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) continue;
    const auto content = json.value("content", nlohmann::json::object());
    all.push_back({.seq = json.value("seq", std::uint64_t{0}),
                   .at = from_ms(json.value("at", std::int64_t{0})),
                   .from = json.value("from", ""),
                   .type = json.value("type", ""),
                   .text = shown_text(content),
                   .id = json.value("id", ""),
                   .deleted = json.contains("deleted"),
                   .edited = json.contains("edited")});
  }
  return all;
}

Notification Composer::begin(const NotifyJob& job, const Room& room, const Message& message) const {
  return {.id = job.notice,
          .collapse = collapse_id(job.user, room.id),
          .user = job.user,
          .room = room.name,
          .room_title = room.title,
          .from = message.from,
          .text = message.text,
          .type = message.type,
          .seq = message.seq,
          .direct = room.kind == wire::RoomKind::direct,
          .at = message.at,
          .expires = job.since + max_age_};
}

Result<> Composer::count(const NotifyJob& job, Notification& notification) const {
  const auto rooms = stores_.rooms->list({.user = job.user, .after = "", .limit = kRoomsMax});
  if (!rooms) return std::unexpected(rooms.error());
  const auto unread = stores_.unread->unread(unread_query(job.user, *rooms));
  if (!unread) return std::unexpected(unread.error());
  for (std::size_t i = 0; i < unread->size(); ++i) {
    notification.badge += (*unread)[i].messages;
    if ((*rooms)[i].room.id == job.room_id) notification.count = (*unread)[i].messages;
  }
  return {};
}

Result<Composed> Composer::digest(const NotifyJob& job) const {
  const auto member = reader(job);
  if (!member) return std::unexpected(member.error());
  if (!*member) return nothing("left");
  const auto blocked = stores_.push->blocked(job.user);
  if (!blocked) return std::unexpected(blocked.error());
  const auto rooms = stores_.rooms->list({.user = job.user, .after = "", .limit = kRoomsMax});
  if (!rooms) return std::unexpected(rooms.error());
  const auto unread = stores_.unread->unread(unread_query(job.user, *rooms));
  if (!unread) return std::unexpected(unread.error());
  Notification notification{.kind = Notification::Kind::digest,
                            .id = job.notice,
                            .collapse = collapse_id(job.user, 0),
                            .user = job.user,
                            .at = from_ms(static_cast<std::int64_t>(job.notice_seq)),
                            .expires = job.since + max_age_};
  for (std::size_t i = 0; i < unread->size(); ++i) {
    const auto& of_room = (*unread)[i];
    const auto& room = (*rooms)[i].room;
    notification.badge += of_room.messages;
    if (of_room.messages == 0 || notification.lines.size() == kLinesMax) continue;
    const auto wishes = stores_.push->room(job.user, room.id);
    if (!wishes) return std::unexpected(wishes.error());
    const bool direct = room.kind == wire::RoomKind::direct;
    if (wishes->muted_until > job.due) continue;
    const auto by_default = default_level(direct, room.members, levels_.level, levels_.large_room);
    if (!wanted(*wishes, by_default, direct, of_room.mentions > 0)) continue;
    const auto last = nlohmann::json::parse(of_room.last, nullptr, /*allow_exceptions=*/false);
    Notification::Line line{.room = room.title.empty() ? room.name : room.title, .count = of_room.messages};
    const auto from = last.is_object() ? last.value("from", "") : "";
    const bool hidden = std::ranges::binary_search(*blocked, from);
    if (hidden && direct) continue;
    if (last.is_object() && from != job.user && !hidden) {
      line.from = from;
      line.text = shown_text(last.value("content", nlohmann::json::object()));
    }
    notification.count += of_room.messages;
    notification.lines.push_back(std::move(line));
  }
  if (notification.lines.empty()) return nothing("read");
  return finish(std::move(notification), job.notice_seq);
}

Composed Composer::finish(Notification notification, std::uint64_t shown_seq) const {
  if (policy_ != ContentPolicy::full) {
    notification.text.clear();
    for (auto& line : notification.lines) line.text.clear();
  }
  if (policy_ == ContentPolicy::wake) {
    notification.room.clear();
    notification.room_title.clear();
    notification.from.clear();
    notification.type.clear();
    notification.seq = notification.count = 0;
    notification.direct = notification.mention = false;
    notification.lines.clear();
  }
  return {.notification = std::move(notification), .reason = "", .shown_seq = shown_seq};
}

}  // namespace parley::backend
