#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

// What a chat's overview shows of a room's newest message, in one line.
std::string preview(const Json& room) {
  const auto last = room.find("last");
  if (last == room.end() || !last->is_object()) return "-";
  if (last->contains("deleted")) return cell(*last, "from") + " (deleted)";
  const auto content = last->value("content", Json::object());
  const auto text = content.find("text");
  const auto what =
      text != content.end() && text->is_string() ? text->get<std::string>() : "[" + cell(*last, "type") + "]";
  return cell(*last, "from") + ": " + what;
}

struct Rooms {
  bool unread = false;
};
void declare_rooms(CLI::App& command, Rooms& o) {
  command.add_flag("--unread", o.unread, "Only rooms with something unread");
  command.footer(
      "What you would see opening a chat: each of your rooms, how much of it you have not read, how often "
      "you\n"
      "are mentioned there, and its newest message.");
}
Outcome<> rooms(Context& context, const Rooms& o) {
  Table table({"ROOM", "UNREAD", "MENTIONS", "READ", "LAST SEQ", "NEWEST"});
  auto ok = context.each_of("rooms", Json::object(), "rooms", "room", [&](const Json& room) {
    if (o.unread && room.value("unread", 0) == 0) return;
    if (context.json) return context.json_line(room);
    table.add({cell(room, "room"), cell(room, "unread"), cell(room, "mentions"), cell(room, "read"),
               cell(room, "last_seq"), preview(room)});
  });
  if (ok && !context.json) table.print(context.out);
  return ok;
}

struct Read {
  std::string room;
  std::optional<std::uint64_t> seq;
};
void declare_read(CLI::App& command, Read& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("SEQ", o.seq, "Up to which number you have read; all of it when left out");
  command.footer("Marks never go back. Example: parleyctl read lobby 17");
}
Outcome<> read(Context& context, const Read& o) {
  Json params{{"room", o.room}};
  if (o.seq) {
    params["read"] = *o.seq;
  } else {
    auto room = context.call("room.get", {{"room", o.room}});
    if (!room) return std::unexpected(room.error());
    params["read"] = room->value("last_seq", std::uint64_t{0});
  }
  auto marks = context.call("read", std::move(params));
  if (!marks) return std::unexpected(marks.error());
  context.done(*marks, o.room + " read up to " + cell(*marks, "read") + ".");
  return {};
}

struct Marks {
  std::string room;
};
void declare_marks(CLI::App& command, Marks& o) {
  command.add_option("ROOM", o.room, "The room")->required();
}
Outcome<> marks(Context& context, const Marks& o) {
  Table table({"USER", "RECEIVED", "READ"});
  auto ok = context.each_of("marks", {{"room", o.room}}, "marks", "user", [&](const Json& mark) {
    if (context.json) return context.json_line(mark);
    table.add({cell(mark, "user"), cell(mark, "received"), cell(mark, "read")});
  });
  if (ok && !context.json) table.print(context.out);
  return ok;
}

}  // namespace

void add_mark_commands(CLI::App& app, Context& context) {
  add_command(app, context, "rooms", "Your rooms: what is unread, who mentions you, the newest message",
              declare_rooms, rooms);
  add_command(app, context, "read", "Say how far you have read a room", declare_read, read);
  add_command(app, context, "marks", "Show how far each member of a room has got and read it", declare_marks,
              marks);
}

}  // namespace parley::ctl
