#pragma once
#include <optional>
#include <string_view>

#include "base/result.h"

// The one list of error codes a client can see: in replies, refusals and on the command line. Stable: codes are added,
// never renamed. topics.md §6 has the same list with sentences; wire/contract_test.cc keeps the two equal.
namespace parley::wire {

enum class Code {
  malformed,           // the payload is not what the topic takes
  empty,               // no content
  too_large,           // above max_content_bytes
  too_deep,            // nested deeper than kContentDepthMax
  reserved_type,       // a `type` clients may not send
  invalid_name,        // not a legal user, room or device name
  invalid_argument,    // a parameter is missing or wrong
  unknown_method,      // no such request
  not_a_member,        // the room exists or not; you are not in it
  not_allowed,         // your role, or you not being an administrator, forbids it
  banned,              // you are banned from the room
  not_found,           // no such thing (told only to those who may know)
  already_exists,      // the name is taken, or it is so already
  last_owner,          // would leave a room without an owner
  disabled,            // the account is disabled
  retain_not_allowed,  // this topic takes no retained message
  qos_not_allowed,     // this topic takes QoS 0 alone
  above_last_seq,      // a watermark above the room's last seq
  muted,               // a moderator took your right to send, for a time or until it is given back
  slow_mode,           // the room takes a message of yours only every so often
  rate_limited,        // slow down
  backlog_full,        // the journal holds journal_max_bytes unstored; try later
  unavailable,         // the backend, or what it needs, is not there; nothing was changed
  timeout,             // not done in time; nothing was changed
  in_doubt,            // may or may not have been done: look before you repeat
  internal,            // our bug; the server's log says more
};

std::string_view code_name(Code code);
std::optional<Code> parse_code(std::string_view name);
// The default sentence of a code, for people.
std::string_view code_sentence(Code code);
// The client-visible code of an internal failure. `corrupt` and `internal` show as internal.
Code code_of(Errc code);
// MQTT 5 reason code of a refused PUBLISH (Mosquitto 2.0 can only send 0x87, whatever this says).
unsigned char mqtt_reason(Code code);

}  // namespace parley::wire
