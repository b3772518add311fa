#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/names.h"
#include "wire/record.h"

// What a room's entry says of other entries and of people, read from it once. Pure; nothing is resolved here.
namespace parley::wire {

inline constexpr std::size_t kMentionsMax = 50;  // of one message; further ones count for nothing
inline constexpr std::size_t kReactionKeyMax = 64;
inline constexpr std::string_view kRoomMention = "@room";  // no name begins with @

// Views into the record.
struct Entry {
  std::uint64_t seq = 0;
  std::int64_t at_ms = 0;
  std::string_view from, type;
  Role role = Role::none;
  bool imported = false;
  std::uint64_t target = 0;  // of edit, delete and reaction; 0: none
  std::uint64_t thread = 0;  // the root a message names, whatever that is; 0: none
  std::string key;           // of a reaction
  bool remove = false;       // the reaction is taken back
  std::uint64_t deleted =
      0;  // of an entry whose content is gone: the seq of what took it; its own: its sender was erased
  std::vector<std::string>
      mentions;  // names in lower case, each once, and kRoomMention; of countable messages

  // What people wrote, as opposed to what is said of that (edit, delete, reaction) and to member and room.
  bool message() const;
  // Counts as unread for its readers.
  bool countable() const { return message() && !imported; }
  // Nothing but itself.
  bool plain() const { return target == 0 && thread == 0 && deleted == 0 && mentions.empty(); }
};

// A content that can't be read says nothing; it was refused before it got a number.
Entry read_entry(const Record& record);

bool is_message(std::string_view type);

// `name` of every `@name` in the text that is a legal name once its trailing `.`, `-` and `@` are cut: in lower case, each once, at most
// kMentionsMax. `@` after a letter, a digit, `_` or `-` is part of an address and mentions nobody.
std::vector<std::string> mentions_in(std::string_view text);

// Calls `visit(at, name)` for each `@name` as above, however many: `at` is where the name begins, behind the `@`.
void for_each_mention(std::string_view text,
                      const std::function<void(std::size_t at, std::string_view name)>& visit);

// The seq an envelope says it has; 0 when it does not begin with one, as every envelope of wire/envelope.h does.
std::uint64_t seq_of_envelope(std::string_view envelope);
// Where an envelope's content begins, and with it everything its sender wrote; the envelope's size when there is none.
std::size_t content_at(std::string_view envelope);
// The content of an envelope that was not erased.
std::string_view content_of(std::string_view envelope);

}  // namespace parley::wire
