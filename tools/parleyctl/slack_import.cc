#include "tools/parleyctl/slack_import.h"

#include "base/crypto.h"
#include "base/encoding.h"
#include "tools/parleyctl/irc_nick.h"
#include "wire/limits.h"
#include "wire/names.h"

namespace parley::ctl {
namespace {

constexpr std::size_t kEmojiMax = 62;  // bytes: with the colons what a reaction's key may have
constexpr std::string_view kRefLead = "slack:";

std::string ref_of(const SlackChannel& channel, const std::string& ts) {
  return std::string(kRefLead) + channel.id + ":" + ts;
}

// A user's reaction with one emoji to one message is one entry; the names may be long.
std::string reaction_ref(const std::string& message_ref, const std::string& emoji, const std::string& user) {
  return message_ref + ":" + hex_encode(as_view(sha256(emoji + "\n" + user)).substr(0, 8));
}

Json file_json(const SlackFile& file) {
  Json json{{"name", repair_utf8(file.name)}};
  if (!file.url.empty()) json["url"] = repair_utf8(file.url);
  if (!file.mime.empty()) json["content_type"] = repair_utf8(file.mime);
  return json;
}

bool blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

}  // namespace

std::string slack_room(const SlackChannel& channel) {
  return wire::valid_name(channel.name) ? channel.name : nick_to_name(channel.name);
}

Outcome<> prepare_slack_room(Requests& requests, const SlackExport& exported, const SlackChannel& channel,
                             Speakers& speakers) {
  const auto room = slack_room(channel);
  Json params{{"room", room}, {"public", !channel.is_private}};
  if (!channel.title.empty()) params["title"] = imported_title(channel.title);
  auto made = requests.call("room.create", std::move(params));
  if (!made && made.error().code != "already_exists") return std::unexpected(made.error());
  std::vector<Json> members;
  for (const auto& id : channel.members) {
    const auto user = exported.users.find(id);
    if (user == exported.users.end()) continue;
    auto name = speakers.name_of(user->second.name, user->second.title);
    if (!name) return std::unexpected(name.error());
    members.push_back(
        {{"room", room}, {"user", *name}, {"role", id == channel.creator ? "owner" : "member"}});
  }
  // Those who are in it already keep their role, those banned stay out: that is no failure.
  for (const auto& added : requests.call_all("member.add", std::move(members)))
    if (!added && added.error().code != "already_exists" && added.error().code != "banned")
      return std::unexpected(added.error());
  return {};
}

SlackImport::SlackImport(Requests& requests, const SlackExport& exported, const SlackChannel& channel,
                         Speakers& speakers, SlackProgress progress, ImportWait wait)
    : requests_(requests),
      exported_(exported),
      channel_(channel),
      speakers_(speakers),
      progress_(std::move(progress)),
      room_(slack_room(channel)),
      batch_(requests, room_, std::move(wait), [this](const std::vector<std::uint64_t>& seqs) -> Outcome<> {
        for (std::size_t i = 0; i < seqs.size(); ++i) {
          seqs_[waiting_[i].ref] = seqs[i];
          ++(waiting_[i].reaction ? count_.reactions : count_.imported);
        }
        waiting_.clear();
        if (progress_(count_)) return {};
        return refused("interrupted", "Stopped; the same command goes on where it stopped.");
      }) {}

Outcome<SlackCount> SlackImport::run() {
  auto there = imported_refs(requests_, room_, kRefLead);
  if (!there) return std::unexpected(there.error());
  seqs_ = *std::move(there);
  for (const auto& file : slack_days(exported_, channel_))
    if (auto ok = day(file); !ok) return std::unexpected(ok.error());
  if (auto ok = batch_.flush(); !ok) return std::unexpected(ok.error());
  return count_;
}

Outcome<> SlackImport::day(const std::filesystem::path& file) {
  auto day = read_slack_day(file);
  if (!day) return std::unexpected(day.error());
  count_.skipped += day->skipped;
  for (const auto& said : day->said)
    if (auto ok = message(said); !ok) return ok;
  for (const auto& said : day->said)
    if (auto ok = reactions(said); !ok) return ok;
  return {};
}

Outcome<> SlackImport::message(const SlackMessage& message) {
  const auto ref = ref_of(channel_, message.ts);
  if (seqs_.contains(ref)) {
    ++count_.already_there;
    return {};
  }
  auto made = entry(message, ref);
  if (!made) return std::unexpected(made.error());
  return put(*std::move(made), ref, false);
}

Outcome<> SlackImport::reactions(const SlackMessage& message) {
  const auto about = ref_of(channel_, message.ts);
  for (const auto& reaction : message.reactions) {
    if (reaction.name.empty() || reaction.name.size() > kEmojiMax) continue;
    for (const auto& user : reaction.users) {
      const auto ref = reaction_ref(about, reaction.name, user);
      if (seqs_.contains(ref)) {
        ++count_.already_there;
        continue;
      }
      auto target = seq_of(about);
      if (!target) return std::unexpected(target.error());
      auto from = name_of(user);
      if (!from) return std::unexpected(from.error());
      Json made{{"from", *from},
                {"type", "reaction"},
                {"ref", ref},
                {"sent_at", message.sent_at_ms},
                {"content", {{"target", *target}, {"key", ":" + repair_utf8(reaction.name) + ":"}}}};
      if (auto ok = put(std::move(made), ref, true); !ok) return ok;
    }
  }
  return {};
}

Outcome<> SlackImport::put(Json entry, const std::string& ref, bool reaction) {
  if (auto ok = batch_.add(std::move(entry)); !ok) return ok;
  waiting_.push_back({ref, reaction});
  return {};
}

// Of one that is in the room, or on its way: 0 when it is neither.
Outcome<std::uint64_t> SlackImport::seq_of(const std::string& ref) {
  if (!seqs_.contains(ref))
    if (auto ok = batch_.flush(); !ok) return std::unexpected(ok.error());
  const auto found = seqs_.find(ref);
  return found == seqs_.end() ? 0 : found->second;
}

Outcome<std::string> SlackImport::name_of(const std::string& user) {
  const auto known = exported_.users.find(user);
  if (known == exported_.users.end()) return speakers_.name_of(user);
  return speakers_.name_of(known->second.name, known->second.title);
}

Outcome<Json> SlackImport::entry(const SlackMessage& message, const std::string& ref) {
  auto from = name_of(message.user);
  if (!from) return std::unexpected(from.error());
  const auto handle = [&](std::string_view id) {
    const auto user = exported_.users.find(id);
    return user == exported_.users.end() ? std::string() : nick_to_name(user->second.name);
  };
  auto text = repair_utf8(slack_text(message.text, handle));
  const bool says_nothing = blank(text);
  Json content = Json::object();
  if (!says_nothing) content["text"] = std::move(text);
  for (const auto& file : message.files) content["files"].push_back(file_json(file));
  if (says_nothing && message.files.empty()) content["slack"] = message.text;
  if (message.action) content["action"] = true;
  if (message.edited_at_ms > 0) content["edited_at"] = message.edited_at_ms;
  if (!message.thread.empty()) {
    auto root = seq_of(ref_of(channel_, message.thread));
    if (!root) return std::unexpected(root.error());
    if (*root > 0) content["thread"] = *root;
  }
  return Json{{"from", *from},
              {"type", says_nothing ? "x.slack.file" : "text"},
              {"ref", ref},
              {"sent_at", message.sent_at_ms},
              {"content", std::move(content)}};
}

}  // namespace parley::ctl
