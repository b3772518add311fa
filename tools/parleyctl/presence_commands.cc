#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

struct Who {
  std::string user, room;
  bool invisible = false, visible = false;
};

void declare(CLI::App& command, Who& o) {
  auto* user = command.add_option("USER", o.user, "Whose; your own when left out");
  auto* room = command.add_option("--room", o.room, "Everybody's in this room")->excludes(user);
  auto* invisible =
      command.add_flag("--invisible", o.invisible, "Be offline for others from now on")->excludes(user, room);
  command.add_flag("--visible", o.visible, "Be seen again")->excludes(user, room, invisible);
  command.footer(
      "Your own, and for administrators anybody's, comes with the devices: connected ones, and what each "
      "says.");
}

Outcome<> show_room(Context& context, const std::string& room) {
  Table table({"USER", "STATUS", "LAST SEEN"});
  auto ok = context.each_of("presence.list", {{"room", room}}, "presence", "user", [&](const Json& one) {
    if (context.json) return context.json_line(one);
    table.add({cell(one, "user"), cell(one, "status"), time_cell(one, "last_seen")});
  });
  if (ok && !context.json) table.print(context.out);
  return ok;
}

Outcome<> show_user(Context& context, const std::string& user) {
  Json params = Json::object();
  if (!user.empty()) params["user"] = user;
  auto result = context.call("presence.get", std::move(params));
  if (!result) return std::unexpected(result.error());
  if (context.json) {
    context.show(*result);
    return {};
  }
  context.out << cell(*result, "user") << " is " << cell(*result, "status") << ", last seen "
              << time_cell(*result, "last_seen") << (result->value("invisible", false) ? ", invisible" : "")
              << '\n';
  if (!result->contains("devices") || (*result)["devices"].empty()) return {};
  Table table({"DEVICE", "CONNECTED", "SAYS"});
  for (const auto& device : (*result)["devices"])
    table.add({cell(device, "device"), cell(device, "connected"), cell(device, "status")});
  table.print(context.out);
  return {};
}

Outcome<> presence(Context& context, const Who& o) {
  if (!o.room.empty()) return show_room(context, o.room);
  if (!o.invisible && !o.visible) return show_user(context, o.user);
  auto result = context.call("presence.set", {{"invisible", o.invisible}});
  if (!result) return std::unexpected(result.error());
  context.done(*result, o.invisible ? "Others see you as offline now." : "Others see you again.");
  return {};
}

}  // namespace

void add_presence_commands(CLI::App& app, Context& context) {
  add_command(app, context, "presence", "Who is online, away, offline", declare, presence);
}

}  // namespace parley::ctl
