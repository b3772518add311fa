#include <unistd.h>

#include <algorithm>

#include "tools/parleyctl/import_command.h"
#include "tools/parleyctl/progress.h"
#include "tools/parleyctl/slack_import.h"

namespace parley::ctl {
namespace {

struct Slack {
  std::string folder;
  std::vector<std::string> channels;
};

void declare(CLI::App& command, Slack& o) {
  command.add_option("FOLDER", o.folder, "The export, unpacked: the folder that holds channels.json")
      ->required();
  command.add_option("--channel", o.channels, "Only this channel; may be given several times")
      ->type_name("NAME");
  command.footer(R"(Brings the channels of a Slack export in as rooms. For administrators.

A channel becomes a room of its name (other characters than names may have become @ and two hex digits), public unless it
was private, with its members; you and the channel's creator are its owners. A room that is there already is filled as it is.

Members and speakers become users without a password, named by their Slack handle; an account of that name is that person.

Messages stand in order of time, marked `imported`, with their own time in `sent_at`; they are not delivered live. Threads
stay threads; reactions become reactions by their name (:thumbsup:); an edited message has the text it had last, and
`edited_at`; mentions, channels and links become plain text; files are named with their address (`files`) but not fetched.
Joins, topics, pins and deleted messages are skipped and counted. Direct chats (dms.json, mpims.json) are not read.

Stop it whenever you like: the same command goes on where it stopped, and repeats nothing.

Example: parleyctl import slack ~/slack-export --channel general --channel random)");
}

Outcome<std::vector<SlackChannel>> wanted(const SlackExport& exported, const Slack& o) {
  if (o.channels.empty()) return exported.channels;
  std::vector<SlackChannel> chosen;
  for (const auto& name : o.channels) {
    const auto found = std::ranges::find(exported.channels, name, &SlackChannel::name);
    if (found == exported.channels.end()) return usage("The export has no channel " + name + ".");
    chosen.push_back(*found);
  }
  return chosen;
}

// Of the whole import, for a person to look at; the files' bytes are what is known beforehand.
std::uint64_t bytes_of(const SlackExport& exported, const std::vector<SlackChannel>& channels) {
  std::uint64_t bytes = 0;
  std::error_code gone;
  for (const auto& channel : channels)
    for (const auto& day : slack_days(exported, channel)) {
      const auto size = std::filesystem::file_size(day, gone);
      bytes += gone ? 0 : size;
    }
  return bytes;
}

Outcome<> import_channel(Context& context, Session& session, const SlackExport& exported,
                         const SlackChannel& channel, Speakers& speakers, Progress& progress,
                         std::uint64_t& bytes_done, const StopSignal& stop) {
  if (auto ok = prepare_slack_room(session, exported, channel, speakers); !ok) return ok;
  SlackImport import(
      session, exported, channel, speakers,
      [&](const SlackCount&) {
        progress.show(bytes_done, channel.name);
        return !stop.raised();
      },
      [&](int tries) { return wait_a_moment(stop, tries); });
  auto count = import.run();
  progress.clear();
  if (!count) return std::unexpected(count.error());
  bytes_done += bytes_of(exported, {channel});
  context.done({{"channel", channel.name},
                {"room", slack_room(channel)},
                {"imported", count->imported},
                {"reactions", count->reactions},
                {"already_there", count->already_there},
                {"skipped", count->skipped}},
               channel.name + ": " + std::to_string(count->imported) + " imported, " +
                   std::to_string(count->reactions) + " reactions, " + std::to_string(count->already_there) +
                   " already there, " + std::to_string(count->skipped) + " skipped");
  return {};
}

Outcome<> import_slack(Context& context, const Slack& o) {
  auto exported = open_slack_export(o.folder);
  if (!exported) return std::unexpected(exported.error());
  auto channels = wanted(*exported, o);
  if (!channels) return std::unexpected(channels.error());
  StopSignal stop;
  auto session = context.session();
  if (!session) return std::unexpected(session.error());
  Speakers speakers(**session);
  if (auto ok = speakers.load(); !ok) return ok;
  Progress progress(context.err, isatty(STDERR_FILENO) != 0,
                    std::max<std::uint64_t>(1, bytes_of(*exported, *channels)));
  std::uint64_t bytes_done = 0;
  for (const auto& channel : *channels) {
    if (auto ok =
            import_channel(context, **session, *exported, channel, speakers, progress, bytes_done, stop);
        !ok)
      return ok;
  }
  if (!context.json)
    context.out << "Done: " << channels->size() << " channels, " << speakers.made() << " users made, "
                << exported->direct_chats << " direct chats left out.\n";
  return {};
}

}  // namespace

void add_import_slack_command(CLI::App& import, Context& context) {
  add_command(import, context, "slack", "Bring in a Slack export", declare, import_slack);
}

}  // namespace parley::ctl
