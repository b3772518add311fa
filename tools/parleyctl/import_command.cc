#include "tools/parleyctl/import_command.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "tools/parleyctl/commands.h"
#include "tools/parleyctl/irc_import.h"
#include "tools/parleyctl/progress.h"
#include "tools/parleyctl/stop_signal.h"

namespace parley::ctl {
namespace {

struct Irc {
  std::string room, date;
  std::vector<std::string> files;
};

void declare(CLI::App& command, Irc& o) {
  command.add_option("--room", o.room, "The room they go into; it must be there")
      ->required()
      ->type_name("ROOM");
  command.add_option("--date", o.date, "The day the log begins, when the file's name does not tell")
      ->type_name("YYYY-MM-DD");
  command.add_option("FILE", o.files, "Logs, in the order they shall stand in")->required();
  command.footer(R"(Puts IRC logs into a room as they were spoken. For administrators.

Read are  [HH:MM] <nick> text  and  [HH:MM]  * nick does  (seconds are fine too). All other lines, such as joins
and parts (=== ...), are skipped and counted. Times are taken as UTC, from the date in the file's name on. A log
that passes midnight goes on the day after.

Each line becomes one message from its speaker, marked `imported`, with its own time in `sent_at`; it is not
delivered live. Content: {"text":...}; for an action also "action":true; "nick" when the user has another name. A
line without text has type x.irc.blank. Bytes that are not UTF-8 become U+FFFD.

Speakers become users without a password. A nick that is a legal name stays as it is (an account of that name is
that speaker); other characters become @ and two hex digits (zippo^ is zippo@5e), and a name that would not begin
with a letter or digit gets i@. in front (_null is i@._null). Nicks that differ only in case are one user.

Stop it whenever you like: the same command goes on where it stopped, and repeats nothing.

Example: parleyctl import irc --room ubuntu logs/2004-*.txt)");
}

Outcome<std::optional<std::chrono::year_month_day>> given_date(const Irc& o) {
  if (o.date.empty()) return std::optional<std::chrono::year_month_day>{};
  auto date = date_in_name(o.date);
  if (!date || o.date.size() != 10) return usage("--date takes YYYY-MM-DD.");
  return date;
}

Outcome<std::vector<ImportFile>> open_all(const Irc& o) {
  auto date = given_date(o);
  if (!date) return std::unexpected(date.error());
  std::vector<ImportFile> files;
  for (const auto& path : o.files) {
    auto file = open_import(path, *date);
    if (!file) return std::unexpected(file.error());
    for (const auto& other : files) {
      if (other.ref_prefix == file->ref_prefix)
        return usage(path + " is the same log as " + other.path.string() + ".");
    }
    files.push_back(std::move(*file));
  }
  return files;
}

struct Total {
  ImportCount count;
  std::uint64_t skipped = 0;
};

void report(Context& context, const ImportFile& file, const ImportCount& count) {
  const auto name = file.path.filename().string();
  context.done({{"file", name},
                {"imported", count.imported},
                {"already_there", count.already_there},
                {"skipped", file.log.skipped},
                {"lines", file.log.lines}},
               name + ": " + std::to_string(count.imported) + " imported, " +
                   std::to_string(count.already_there) + " already there, " +
                   std::to_string(file.log.skipped) + " skipped");
}

Outcome<> import_all(Context& context, Session& session, const Irc& o, const std::vector<ImportFile>& files,
                     const StopSignal& stop) {
  auto stopped_at = find_imported(session, o.room, files);
  if (!stopped_at) return std::unexpected(stopped_at.error());
  Speakers speakers(session);
  if (auto ok = speakers.load(); !ok) return ok;
  std::uint64_t all_lines = 0, lines_before = 0;
  for (const auto& file : files) all_lines += file.log.lines;
  Progress progress(context.err, isatty(STDERR_FILENO) != 0, all_lines);
  Total total;
  for (const auto& file : files) {
    auto count = import_file(
        session, o.room, file, (*stopped_at)[file.ref_prefix], speakers,
        [&](const ImportFile& f, std::uint64_t done) {
          progress.show(lines_before + done, f.path.filename().string());
          return !stop.raised();
        },
        [&](int tries) { return wait_a_moment(stop, tries); });
    progress.clear();
    if (!count) return std::unexpected(count.error());
    report(context, file, *count);
    total.count.imported += count->imported;
    total.count.already_there += count->already_there;
    total.skipped += file.log.skipped;
    lines_before += file.log.lines;
  }
  if (context.json) return {};
  context.out << "Done: " << total.count.imported << " imported, " << total.count.already_there
              << " already there, " << total.skipped << " lines skipped that nobody said; " << speakers.made()
              << " users made.\n";
  return {};
}

Outcome<> import_irc(Context& context, const Irc& o) {
  auto files = open_all(o);
  if (!files) return std::unexpected(files.error());
  StopSignal stop;
  auto session = context.session();
  if (!session) return std::unexpected(session.error());
  if (auto room = context.call("room.get", {{"room", o.room}}); !room) return std::unexpected(room.error());
  return import_all(context, **session, o, *files, stop);
}

}  // namespace

bool wait_a_moment(const StopSignal& stop, int tries) {
  if (stop.raised() || tries > 8) return false;
  std::this_thread::sleep_for(
      std::min(std::chrono::milliseconds{250} * (1 << tries), std::chrono::milliseconds{5000}));
  return !stop.raised();
}

void add_import_command(CLI::App& app, Context& context) {
  auto* import = add_group(app, "import", "Bring in what was said elsewhere: irc, slack, room");
  add_command(*import, context, "irc", "Bring in IRC channel logs", declare, import_irc);
  add_import_slack_command(*import, context);
  add_import_room_command(*import, context);
}

}  // namespace parley::ctl
