#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "wire/ban.h"
#include "wire/control_version.h"
#include "wire/directory_change.h"

// What backend and plugin say to each other besides the feed. One JSON object a message, at most kControlMax bytes.
// Backend → plugin: $CONTROL/parley/v1. Plugin → backend: answers on $parley/control, unasked events on $parley/events (both to the attached or
// asking client alone). ARCHITECTURE.md §"Backend and plugin" tells the conversation.
namespace parley::wire {

// {"cmd":"attach","id":"c1","version":1,"oldest":1,"release":"0.1.0","store":{"journal":"…","directory":"…","directory_version":7,"offset":1234}}
// Asks to be the one consumer. `journal` is "" when the store never met one. Answered by AttachOk, or code `unavailable` ("another backend is
// attached": ask again later; that is what a standby does), or `version_mismatch`, which only an upgrade changes. `version` is the newest the
// backend speaks, `oldest` the oldest (absent: the same). Members a later release may add are passed over; a backend that speaks none of
// this side's versions is read no further than that.
struct Attach {
  std::string journal;
  std::string directory;             // the store's Directory id
  std::uint64_t directory_version = 0;
  std::uint64_t offset = 0;          // all before it is stored
  Speaks speaks{};
};

// {"cmd":"directory.apply","id":…,"gen":3,"from":7,"to":8,"changes":[…],"entries":[…]}
// Moves the plugin's Directory from version `from` to `to`, durably, and appends `entries` after it. All or nothing but for entries: those
// that the journal can't take now are listed in the answer (`refused`: indices) and are to be sent again. A `to` at or below the plugin's version
// is answered ok, nothing applied (entries are still appended; their refs keep them single). `from` above it: invalid_argument.
struct AppendEntry {
  std::uint64_t room = 0;   // room id
  std::string from;         // whose entry it is
  std::string role;         // "" when none
  std::string type;         // member, room; any client type when imported
  std::string ref;          // required: makes a repeat the same entry
  std::string content;      // a JSON object; an object in JSON
  std::int64_t sent_at = 0; // ms; 0: now
  bool imported = false;    // not delivered live, never notified
  bool operator==(const AppendEntry&) const = default;
};
struct DirectoryApply {
  std::uint64_t from = 0, to = 0;
  std::vector<DirectoryChange> changes;
  std::vector<AppendEntry> entries;
};

// {"cmd":"directory.replace","id":…,"gen":3,"directory":"…","to":8,"part":0,"last":false,"changes":[…]}
// The whole Directory in parts, in order from part 0; swapped in when `last` came (users who are no longer in it are kicked). Part 0 begins anew.
struct DirectoryReplace {
  std::string directory;
  std::uint64_t to = 0;
  std::uint32_t part = 0;
  bool last = false;
  std::vector<DirectoryChange> changes;
};

// {"cmd":"feed.start","id":…,"gen":3,"offset":1234}: opens the feed, and rooms for messages if they were shut. Sent once after attach, when the
// Directory agrees. `offset` is at or above AttachOk.start.
struct FeedStart { std::uint64_t offset = 0; };
// {"cmd":"feed.ack","gen":3,"offset":1234}: all before it is stored, durably. Not answered.
struct FeedAck { std::uint64_t offset = 0; };
// {"cmd":"append","id":…,"gen":3,"entries":[…]}: answered {"seqs":[17,18,0],"refused":[2],"refused_code":"backlog_full"}; a repeat gets its first seq.
struct Append { std::vector<AppendEntry> entries; };
// {"cmd":"kick","id":…,"gen":3,"user":"bob","device":"bob-phone"}: device "" means all of them. Answered {"kicked":2} when they are gone.
// With "forget":true its client id is no longer held for the user; without a device none of theirs is, and the file of held ids is written
// anew, without what was.
struct Kick { std::string user, device; bool forget = false; };
// {"cmd":"sessions","id":…,"gen":3,"after":"…","limit":500}: answered {"sessions":[{session,user,device,address,protocol,connected_at,auth,token?}],"more":bool}, by
// device name; during a takeover a device is there twice, on one page, which may so be a little longer than asked for.
struct Sessions { std::string user; std::string after; std::uint32_t limit = 500; };
// {"cmd":"ban.add","id":…,"gen":3,"kind":"network","target":"192.0.2.0/24","reason":"…","by":"root","for_s":3600}: by the broker's clock from now on; for_s 0:
// for good. One that is there is replaced. Answered {"ban":{…},"kicked":2} (wire/ban.h) when it is on disk and they are gone; unavailable: the list is full.
struct BanAdd { BanKind kind = BanKind::user; std::string target, reason, by; std::uint64_t for_s = 0; };
// {"cmd":"ban.remove","id":…,"gen":3,"kind":"user","target":"mallory"}: answered {"ban":{…}}, what it was; not_found.
struct BanRemove { BanKind kind = BanKind::user; std::string target; };
// {"cmd":"ban.list","id":…,"gen":3,"after":"user:mallory","limit":250}: answered {"bans":[…],"more":bool}, users first, then clients, networks.
struct BanList { std::string after; std::uint32_t limit = kBanListMax; };
// {"cmd":"drain","id":…,"gen":3,"on":true,"over_s":60,"server":"…","stop":false}: moves all clients but administrators off, over so many
// seconds, lets nobody else in, and with `stop` ends the broker when nobody is left; "on":false ends it. Answered {"draining":true,"left":17}.
struct Drain {
  bool on = false;
  std::uint32_t over_s = 0;
  std::string server;  // where they may go: told to them as it is
  bool stop = false;
};
// {"cmd":"jwt.revoke","id":…,"gen":3,"jti":"a9f…","until":ms} or {…,"user":"bob","before":ms,"until":ms}: this JWT, or those of the user issued by then, are
// not taken any more, also by a broker that was restarted; the plugin may forget it after `until`. Answered {"kicked":1}, when the sessions that logged in
// by them are gone; `unavailable`: the plugin's list is full.
struct JwtRevoke {
  std::string jti{}, user{};  // one of them
  std::int64_t before = 0, until = 0;
};
// {"cmd":"jwt.revoked","id":…,"gen":3,"after":"…","limit":500}: answered {"revoked":[{key,jti|user,before?,until}],"more":bool}, by key.
struct JwtRevoked { std::string after{}; std::uint32_t limit = 500; };
inline constexpr std::size_t kJwtIdMax = 256;  // bytes of a `jti`
// {"cmd":"stats","id":…,"gen":3}: answered {"counters":{name:number},"gauges":{name:number}}.
struct Stats {};

struct Command {
  std::string id;                 // "" for feed.ack
  std::uint64_t generation = 0;   // 0 for attach
  std::variant<Attach, DirectoryApply, DirectoryReplace, FeedStart, FeedAck, Append, Kick, Sessions, BanAdd, BanRemove, BanList, Drain, JwtRevoke, JwtRevoked, Stats> body;
};

std::string format_command(const Command& command);
Result<Command> parse_command(std::string_view json);  // invalid_argument; never throws

// Answers: {"id":"c1","ok":true,"result":{…}} or {"id":"c1","ok":false,"error":{"code":…,"message":…}}: wire/request.h's format_reply,
// format_failure, parse_reply. A command of an older generation is answered `not_allowed`.
//
// Result of attach (members a later release may add are passed over):
struct AttachOk {
  std::uint64_t generation = 0;
  std::string journal;               // the journal's id, after any renewal
  std::uint64_t start = 0, end = 0;  // offsets the journal holds
  std::string directory;             // id of the Directory the plugin has, "" when none
  std::uint64_t directory_version = 0;
  bool renewed = false;              // the store and the journal do not continue each other: every room needs a new epoch, the whole Directory is to be
                                     // sent, and feed.start begins at `start`; [lost_from, lost_to) can't be given back (equal: nothing known lost)
  std::uint64_t lost_from = 0, lost_to = 0;
  std::string reason;                // a sentence, when renewed
  int version = kControlVersion;     // spoken from here on: the newest both sides know
  std::string release{wire::release()};  // the plugin's
};
nlohmann::json to_json(const AttachOk& ok);
Result<AttachOk> attach_ok_from_json(const nlohmann::json& json);

// Events on $parley/events, one a line, oldest first:
//   {"event":"connected","session":17,"user":"alice","device":"alice-phone","address":"127.0.0.1","protocol":5,"auth":"jwt|token|password|scram|certificate","token":id,"at":ms}
//   {"event":"disconnected","session":17,"user":"alice","device":"alice-phone","at":ms}
//                                            `session` is the connection's number, never used again; `token` the id of the device token it used, when it did
//   {"event":"user.new","user":"zoe"}        a valid JWT named a user nobody knows, and jwt_auto_user is on: make that user
//   {"event":"draining"}, {"event":"drain.ended"}   clients are moved off; not any more. The first also after an attach
//   {"event":"reset"}                        events were dropped (bounded queue): ask for `sessions` whole
struct Event {
  std::string event, user, device, address, auth;
  std::string token{};
  std::uint64_t session = 0;
  int protocol = 0;
  std::int64_t at = 0;
};
std::string format_event(const Event& e);
Result<Event> parse_event(std::string_view json);

}  // namespace parley::wire
