#include "backend/requests/reply_text.h"

#include "wire/limits.h"

namespace parley::backend {
namespace {

constexpr std::size_t kFrame = 512;  // of the reply around a list

void add_role(wire::Json& json, wire::Role role) {
  if (role != wire::Role::none) json["role"] = wire::role_name(role);
}

}  // namespace

wire::Json room_json(const RequestContext& context, const Room& room, wire::Role role,
                     const std::string& peer) {
  wire::Json json = {{"room", room.name},       {"kind", wire::kind_name(room.kind)},
                     {"title", room.title},     {"public", room.is_public},
                     {"epoch", room.epoch},     {"last_seq", room.last_seq},
                     {"members", room.members}, {"first_seq", room.expired + 1}};
  add_role(json, role);
  const auto retain = context.services.rules()->retention.in_force(room.retain);
  if (retain.seconds != 0) json["retain_s"] = retain.seconds;
  if (retain.messages != 0) json["retain_messages"] = retain.messages;
  if (room.held && context.admin()) json["held"] = true;
  if (!peer.empty()) json["peer"] = peer;
  if (room.slow_s != 0) json["slow_s"] = room.slow_s;
  return json;
}

wire::Json member_json(const std::string& room, const Member& member, WallTime now) {
  wire::Json json = {{"room", room}, {"user", member.user}, {"since", to_ms(member.since)}};
  add_role(json, member.role);
  if (member.muted_until > now) json["muted_until"] = to_ms(member.muted_until);
  return json;
}

wire::Json user_json(const Account& account) {
  return {{"user", account.name},
          {"title", account.title},
          {"admin", account.admin},
          {"disabled", account.disabled},
          {"created_at", to_ms(account.created_at)}};
}

wire::Json token_json(const Token& token) {
  wire::Json json = {{"id", token.id},
                     {"user", token.user},
                     {"label", token.label},
                     {"created_at", to_ms(token.created_at)}};
  if (token.expires_at) json["expires_at"] = to_ms(*token.expires_at);
  return json;
}

std::string member_content(std::string_view action, const std::string& user, wire::Role role) {
  wire::Json json = {{"action", action}, {"user", user}};
  add_role(json, role);
  return json.dump();
}

std::string room_content(std::string_view action, const std::string& title,
                         const std::optional<Retention>& retain) {
  wire::Json json{{"action", action}, {"title", title}};
  if (retain) {
    json["retain_s"] = retain->seconds;
    json["retain_messages"] = retain->messages;
  }
  return json.dump();
}

ListText::ListText(std::string_view name, std::size_t bytes_max) : bytes_max_(bytes_max) {
  text_.append("{\"").append(name).append("\":[");
}

bool ListText::add(const wire::Json& item) {
  auto text = item.dump();
  if (text_.size() + text.size() + kFrame > bytes_max_) return false;
  if (!first_) text_ += ',';
  first_ = false;
  text_ += text;
  return true;
}

std::string ListText::finish(bool more) && {
  text_.append("],\"more\":").append(more ? "true" : "false") += '}';
  return std::move(text_);
}

std::string list_of_texts(std::string_view name, std::span<const std::string> items, bool more) {
  std::string text = "{\"" + std::string(name) + "\":[";
  std::size_t taken = 0;
  for (; taken < items.size(); ++taken) {
    if (taken > 0 && text.size() + items[taken].size() + kFrame > wire::kReplyMax) break;
    if (taken > 0) text += ',';
    text += items[taken];
  }
  more = more || taken < items.size();
  return text + "],\"more\":" + (more ? "true" : "false") + "}";
}

std::string envelopes_text(std::span<const std::string> envelopes) {
  std::string text = "[";
  for (const auto& envelope : envelopes) {
    if (text.size() > 1) text += ',';
    text += envelope;
  }
  return text += ']';
}

}  // namespace parley::backend
