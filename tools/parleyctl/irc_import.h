#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/parleyctl/append_batch.h"
#include "tools/parleyctl/irc_log.h"
#include "tools/parleyctl/requests.h"
#include "tools/parleyctl/speakers.h"

// Puts IRC logs into a room by the backend's `append`, so that any number of tries ends with each line there
// once, in order.
//
// Each entry's ref is "irc:<8 hex>:<line>", the hex of the file's name and its first spoken line: a log that
// has grown since is the same log. An import first asks history, from its end backwards, for the last line of
// each file that is there, and goes on behind it; what was taken but is not yet in history is kept single by
// its ref.
namespace parley::ctl {

struct ImportFile {
  std::filesystem::path path;
  std::unique_ptr<const std::string> bytes;  // what `log` points into
  std::string ref_prefix;                    // "irc:<8 hex>:"
  IrcLog log;
};

inline constexpr std::size_t kImportFileMax = 256 << 20;  // bytes

// Reads and parses. Exit::usage when it can't be read, is too large, or has no date in its name while `date`
// is empty.
Outcome<ImportFile> open_import(const std::filesystem::path& path,
                                std::optional<std::chrono::year_month_day> date);

// What `append` is given for a line: {"from","type","ref","sent_at","content"}. Content is {"text"}, and
// "action":true for an action, and "nick" when it is not the same as `from`. A line that says nothing has
// type x.irc.blank. Bytes that are not UTF-8 are repaired.
Json import_entry(const IrcLine& line, std::string_view from, std::string_view ref_prefix);

// The last line of each file (by ref_prefix) that is in the room's history; 0 when none is. Reads pages of
// 500 from the newest back until all are found, or to the beginning of the room.
Outcome<std::map<std::string, std::uint64_t>> find_imported(Requests& requests, const std::string& room,
                                                            const std::vector<ImportFile>& files);

struct ImportCount {
  std::uint64_t imported = 0, already_there = 0;
};

// Called after each batch with the lines done of this file so far; false stops the import (Failure
// `interrupted`).
using ImportProgress = std::function<bool(const ImportFile& file, std::uint64_t lines_done)>;

Outcome<ImportCount> import_file(Requests& requests, const std::string& room, const ImportFile& file,
                                 std::uint64_t after_line, Speakers& speakers, const ImportProgress& progress,
                                 const ImportWait& wait);

}  // namespace parley::ctl
