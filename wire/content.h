#pragma once
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "wire/error_codes.h"

// What a client may publish to rooms/{room}/send, and what becomes of it (topics.md §3).
namespace parley::wire {

// A refusal a client will read: the code and a sentence fit for this very case.
struct Refusal {
  Code code;
  std::string reason;
};

struct Content {
  std::string type;   // "text" unless the client said otherwise; "data" for bytes that are not UTF-8
  std::string ref;    // "" when none was given
  std::string json;   // a JSON object in UTF-8, at most kContentJsonMax bytes: when the client sent an object, its bytes without
                      // white space around (newlines between tokens stay); {"text":…} for plain text;
                      // {"data":base64,"content_type":…} for other bytes
  std::uint64_t refers_to = 0;  // the highest of the entries it names (target, thread, reply_to); 0: it names none
};

// Recognises and validates. In this order:
//   empty payload → empty; above max_bytes → too_large;
//   first byte after white space is `{` → must be one JSON object (RFC 8259) in UTF-8 without U+0000 (raw or escaped), else malformed;
//     nested deeper than kContentDepthMax → too_deep; `{}` → empty;
//     top-level `type` and `ref` must be strings, else malformed; ref 1…kRefMax bytes without control characters;
//     none of `type ref target text thread reply_to key remove` may be given twice at top level, else malformed;
//     `type`: `text media edit delete reaction`, or x.<1-62 of a-z 0-9 . _ ->; else reserved_type (`member room data` are reserved);
//     `thread` and `reply_to`, where given, are integers ≥ 1, else malformed;
//     `edit delete reaction` need `target`, an integer ≥ 1, else malformed; `edit` something besides (a `text` is a string), else empty;
//     `reaction` a `key` of 1…kReactionKeyMax bytes without control characters, and `remove`, where given, true or false, else malformed;
//     `text` needs a string `text`, else malformed, that is not blank (ASCII white space only), else empty;
//   otherwise valid UTF-8 without U+0000 → plain text (blank text → empty);
//   otherwise bytes: content_type is `content_type` when given (MQTT 5 property, ≤ 128 bytes of printable ASCII), else
//     application/octet-stream;
//   what the content became above kContentJsonMax (control characters grow sixfold) → too_large.
// Plain text never holds `ref` or `type`. MQTT 5's user property `ref` is passed in `property_ref` and used when the content brings none (an
// object's own wins); an illegal one that would be used → malformed. Keeps no DOM; never throws but for want of memory.
std::expected<Content, Refusal> parse_content(std::string_view payload, std::size_t max_bytes,
                                              std::string_view content_type = {}, std::string_view property_ref = {});

// The `ref` of a message that is refused (for whatever reason), so that its sender can be told which: as parse_content would take it, "" when
// there is no legal one within the first max_bytes.
std::string peek_ref(std::string_view payload, std::size_t max_bytes, std::string_view property_ref = {});

// rooms/{room}/receipts/{user}: {"received":12,"read":10}; at least one of them, integers ≥ 0, read ≤ received when both, nothing else, ≤ 256
// bytes; others malformed.
struct Receipts {
  std::uint64_t received = 0;  // 0: not given
  std::uint64_t read = 0;
};
std::expected<Receipts, Refusal> parse_receipts(std::string_view payload);

// users/{user}/devices/{device}/status: {"status":"online|away|offline", …}; object ≤ 1 KiB. Empty payload (clearing) is for the backend only
// and refused here.
std::expected<void, Refusal> check_device_status(std::string_view payload);
// rooms/{room}/typing/{user}: {"typing":true|false} and nothing else, ≤ 256 bytes.
std::expected<void, Refusal> check_typing(std::string_view payload);

}  // namespace parley::wire
