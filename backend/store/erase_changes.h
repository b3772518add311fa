#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "backend/store/directory_step.h"
#include "backend/store/erase_store.h"
#include "wire/control.h"
#include "wire/erasure.h"

// What every EraseStore writes, whatever its database.
namespace parley::backend {

// A new pseudonym and, unless there is one already, a new salt.
Erasure new_erasure(const std::string& user, const std::string& salt, WallTime now);
wire::NameBlock name_block(const Erasure& erasure);

// The entries by which rooms learn of it.
RoomEntry left_entry(const Erasure& erasure, std::uint64_t room_id);
RoomEntry erased_entry(const Erasure& erasure, std::uint64_t room_id);

// The act of erasing itself, which does not keep the name.
Act act_of_erasing(const Act& act, const Erasure& erasure);

// Columns: pseudonym, user, salt, digest, begun_at, done_at.
template <class Row>
Erasure read_erasure(const Row& row) {
  Erasure erasure{.pseudonym = row.string(0),
                  .user = row.string(1),
                  .salt = row.string(2),
                  .digest = row.string(3),
                  .begun_at = from_ms(row.integer(4))};
  if (row.integer(5) != 0) erasure.done_at = from_ms(row.integer(5));
  return erasure;
}

// The rooms whose members a step changes.
std::vector<std::uint64_t> rooms_of(const StepDraft& step);

// The act without the user's name; nothing when it does not have it. Of acts by or on them no
// details stay, of those by them nothing of where they came from.
std::optional<Act> act_without(const Act& act, const Erasure& erasure);
void replace_names_in(std::vector<wire::AppendEntry>& entries, const wire::Pseudonyms& of);

}  // namespace parley::backend
