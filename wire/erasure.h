#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "wire/record.h"

// What becomes of a room's entries when a user is erased (topics.md §3.2): the rule that stores ask while they store what is
// still in the journal, and again for what they have. Pure.
namespace parley::wire {

// What stands for the name of an erased user: `~` and 16 random characters of a-z2-7. No legal name, so that it is
// nobody's account, can't be mentioned, and says nothing of the name.
bool is_pseudonym(std::string_view name);

// The pseudonym of whoever has this name, without regard to case; nothing for those who were not erased.
using Pseudonyms = std::function<std::optional<std::string>(std::string_view name)>;

// The members of a record that change, as they are afterwards.
struct Unnamed {
  std::string from, type, ref, envelope;
  bool own = false;  // it was the erased user's own entry
};

// The entry without names and contents of those `of` knows; nothing when it has none. Their own messages, edits and
// reactions lose the content as deleted ones do, and name themselves as what took it (`deleted.seq` is the entry's own);
// deletes keep their target, entries of the backend their content. In all others, `@name` in any text is replaced, and in
// entries of the backend and in `deleted` every text that is a name. `thread`: the thread the message counts as a reply in.
std::optional<Unnamed> without_names(const Record& record, std::uint64_t thread, const Pseudonyms& of);

// What a name is known by when it is known no more: HMAC-SHA256 of the name in lower case under `salt`, as 64 hexadecimal
// digits. Whoever has the salt can check a name they guess.
std::string name_digest(std::string_view salt, std::string_view name);

// A JSON text with every string value that is a name (whole) or mentions one (`@name`) replaced; keys stay. The rest stays
// byte for byte.
enum class NamesIn { whole_texts, mentions };
std::string replace_names(std::string_view json, NamesIn where, const Pseudonyms& of);

}  // namespace parley::wire
