#pragma once
#include <cstdint>
#include <string>

#include "tools/parleyctl/room_archive.h"

// What a server has of a user, as a file of lines, each one JSON object (NDJSON):
//
//   {"parley":"user","version":1,"exported_at":ms,"user":{…as user.get tells it…}}
//   {"presence":{…as presence.get…}}
//   {"device":{…as device.list…}}          each device they connected with
//   {"token":{"id","user","label",…}}      each device token; never its secret
//   {"registration":{…as push.list…}}      each way they are notified by; never its address
//   {"wishes":{…as notify.get…}}           when they are not to be notified, and of whom
//   {"room":{…as rooms…}}                  each room they are in, with their role, marks and counters
//   {"message":{…the envelope as it is stored…}}   each entry they sent: messages, edits, deletes, reactions, joins; by room and seq
//   {"act":{…as audit.list…}}              each administrative act by or on them; for administrators alone
//   {"end":{"devices":1,"tokens":0,"registrations":1,"rooms":2,"messages":17,"acts":0}}      a file without it was cut short
namespace parley::ctl {

struct UserCount {
  std::uint64_t devices = 0, tokens = 0, registrations = 0, rooms = 0, messages = 0, acts = 0;
};
Json to_json(const UserCount& count);

// For the user themself what they may read: messages of the rooms they are in. For an administrator (`all`) those of all rooms,
// and acts: every room is read through, page by page. Holds one page in memory. `room_done` is told of each room: false stops.
Outcome<UserCount> export_user(Requests& requests, const std::string& user, bool all, std::int64_t now_ms,
                               const ArchiveLine& out,
                               const std::function<bool(std::uint64_t rooms, const UserCount&)>& room_done);

}  // namespace parley::ctl
