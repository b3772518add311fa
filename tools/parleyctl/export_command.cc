#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>

#include "base/file.h"
#include "tools/parleyctl/import_command.h"
#include "tools/parleyctl/progress.h"
#include "tools/parleyctl/room_archive.h"
#include "tools/parleyctl/user_archive.h"

namespace parley::ctl {
namespace {

struct ExportRoom {
  std::string room, output = "-";
  bool held = false;
};
struct ImportRoom {
  std::string file, room;
};

void declare_export(CLI::App& command, ExportRoom& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("-o,--output", o.output, "The file to write, which must not be there yet; - is stdout")
      ->type_name("FILE")
      ->capture_default_str();
  command.add_flag("--held", o.held, "With what was deleted while the room was held (administrators)");
  command.footer(
      R"(Writes a room as lines of JSON (NDJSON): what it is, its members, every entry as it was delivered, and a last line that
counts them. For its members and for administrators. The file is for its owner alone (mode 0600).

  {"parley":"room","version":1,"exported_at":...,"room":{...}}
  {"member":{...}}
  {"message":{...}}
  {"held":{...}}        with --held: an entry as it was before it was deleted; not imported again
  {"end":{"members":2,"messages":17}}

Example: parleyctl export room lab -o lab.ndjson)");
}

struct ExportUser {
  std::string user, output;
};
void declare_export_user(CLI::App& command, ExportUser& o) {
  command.add_option("NAME", o.user, "The user")->required();
  command.add_option("FILE", o.output, "The file to write, which must not be there yet")->required();
  command.footer(
      R"(Writes what the server has of a user as lines of JSON (NDJSON): the account, devices, tokens (not their secrets), what they
registered for notifications (not the addresses) and wish of them, rooms with marks,
every entry they sent, and acts by and on them. A user may do so for themself: they get the messages of the rooms they are in, and no
acts. For an administrator all rooms are read through. FILE appears when it is whole, for its owner alone (mode 0600).

  {"parley":"user","version":1,"exported_at":...,"user":{...}}
  {"presence":{...}}
  {"device":{...}}  {"token":{...}}  {"registration":{...}}  {"wishes":{...}}  {"room":{...}}  {"message":{...}}  {"act":{...}}
  {"end":{"devices":1,"tokens":0,"registrations":1,"rooms":2,"messages":17,"acts":0}}

Example: parleyctl export user alice alice.ndjson)");
}

void declare_import(CLI::App& command, ImportRoom& o) {
  command.add_option("FILE", o.file, "What `export room` wrote")->required();
  command.add_option("--room", o.room, "Another name for it")->type_name("ROOM");
  command.footer(
      R"(Puts an exported room into this server. For administrators. The room is made when it is not there, with its members (accounts
without a password are made for those who have none); each entry keeps its speaker and time and is marked `imported`. Edits, reactions,
threads stay with what they are about. What no client could have sent (joins, what was deleted) gets the type x.parley.member and its like.

Stop it whenever you like: the same command goes on where it stopped, and repeats nothing.

Example: parleyctl import room lab.ndjson --room lab-of-2024)");
}

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// Only for its owner, and never over a file that is there.
Outcome<> create_private(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return usage(errno_error("can't make the file", path).message);
  return {};
}

Outcome<> export_room_command(Context& context, const ExportRoom& o) {
  StopSignal stop;
  auto session = context.session();
  if (!session) return std::unexpected(session.error());
  const bool to_file = o.output != "-";
  std::ofstream file;
  if (to_file) {
    if (auto ok = create_private(o.output); !ok) return ok;
    file.open(o.output, std::ios::binary | std::ios::app);
  }
  std::ostream& out = to_file ? file : context.out;
  Progress progress(context.err, isatty(STDERR_FILENO) != 0, 100);
  auto count = export_room(
      **session, o.room, now_ms(), [&](const std::string& line) { return static_cast<bool>(out << line); },
      [&](std::uint64_t done, std::uint64_t all) {
        if (to_file) progress.show(all == 0 ? 100 : done * 100 / all, o.room);
        return !stop.raised();
      },
      o.held);
  progress.clear();
  out.flush();
  if (count && !out) count = refused("output", "The file can't be written: is the disk full?");
  if (!count && to_file) {
    std::error_code left;
    std::filesystem::remove(o.output, left);
  }
  if (!count) return std::unexpected(count.error());
  if (to_file)
    context.done(
        {{"room", o.room}, {"file", o.output}, {"members", count->members}, {"messages", count->messages}},
        o.output + ": " + std::to_string(count->messages) + " messages, " + std::to_string(count->members) +
            " members");
  return {};
}

// Beside the file it is to become: what was cut short never has its name.
Outcome<> export_user_command(Context& context, const ExportUser& o) {
  StopSignal stop;
  auto session = context.session();
  if (!session) return std::unexpected(session.error());
  auto me = context.call("user.get", Json::object());
  if (!me) return std::unexpected(me.error());
  std::error_code error;
  if (std::filesystem::exists(o.output, error)) return usage(o.output + " exists.");
  const auto unfinished = o.output + ".part";
  std::filesystem::remove(unfinished, error);
  if (auto ok = create_private(unfinished); !ok) return ok;
  std::ofstream file(unfinished, std::ios::binary | std::ios::app);
  auto count = export_user(
      **session, o.user, me->value("admin", false), now_ms(),
      [&](const std::string& line) { return static_cast<bool>(file << line); },
      [&](std::uint64_t, const UserCount&) { return !stop.raised(); });
  file.close();
  if (count && !file) count = refused("output", "The file can't be written: is the disk full?");
  // link, not rename: a file that has come into being meanwhile stays what it is.
  if (count && ::link(unfinished.c_str(), o.output.c_str()) != 0)
    count = refused("output", errno_error("can't make the file", o.output).message);
  std::filesystem::remove(unfinished, error);
  if (!count) return std::unexpected(count.error());
  auto done = to_json(*count);
  done["user"] = o.user;
  done["file"] = o.output;
  context.done(done, o.output + ": " + std::to_string(count->messages) + " messages, " +
                         std::to_string(count->rooms) + " rooms");
  return {};
}

Outcome<> import_room_command(Context& context, const ImportRoom& o) {
  auto head = check_archive(o.file);
  if (!head) return std::unexpected(head.error());
  StopSignal stop;
  auto session = context.session();
  if (!session) return std::unexpected(session.error());
  const auto room = o.room.empty() ? head->room.value("room", std::string()) : o.room;
  Progress progress(context.err, isatty(STDERR_FILENO) != 0,
                    std::max<std::uint64_t>(1, head->count.messages));
  auto count = import_room(
      **session, o.file, *head, room,
      [&](std::uint64_t done, std::uint64_t) {
        progress.show(done, room);
        return !stop.raised();
      },
      [&](int tries) { return wait_a_moment(stop, tries); });
  progress.clear();
  if (!count) return std::unexpected(count.error());
  context.done({{"room", room},
                {"imported", count->imported},
                {"already_there", count->already_there},
                {"members", count->members}},
               room + ": " + std::to_string(count->imported) + " imported, " +
                   std::to_string(count->already_there) + " already there, " +
                   std::to_string(count->members) + " members added");
  return {};
}

}  // namespace

void add_export_command(CLI::App& app, Context& context) {
  auto* group = add_group(app, "export", "Write what is here to a file: room, user");
  add_command(*group, context, "room", "Write a room as lines of JSON", declare_export, export_room_command);
  add_command(*group, context, "user", "Write what there is of a user as lines of JSON", declare_export_user,
              export_user_command);
}

void add_import_room_command(CLI::App& import, Context& context) {
  add_command(import, context, "room", "Bring in an exported room", declare_import, import_room_command);
}

}  // namespace parley::ctl
