#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

struct Wishes {
  std::string user, quiet, zone;
};
void declare_wishes(CLI::App& command, Wishes& o) {
  command.add_option("USER", o.user, "Whose; your own when left out");
  auto* quiet = command.add_option("--quiet", o.quiet, "Set the quiet hours: HH:MM-HH:MM, or off");
  quiet->type_name("HOURS");
  command
      .add_option("--zone", o.zone, "By the clocks of this time zone, as Europe/Berlin; UTC when left out")
      ->type_name("ZONE")
      ->needs(quiet);
  command.footer(
      "In quiet hours nobody is notified; what they are to be told of then comes when these end.\n"
      "Example: parleyctl notify wishes alice --quiet 22:00-07:00 --zone Europe/Berlin");
}

Outcome<Json> quiet_of(const Wishes& o) {
  if (o.quiet == "off") return Json(nullptr);
  const auto dash = o.quiet.find('-');
  if (dash == std::string::npos) return usage("--quiet takes HH:MM-HH:MM, as 22:00-07:00, or off.");
  Json quiet{{"from", o.quiet.substr(0, dash)}, {"to", o.quiet.substr(dash + 1)}};
  if (!o.zone.empty()) quiet["zone"] = o.zone;
  return quiet;
}

Outcome<> wishes(Context& context, const Wishes& o) {
  Json params = Json::object();
  if (!o.user.empty()) params["user"] = o.user;
  if (!o.quiet.empty()) {
    auto quiet = quiet_of(o);
    if (!quiet) return std::unexpected(quiet.error());
    params["quiet"] = *quiet;
  }
  auto result = context.call(o.quiet.empty() ? "notify.get" : "notify.set", std::move(params));
  if (!result) return std::unexpected(result.error());
  if (context.json) {
    context.json_line(*result);
    return {};
  }
  const auto quiet = result->value("quiet", Json::object());
  context.out << "Quiet hours: "
              << (quiet.empty() ? "none"
                                : printable(cell(quiet, "from") + " to " + cell(quiet, "to") + ", " +
                                            cell(quiet, "zone")))
              << '\n';
  std::string blocked;
  for (const auto& name : result->value("blocked", Json::array()))
    blocked += (blocked.empty() ? "" : ", ") + (name.is_string() ? name.get<std::string>() : "?");
  context.out << "Never notified of messages of: " << (blocked.empty() ? "-" : printable(blocked)) << '\n';
  return {};
}

struct Room {
  std::string room, level, mute;
};
void declare_room(CLI::App& command, Room& o) {
  command.add_option("ROOM", o.room, "A room of yours")->required();
  command
      .add_option("--level", o.level, "Be notified of: all, mentions, none; default: as the server has it")
      ->type_name("LEVEL");
  command.add_option("--mute", o.mute, "Of nothing for 15m, 8h, 30d; off: no longer muted")
      ->type_name("TIME");
  command.footer("Without options it tells how it is.\nExample: parleyctl notify room lobby --mute 8h");
}
Outcome<> room(Context& context, const Room& o) {
  Json params{{"room", o.room}};
  if (!o.level.empty()) params["level"] = o.level;
  if (!o.mute.empty()) {
    const auto seconds = o.mute == "off" ? 0 : parse_duration_s(o.mute);
    if (seconds == 0 && o.mute != "off")
      return usage("--mute takes a number and s, m, h or d, for example 8h; or off.");
    params["mute_s"] = seconds;
  }
  auto result = context.call("notify.room", std::move(params));
  if (!result) return std::unexpected(result.error());
  context.done(
      *result,
      o.room + ": level " + cell(*result, "level") +
          (result->contains("muted_until") ? ", muted until " + time_cell(*result, "muted_until") : "") +
          ".");
  return {};
}

struct Block {
  std::string user;
};
void declare_block(CLI::App& command, Block& o) {
  command.add_option("USER", o.user, "Whose messages")->required();
  command.footer("That is all it does: their messages arrive and count as ever.");
}
Outcome<> block(Context& context, const Block& o) {
  auto result = context.call("notify.block", {{"user", o.user}});
  if (!result) return std::unexpected(result.error());
  context.done(*result, "Messages of " + o.user + " notify you of nothing.");
  return {};
}
Outcome<> unblock(Context& context, const Block& o) {
  auto result = context.call("notify.unblock", {{"user", o.user}});
  if (!result) return std::unexpected(result.error());
  context.done(*result, "Messages of " + o.user + " notify you again.");
  return {};
}

}  // namespace

void add_wish_commands(CLI::App& notify, Context& context) {
  add_command(notify, context, "wishes", "Quiet hours and blocked senders", declare_wishes, wishes);
  add_command(notify, context, "room", "Of which messages of a room you are notified", declare_room, room);
  add_command(notify, context, "block", "Be notified of nothing a user writes", declare_block, block);
  add_command(notify, context, "unblock", "Be notified of it again", declare_block, unblock);
}

}  // namespace parley::ctl
