#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tools/parleyctl/outcome.h"

// A Slack export as it comes out of the zip: users.json, channels.json and groups.json (private channels), and for each channel a folder of
// its name with a file a day (YYYY-MM-DD.json). Slack's own help pages describe the form: "How to read Slack data exports".
namespace parley::ctl {

struct SlackUser {
  std::string name;   // the handle
  std::string title;  // what people see; "" when there is none
};

struct SlackChannel {
  std::string id, name, title, creator;  // creator: a user's id
  std::vector<std::string> members;      // ids
  bool is_private = false;
};

struct SlackReaction {
  std::string name;                // "thumbsup", "wave::skin-tone-2"
  std::vector<std::string> users;  // ids
};

struct SlackFile {
  std::string name, url, mime;
};

// What somebody said. Joins, topics, pins and what was deleted are none of it.
struct SlackMessage {
  std::string ts;      // its name in its channel: "1355517523.000005"
  std::string thread;  // ts of the message it answers to; "" when it is in no thread, or is the first of one
  std::string user;    // id; of a bot: its name
  std::string text;    // as Slack has it: slack_text() reads it
  std::vector<SlackReaction> reactions;
  std::vector<SlackFile> files;
  std::int64_t sent_at_ms = 0, edited_at_ms = 0;  // 0: never edited
  bool action = false;                            // "/me waves"
};

struct SlackExport {
  std::filesystem::path folder;
  std::map<std::string, SlackUser, std::less<>> users;  // by id
  std::vector<SlackChannel> channels;
  std::size_t direct_chats = 0;  // those of dms.json and mpims.json, which are not read
};

struct SlackDay {
  std::vector<SlackMessage> said;
  std::size_t skipped = 0;  // messages that say nothing (joins, topics, …)
};

inline constexpr std::size_t kSlackFileMax = 256 << 20;  // bytes

// Exit::usage when the folder is not an export: no users.json or channels.json, or they are not what they should be.
Outcome<SlackExport> open_slack_export(const std::filesystem::path& folder);

// The channel's files, oldest day first. None when it has no folder: nobody said anything in it.
std::vector<std::filesystem::path> slack_days(const SlackExport& exported, const SlackChannel& channel);

// In order of time. Exit::usage when the file is no list of messages.
Outcome<SlackDay> read_slack_day(const std::filesystem::path& file);

// Slack's markup as plain text: <@U12> becomes the user's @handle, <#C12|lab> #lab, <!here> and its like @room, <https://x|label> label (https://x),
// &lt; &gt; &amp; the characters they stand for. `handle` gives "" for a user nobody knows.
std::string slack_text(std::string_view text, const std::function<std::string(std::string_view id)>& handle);

}  // namespace parley::ctl
