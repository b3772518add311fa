#pragma once
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "wire/content.h"
#include "wire/limits.h"

// One pass over JSON of a stranger that builds no DOM: time and memory are bounded by the text's size, the
// stack by nothing in it. All codecs of wire/ read through it; nobody else needs to.
namespace parley::wire {

// A member of the top-level object that the caller wants to see.
struct Member {
  enum class Kind { absent, null, boolean, natural, number, string, composite };

  std::string_view name;
  bool keep_json = false;  // an object's or array's JSON, without white space, goes into `text`

  Kind kind = Kind::absent;   // natural: an integer that fits 64 bits without sign; number: any other
  bool flag = false;          // of boolean
  std::uint64_t natural = 0;  // of natural
  std::string text = {};      // of string, unescaped; of composite with keep_json

  bool is(Kind k) const { return kind == k; }
};

// Fills `wanted` from one JSON object (RFC 8259, UTF-8) and gives the number of its top-level members.
// Refused are, with a sentence that begins with `what` ("The content"): what is no such object, U+0000 raw or
// escaped, a wanted member given twice (malformed), and nesting deeper than `depth_max` (too_deep). What was
// seen until then stays in `wanted`.
std::expected<std::size_t, Refusal> scan_object(std::string_view json, std::string_view what,
                                                std::span<Member> wanted,
                                                std::size_t depth_max = kContentDepthMax);

// `text` without JSON's white space around it.
std::string_view trim_json(std::string_view text);

}  // namespace parley::wire
