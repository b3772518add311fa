#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/entry.h"

// The rule of topics.md §3 by which entries speak of messages. Whoever folds a room asks it here: the stores while they store,
// RoomFold, and through them history, search, cache and tests. Pure.
namespace parley::wire {

struct Deletion {
  std::uint64_t seq = 0;  // of the delete; 0: not deleted
  std::int64_t at_ms = 0;
  std::string by;
};

// What the rule asks of the entry that is spoken of.
struct Target {
  std::uint64_t seq = 0;
  std::string from;
  bool message = false;
  std::uint64_t thread = 0;  // it counts as a reply in that thread; 0: in none
  Deletion deletion;
};

// Has the edit, delete or reaction an effect on its target?
bool counts(const Entry& entry, const Target& target);
// With a deleted message go the contents of all edits and reactions that name it, whoever sent them and whenever. Is
// this one of them, sent after the delete?
bool came_too_late(const Entry& entry, const Target& target);
// Is the message, which names `root` as its thread, a reply in it?
bool is_reply(const Entry& entry, const Target& root);
// Does the message name as its thread one of the numbers up to `expired`? It is a reply there, whatever that was.
bool names_expired_thread(const Entry& entry, std::uint64_t expired);

// The envelope without its content: {}, and `deleted` behind it. `thread`: of a reply that counted, so that it stays known as one.
std::string erased(std::string_view envelope, const Deletion& deletion, std::uint64_t thread = 0);
// {"seq":30,"at":1795314673123,"by":"bob"}, and "thread" when there is one.
std::string deletion_text(const Deletion& deletion, std::uint64_t thread = 0);

}  // namespace parley::wire
