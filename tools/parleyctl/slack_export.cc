#include "tools/parleyctl/slack_export.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"

namespace parley::ctl {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

Outcome<Json> read_list(const fs::path& file) {
  auto bytes = read_file(file, kSlackFileMax);
  if (!bytes) return usage(bytes.error().message);
  auto json = Json::parse(*bytes, nullptr, false);
  if (!json.is_array())
    return usage(file.string() + " is not a list in JSON, as it would be in a Slack export.");
  return json;
}

// The member's text; "" when there is none or it is something else.
std::string text_of(const Json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const Json& member_of(const Json& object, const char* key) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found != object.end() ? *found : nothing;
}

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> texts;
  if (!list.is_array()) return texts;
  for (const auto& item : list)
    if (item.is_string()) texts.push_back(item.get<std::string>());
  return texts;
}

// "1355517523.000005": seconds since 1970, and a count that makes it the only one of its channel. 0 when it is not such.
std::int64_t ms_of(std::string_view ts) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(ts.data(), ts.data() + ts.size(), seconds);
  if (error != std::errc{} || seconds <= 0 || seconds > 9'999'999'999) return 0;
  std::int64_t ms = 0;
  std::string_view fraction(end, static_cast<std::size_t>(ts.data() + ts.size() - end));
  if (fraction.size() >= 4) std::from_chars(fraction.data() + 1, fraction.data() + 4, ms);
  return seconds * 1000 + ms;
}

bool said_by_somebody(const std::string& subtype) {
  static const std::set<std::string, std::less<>> kSaid{
      "", "bot_message", "me_message", "file_share", "file_comment", "thread_broadcast", "reply_broadcast"};
  return kSaid.contains(subtype);
}

std::string author(const Json& message) {
  for (const char* key : {"user", "username", "bot_id"})
    if (auto name = text_of(message, key); !name.empty()) return name;
  return {};
}

// Bots often say everything in attachments.
std::string text_of_message(const Json& message) {
  auto text = text_of(message, "text");
  if (!text.empty()) return text;
  const auto& attachments = member_of(message, "attachments");
  if (!attachments.is_array()) return text;
  for (const auto& attachment : attachments) {
    const auto fallback = text_of(attachment, "fallback");
    if (!fallback.empty()) text += (text.empty() ? "" : "\n") + fallback;
  }
  return text;
}

std::vector<SlackFile> files_of(const Json& message) {
  std::vector<SlackFile> files;
  const auto& list = member_of(message, "files");
  if (!list.is_array()) return files;
  for (const auto& file : list) {
    auto name = text_of(file, "name");
    if (!name.empty())
      files.push_back({std::move(name), text_of(file, "url_private"), text_of(file, "mimetype")});
  }
  return files;
}

std::vector<SlackReaction> reactions_of(const Json& message) {
  std::vector<SlackReaction> reactions;
  const auto& list = member_of(message, "reactions");
  if (!list.is_array()) return reactions;
  for (const auto& reaction : list)
    reactions.push_back({text_of(reaction, "name"), texts_of(member_of(reaction, "users"))});
  return reactions;
}

SlackMessage read_message(const Json& json) {
  SlackMessage message{.ts = text_of(json, "ts"),
                       .thread = text_of(json, "thread_ts"),
                       .user = author(json),
                       .text = text_of_message(json),
                       .reactions = reactions_of(json),
                       .files = files_of(json)};
  message.sent_at_ms = ms_of(message.ts);
  message.edited_at_ms = ms_of(text_of(member_of(json, "edited"), "ts"));
  message.action = text_of(json, "subtype") == "me_message";
  if (message.thread == message.ts) message.thread.clear();
  return message;
}

Outcome<> read_channels(const fs::path& file, bool is_private, std::vector<SlackChannel>& into) {
  auto list = read_list(file);
  if (!list) return std::unexpected(list.error());
  for (const auto& json : *list) {
    SlackChannel channel{.id = text_of(json, "id"),
                         .name = text_of(json, "name"),
                         .title = text_of(member_of(json, "topic"), "value"),
                         .creator = text_of(json, "creator"),
                         .members = texts_of(member_of(json, "members")),
                         .is_private = is_private};
    if (channel.title.empty()) channel.title = text_of(member_of(json, "purpose"), "value");
    // A channel's name is also that of its folder, and must not lead out of the export.
    if (channel.id.empty() || channel.name.empty() || channel.name.find('/') != std::string::npos ||
        channel.name.starts_with('.'))
      return usage(file.string() + " has a channel without an id or a usable name.");
    into.push_back(std::move(channel));
  }
  return {};
}

Outcome<> read_users(SlackExport& exported) {
  auto list = read_list(exported.folder / "users.json");
  if (!list) return std::unexpected(list.error());
  for (const auto& json : *list) {
    auto title = text_of(member_of(json, "profile"), "real_name");
    if (title.empty()) title = text_of(json, "real_name");
    auto id = text_of(json, "id"), name = text_of(json, "name");
    if (!id.empty() && !name.empty()) exported.users[id] = {std::move(name), std::move(title)};
  }
  return {};
}

}  // namespace

Outcome<SlackExport> open_slack_export(const fs::path& folder) {
  SlackExport exported{.folder = folder};
  std::error_code unreadable;
  if (!fs::is_directory(folder, unreadable))
    return usage(folder.string() + " is not a folder. Unpack the export's zip file first.");
  if (auto ok = read_users(exported); !ok) return std::unexpected(ok.error());
  if (auto ok = read_channels(folder / "channels.json", false, exported.channels); !ok)
    return std::unexpected(ok.error());
  if (fs::exists(folder / "groups.json", unreadable)) {
    if (auto ok = read_channels(folder / "groups.json", true, exported.channels); !ok)
      return std::unexpected(ok.error());
  }
  for (const char* name : {"dms.json", "mpims.json"}) {
    if (!fs::exists(folder / name, unreadable)) continue;
    auto list = read_list(folder / name);
    if (!list) return std::unexpected(list.error());
    exported.direct_chats += list->size();
  }
  return exported;
}

std::vector<fs::path> slack_days(const SlackExport& exported, const SlackChannel& channel) {
  std::vector<fs::path> days;
  std::error_code unreadable;
  for (const auto& entry : fs::directory_iterator(exported.folder / channel.name, unreadable))
    if (entry.path().extension() == ".json") days.push_back(entry.path());
  std::ranges::sort(days);
  return days;
}

Outcome<SlackDay> read_slack_day(const fs::path& file) {
  auto list = read_list(file);
  if (!list) return std::unexpected(list.error());
  SlackDay day;
  for (const auto& json : *list) {
    auto message = read_message(json);
    const bool says = text_of(json, "type") == "message" && said_by_somebody(text_of(json, "subtype")) &&
                      message.sent_at_ms > 0 && !message.user.empty() &&
                      (!message.text.empty() || !message.files.empty());
    if (says)
      day.said.push_back(std::move(message));
    else
      ++day.skipped;
  }
  std::ranges::stable_sort(day.said, [](const auto& a, const auto& b) {
    return std::pair(a.sent_at_ms, std::string_view(a.ts)) < std::pair(b.sent_at_ms, std::string_view(b.ts));
  });
  return day;
}

}  // namespace parley::ctl
