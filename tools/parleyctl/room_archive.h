#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "tools/parleyctl/append_batch.h"

// A room as a file of lines, each one JSON object (NDJSON), for keeping, moving and reading by other programs:
//
//   {"parley":"room","version":1,"exported_at":ms,"room":{…as room.get tells it…}}
//   {"member":{"room","user","role","since"}}      each member
//   {"message":{…the envelope, as it was delivered…}}   each entry, in order of seq
//   {"held":{…the envelope, as it was…}}           what was deleted while the room was held, if asked for; not imported
//   {"end":{"members":2,"messages":17,"held":1}}   a file without it was cut short
namespace parley::ctl {

inline constexpr int kArchiveVersion = 1;

struct ArchiveCount {
  std::uint64_t members = 0, messages = 0, held = 0;
};

// Writes one line; false when it can't.
using ArchiveLine = std::function<bool(const std::string& line)>;
using ArchiveProgress =
    std::function<bool(std::uint64_t messages_done, std::uint64_t messages)>;  // false stops

// What the room holds now: what is said meanwhile is not part of it, nor what has expired. `held`: with what is kept aside
// (administrators). Holds one page in memory.
Outcome<ArchiveCount> export_room(Requests& requests, const std::string& room, std::int64_t now_ms,
                                  const ArchiveLine& out, const ArchiveProgress& progress, bool held = false);

struct ArchiveHead {
  Json room;  // of the file
  ArchiveCount count;
};

// Reads all of the file and looks whether it is whole. Exit::usage with the line when it is not.
Outcome<ArchiveHead> check_archive(const std::filesystem::path& file);

struct RestoredCount {
  std::uint64_t imported = 0, already_there = 0, members = 0;
};

// Puts a checked archive into `room`, which is made when it is not there: its members (accounts without a password are made for them), then
// every entry, marked imported, with its speaker and time. Numbers are new; what an entry says of others (target, thread, reply_to) follows.
// Entries no client could send get the type x.parley.<type>. Any number of tries ends with each entry there once: refs are
// "archive:<epoch>:<seq>". Holds 100 bytes of each entry in memory.
Outcome<RestoredCount> import_room(Requests& requests, const std::filesystem::path& file,
                                   const ArchiveHead& head, const std::string& room,
                                   const ArchiveProgress& progress, const ImportWait& wait);

}  // namespace parley::ctl
