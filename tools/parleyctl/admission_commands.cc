#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

struct Invite {
  std::string room, user, role;
};
void declare_invite(CLI::App& command, Invite& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("USER", o.user, "Whom to invite")->required();
  command
      .add_option("--role", o.role,
                  "What accepting makes of them: reader, member (the default), moderator or owner")
      ->check(CLI::IsMember({"reader", "member", "moderator", "owner"}));
  command.footer("It holds for 30 days, or until it is accepted, declined or revoked.");
}
Outcome<> invite(Context& context, const Invite& o) {
  Json params{{"room", o.room}, {"user", o.user}};
  if (!o.role.empty()) params["role"] = o.role;
  auto invitation = context.call("member.invite", std::move(params));
  if (!invitation) return std::unexpected(invitation.error());
  context.done(*invitation, o.user + " is invited to " + o.room + ".");
  return {};
}

struct List {
  std::string room;
};
void declare_list(CLI::App& command, List& o) {
  command.add_option("ROOM", o.room, "Those to this room; without it, your own");
}
Outcome<> list(Context& context, const List& o) {
  Json params = Json::object();
  if (!o.room.empty()) params["room"] = o.room;
  Table table({"ROOM", "USER", "ROLE", "BY", "EXPIRES", "TITLE"});
  const char* name = o.room.empty() ? "room" : "user";
  auto ok = context.each_of("invite.list", std::move(params), "invitations", name, [&](const Json& one) {
    if (context.json) return context.json_line(one);
    table.add({cell(one, "room"), cell(one, "user"), cell(one, "role"), cell(one, "by"),
               time_cell(one, "expires_at"), cell(one, "title")});
  });
  if (ok && !context.json) table.print(context.out);
  return ok;
}

struct One {
  std::string room, user;
};
void declare_room(CLI::App& command, One& o) {
  command.add_option("ROOM", o.room, "The room you are invited to")->required();
}
void declare_room_and_user(CLI::App& command, One& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("USER", o.user, "Who was invited")->required();
}
Outcome<> ask(Context& context, const std::string& method, Json params, const std::string& sentence) {
  auto result = context.call(method, std::move(params));
  if (!result) return std::unexpected(result.error());
  context.done(*result, sentence);
  return {};
}
Outcome<> accept(Context& context, const One& o) {
  return ask(context, "invite.accept", {{"room", o.room}}, "You are in " + o.room + " now.");
}
Outcome<> decline(Context& context, const One& o) {
  return ask(context, "invite.decline", {{"room", o.room}}, "Declined.");
}
Outcome<> revoke(Context& context, const One& o) {
  return ask(context, "invite.revoke", {{"room", o.room}, {"user", o.user}},
             o.user + " is invited to " + o.room + " no longer.");
}

struct Link {
  std::string room, expires, id, code;
  std::uint32_t uses = 0;
};
void declare_link(CLI::App& command, Link& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("--expires", o.expires, "For how long it works: 90s, 15m, 12h, 30d")->type_name("TIME");
  command.add_option("--uses", o.uses, "How many may join by it")->type_name("N")->check(CLI::PositiveNumber);
  command.footer(
      "The code is told once: whoever has it may join. Without limits it works until it is revoked.");
}
Outcome<> create_link(Context& context, const Link& o) {
  Json params{{"room", o.room}};
  if (!o.expires.empty()) {
    const auto seconds = parse_duration_s(o.expires);
    if (seconds == 0) return usage("--expires takes 90s, 15m, 12h or 30d.");
    params["expires_in"] = seconds;
  }
  if (o.uses != 0) params["uses"] = o.uses;
  auto link = context.call("link.create", std::move(params));
  if (!link) return std::unexpected(link.error());
  context.show(*link);
  return {};
}

void declare_links(CLI::App& command, Link& o) {
  command.add_option("ROOM", o.room, "The room")->required();
}
Outcome<> list_links(Context& context, const Link& o) {
  auto result = context.call("link.list", {{"room", o.room}});
  if (!result) return std::unexpected(result.error());
  Table table({"LINK", "BY", "MADE", "EXPIRES", "USES", "LEFT"});
  for (const auto& link : (*result)["links"]) {
    if (context.json) {
      context.json_line(link);
      continue;
    }
    table.add({cell(link, "link_id"), cell(link, "by"), time_cell(link, "at"), time_cell(link, "expires_at"),
               cell(link, "uses"), cell(link, "uses_left")});
  }
  if (!context.json) table.print(context.out);
  return {};
}

void declare_revoke_link(CLI::App& command, Link& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("LINK", o.id, "Its id, as `link list` shows it")->required();
}
Outcome<> revoke_link(Context& context, const Link& o) {
  return ask(context, "link.revoke", {{"room", o.room}, {"link_id", o.id}}, "The link works no more.");
}

void declare_join(CLI::App& command, Link& o) {
  command.add_option("CODE", o.code, "The code you were given: plj_…")->required();
}
Outcome<> join(Context& context, const Link& o) {
  auto room = context.call("link.join", {{"code", o.code}});
  if (!room) return std::unexpected(room.error());
  context.show(*room);
  return {};
}

}  // namespace

void add_admission_commands(CLI::App& app, Context& context) {
  auto* group = add_group(app, "invite", "Invitations: create, list, accept, decline, revoke");
  add_command(*group, context, "create", "Invite a user to a room", declare_invite, invite);
  add_command(*group, context, "list", "List your invitations, or those to a room", declare_list, list);
  add_command(*group, context, "accept", "Come in", declare_room, accept);
  add_command(*group, context, "decline", "Do not", declare_room, decline);
  add_command(*group, context, "revoke", "Take an invitation back", declare_room_and_user, revoke);
  auto* links = add_group(app, "link", "Links to join a room by: create, list, revoke, join");
  add_command(*links, context, "create", "Make a link whose holders may join", declare_link, create_link);
  add_command(*links, context, "list", "List a room's links that work", declare_links, list_links);
  add_command(*links, context, "revoke", "End a link", declare_revoke_link, revoke_link);
  add_command(*links, context, "join", "Join a room by a link's code", declare_join, join);
}

}  // namespace parley::ctl
