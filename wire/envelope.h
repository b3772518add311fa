#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

// The envelope of topics.md §3: what every reader of a room gets, live, in history and in sync, byte for byte the same.
namespace parley::wire {

struct Envelope {
  std::uint64_t seq = 0;   // 1, 2, 3 … in the room, without holes
  std::string epoch;       // changes when numbers seen before may mean other messages now
  Ulid id{};
  std::string room;
  std::string from;
  std::string role;        // the sender's role at that moment; "" (left out) when the sender was in the room by no role
  std::string device;      // "" (left out) for entries of the backend
  std::int64_t at = 0;     // ms since 1970, the broker's clock
  std::string type;
  std::string ref;         // "" (left out) when the sender gave none
  bool imported = false;   // left out unless true
  std::int64_t sent_at = 0;  // ms since 1970; left out when 0; imported entries only
  std::string content;     // a JSON object, as text
};

// Appends the envelope as one JSON object, its members in the order above, `content` last and spliced in as it is.
// `content` must be a JSON object (parse_content made it); names and type must be legal, so only `ref` is escaped.
void append_envelope(std::string& out, const Envelope& e);
std::string format_envelope(const Envelope& e);

// The reverse, by a JSON parser; content is written anew without white space, its members' order and its numbers as they were.
// Members it does not know are left out. invalid_argument when members are missing, given twice or of another type.
Result<Envelope> parse_envelope(std::string_view json);

}  // namespace parley::wire
