#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

// How long messages stay.
struct Keep {
  std::optional<std::string> time;
  std::optional<std::uint64_t> messages;
};
void declare_keep(CLI::App& command, Keep& o) {
  command.add_option("--keep", o.time, "Messages older than this expire (12h, 90d); 0: as the server has it")
      ->type_name("TIME");
  command.add_option("--keep-messages", o.messages, "Only the newest so many stay; 0: as the server has it")
      ->type_name("COUNT");
}
Outcome<> take_keep(const Keep& o, Json& params) {
  if (o.time) {
    const auto seconds = parse_duration_s(*o.time);
    if (seconds == 0 && *o.time != "0") return usage("--keep takes 12h, 90d or 0.");
    params["retain_s"] = seconds;
  }
  if (o.messages) params["retain_messages"] = *o.messages;
  return {};
}

struct Create {
  std::string room, kind, title;
  bool open = false;
  std::vector<std::string> members;
  Keep keep;
};
void declare_create(CLI::App& command, Create& o) {
  command.add_option("ROOM", o.room, "1-64 of A-Z a-z 0-9 . _ @ -, the first a letter or digit")->required();
  command.add_option("--kind", o.kind, "group (the default), or channel: only moderators send")
      ->check(CLI::IsMember({"group", "channel"}));
  command.add_option("--title", o.title, "The name shown to people")->type_name("TEXT");
  command.add_flag("--public", o.open, "Everyone may find and join it");
  command.add_option("--member", o.members, "Put a user in: NAME or NAME:ROLE; may be repeated")
      ->type_name("NAME[:ROLE]");
  declare_keep(command, o.keep);
  command.footer(
      "You become its owner.\n"
      "Example: parleyctl room create lab --title 'The lab' --member alice:moderator --member bob");
}
Outcome<> create(Context& context, const Create& o) {
  Json params{{"room", o.room}};
  if (!o.kind.empty()) params["kind"] = o.kind;
  if (!o.title.empty()) params["title"] = o.title;
  if (o.open) params["public"] = true;
  for (const auto& member : o.members) {
    const auto colon = member.find(':');
    params["members"][member.substr(0, colon)] =
        colon == std::string::npos ? "member" : member.substr(colon + 1);
  }
  if (auto taken = take_keep(o.keep, params); !taken) return taken;
  auto room = context.call("room.create", std::move(params));
  if (!room) return std::unexpected(room.error());
  context.done(*room, "Room " + o.room + " made.");
  return {};
}

struct Direct {
  std::string user;
};
void declare_direct(CLI::App& command, Direct& o) {
  command.add_option("USER", o.user, "The other one")->required();
  command.footer("It is made when there is none; both of you always get the same.");
}
Outcome<> direct(Context& context, const Direct& o) {
  auto room = context.call("room.direct", {{"user", o.user}});
  if (!room) return std::unexpected(room.error());
  context.show(*room);
  return {};
}

void add_row(Context& context, Table& table, const Json& room) {
  if (context.json) return context.json_line(room);
  table.add({cell(room, "room"), cell(room, "kind"), cell(room, "members"), cell(room, "last_seq"),
             cell(room, "public"), cell(room, "role"), cell(room, room.contains("peer") ? "peer" : "title")});
}
Table room_table() {
  return Table({"ROOM", "KIND", "MEMBERS", "LAST SEQ", "PUBLIC", "YOU", "TITLE OR PEER"});
}

struct List {
  bool all = false, open = false;
};
void declare_list(CLI::App& command, List& o) {
  auto* all =
      command.add_flag("--all", o.all, "Every room of the server, not only your own (administrators)");
  command.add_flag("--public", o.open, "Those that can be joined")->excludes(all);
}
Outcome<> list(Context& context, const List& o) {
  Json params = Json::object();
  if (o.all) params["all"] = true;
  if (o.open) params["public"] = true;
  auto table = room_table();
  auto ok = context.each_of("room.list", std::move(params), "rooms", "room",
                            [&](const Json& room) { add_row(context, table, room); });
  if (ok && !context.json) table.print(context.out);
  return ok;
}

struct Search {
  std::string text;
};
void declare_search(CLI::App& command, Search& o) {
  command.add_option("TEXT", o.text, "Part of a name or title, in any case")->required();
}
Outcome<> search(Context& context, const Search& o) {
  auto table = room_table();
  auto ok = context.each_of("room.search", {{"query", o.text}}, "rooms", "room",
                            [&](const Json& room) { add_row(context, table, room); });
  if (ok && !context.json) table.print(context.out);
  return ok;
}

