#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

struct Target {
  std::string room, user, role;
};

void declare_target(CLI::App& command, Target& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("USER", o.user, "The user")->required();
}
CLI::IsMember a_role() {
  return CLI::IsMember({"reader", "member", "moderator", "owner"});
}

Outcome<> ask(Context& context, const std::string& method, Json params, const std::string& sentence) {
  auto result = context.call(method, std::move(params));
  if (!result) return std::unexpected(result.error());
  context.done(*result, sentence);
  return {};
}

void declare_add(CLI::App& command, Target& o) {
  declare_target(command, o);
  command.add_option("--role", o.role, "reader, member (the default), moderator or owner")->check(a_role());
}
Outcome<> add(Context& context, const Target& o) {
  Json params{{"room", o.room}, {"user", o.user}};
  if (!o.role.empty()) params["role"] = o.role;
  return ask(context, "member.add", std::move(params), o.user + " is in " + o.room + " now.");
}

Outcome<> remove(Context& context, const Target& o) {
  return ask(context, "member.remove", {{"room", o.room}, {"user", o.user}},
             o.user + " is out of " + o.room + ".");
}

void declare_role(CLI::App& command, Target& o) {
  declare_target(command, o);
  command.add_option("ROLE", o.role, "reader, member, moderator or owner")->required()->check(a_role());
}
Outcome<> set_role(Context& context, const Target& o) {
  return ask(context, "member.role", {{"room", o.room}, {"user", o.user}, {"role", o.role}},
             o.user + " is " + o.role + " of " + o.room + " now.");
}

Outcome<> ban(Context& context, const Target& o) {
  return ask(context, "member.ban", {{"room", o.room}, {"user", o.user}},
             o.user + " is banned from " + o.room + ".");
}
Outcome<> unban(Context& context, const Target& o) {
  return ask(context, "member.unban", {{"room", o.room}, {"user", o.user}},
             o.user + " may come into " + o.room + " again.");
}

struct Mute {
  std::string room, user, time;
};
void declare_mute(CLI::App& command, Mute& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("USER", o.user, "The member")->required();
  command.add_option("--for", o.time, "For how long: 90s, 15m, 12h, 30d; without it, until unmuted")
      ->type_name("TIME");
}
Outcome<> mute(Context& context, const Mute& o) {
  Json params{{"room", o.room}, {"user", o.user}};
  if (!o.time.empty()) {
    const auto seconds = parse_duration_s(o.time);
    if (seconds == 0) return usage("--for takes 90s, 15m, 12h or 30d.");
    params["for_s"] = seconds;
  }
  return ask(context, "member.mute", std::move(params), o.user + " may not send to " + o.room + " now.");
}
Outcome<> unmute(Context& context, const Target& o) {
  return ask(context, "member.unmute", {{"room", o.room}, {"user", o.user}},
             o.user + " may send to " + o.room + " again.");
}

struct List {
  std::string room;
  bool banned = false;
};
void declare_list(CLI::App& command, List& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_flag("--banned", o.banned, "Those who are banned instead");
}
Outcome<> list(Context& context, const List& o) {
  Json params{{"room", o.room}};
  if (o.banned) params["banned"] = true;
  Table table({"USER", "ROLE", "SINCE", "MUTED UNTIL"});
  auto ok = context.each_of("member.list", std::move(params), "members", "user", [&](const Json& member) {
    if (context.json) return context.json_line(member);
    table.add({cell(member, "user"), cell(member, "role"), time_cell(member, "since"),
               time_cell(member, "muted_until")});
  });
  if (ok && !context.json) table.print(context.out);
  return ok;
}

}  // namespace

void add_member_commands(CLI::App& app, Context& context) {
  auto* member =
      add_group(app, "member", "Who is in a room: add, remove, role, mute, unmute, ban, unban, list");
  add_command(*member, context, "add", "Put a user into a room", declare_add, add);
  add_command(*member, context, "remove", "Take a user out; nothing more reaches them", declare_target,
              remove);
  add_command(*member, context, "role", "Change what a member may do", declare_role, set_role);
  add_command(*member, context, "mute", "Let a member read, but not send", declare_mute, mute);
  add_command(*member, context, "unmute", "Let them send again", declare_target, unmute);
  add_command(*member, context, "ban", "Take a user out and keep them out", declare_target, ban);
  add_command(*member, context, "unban", "Lift a ban", declare_target, unban);
  add_command(*member, context, "list", "List a room's members", declare_list, list);
}

}  // namespace parley::ctl