struct One {
  std::string room;
  bool yes = false;
};
void declare_one(CLI::App& command, One& o) {
  command.add_option("ROOM", o.room, "The room")->required();
}
Outcome<> show(Context& context, const One& o) {
  auto room = context.call("room.get", {{"room", o.room}});
  if (!room) return std::unexpected(room.error());
  context.show(*room);
  return {};
}

void declare_delete(CLI::App& command, One& o) {
  declare_one(command, o);
  command.add_flag("--yes", o.yes, "Do not ask");
  command.footer("Its whole history goes with it; there is no way back.");
}
Outcome<> erase(Context& context, const One& o) {
  if (!o.yes) {
    if (!have_terminal()) return usage("Deleting a room without a terminal to ask on needs --yes.");
    if (!confirmed("Delete room " + o.room + " and all its history?"))
      return refused("interrupted", "Nothing was deleted.");
  }
  auto result = context.call("room.delete", {{"room", o.room}});
  if (!result) return std::unexpected(result.error());
  context.done(*result, "Room " + o.room + " deleted.");
  return {};
}

struct Update {
  std::string room;
  std::optional<std::string> title;
  bool open = false, closed = false;
  std::optional<std::string> slow;
  Keep keep;
};
void declare_update(CLI::App& command, Update& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("--title", o.title, "The name shown to people")->type_name("TEXT");
  auto* open = command.add_flag("--public", o.open, "Everyone may find and join it");
  command.add_flag("--private", o.closed, "Only those who are added")->excludes(open);
  command.add_option("--slow", o.slow, "Slow mode: a member sends once in this time (30s, 5m); 0 ends it")
      ->type_name("TIME");
  declare_keep(command, o.keep);
  command.footer(
      "How long messages stay is for owners to say. What is older, or too many, goes for good and from the "
      "front,\n"
      "with all that was said of it.\n"
      "Example: parleyctl room update lab --keep 90d --keep-messages 100000");
}
Outcome<> update(Context& context, const Update& o) {
  Json params{{"room", o.room}};
  if (o.title) params["title"] = *o.title;
  if (o.open || o.closed) params["public"] = o.open;
  if (o.slow) {
    const auto seconds = parse_duration_s(*o.slow);
    if (seconds == 0 && *o.slow != "0") return usage("--slow takes 30s, 5m or 0.");
    params["slow_s"] = seconds;
  }
  if (auto taken = take_keep(o.keep, params); !taken) return taken;
  if (params.size() == 1)
    return usage("Nothing to change: give --title, --public, --private, --slow, --keep or --keep-messages.");
  auto room = context.call("room.update", std::move(params));
  if (!room) return std::unexpected(room.error());
  context.show(*room);
  return {};
}

struct Hold {
  std::string room, reason;
  bool lift = false;
};
void declare_hold(CLI::App& command, Hold& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("--reason", o.reason, "For the audit log")->type_name("TEXT");
  command.add_flag("--lift", o.lift, "End it: what is due expires, what was kept aside is gone");
  command.footer(
      "Legal hold, for administrators. Nothing in the room expires, it can't be deleted, and what its people "
      "delete\n"
      "is kept aside (parleyctl export ROOM --held). They are not told, and see deleted messages as "
      "deleted.\n"
      "Example: parleyctl room hold lab --reason 'case 17'");
}
Outcome<> hold(Context& context, const Hold& o) {
  Json params{{"room", o.room}, {"held", !o.lift}};
  if (!o.reason.empty()) params["reason"] = o.reason;
  auto room = context.call("room.hold", std::move(params));
  if (!room) return std::unexpected(room.error());
  context.done(*room, "Room " + o.room + (o.lift ? " is no longer held." : " is held."));
  return {};
}

}  // namespace

void add_room_commands(CLI::App& app, Context& context) {
  auto* room = add_group(app, "room", "Rooms: create, direct, list, search, show, update, hold, delete");
  add_command(*room, context, "create", "Make a room", declare_create, create);
  add_command(*room, context, "direct", "The direct chat of you and one other", declare_direct, direct);
  add_command(*room, context, "list", "List rooms", declare_list, list);
  add_command(*room, context, "search", "Find public rooms", declare_search, search);
  add_command(*room, context, "show", "Show one room", declare_one, show);
  add_command(*room, context, "update",
              "Change a room's title, who may join, slow mode, how long messages stay", declare_update,
              update);
  add_command(*room, context, "hold", "Legal hold: nothing of a room is lost", declare_hold, hold);
  add_command(*room, context, "delete", "Delete a room and its history", declare_delete, erase);
}

}  // namespace parley::ctl
