#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backend/store/batch_links.h"
#include "wire/erasure.h"

namespace parley::backend {

inline constexpr int kErasedLooksMax = 2'000;  // messages looked at in one step
inline constexpr int kErasedRowsMax = 300;     // of those, changed in one transaction

// `seq` for the next one, above which an erase looks as if nothing had been said of it: a room's `rewritten` names, beside
// the seq of the last deletion, how often an erase changed rows since.
inline constexpr std::uint64_t kErasedOnce = 1ull << 40;

// A message's row, as an erase reads it.
struct ErasableRow {
  Place place;
  std::int64_t at_ms = 0;
  std::string sender, type, ref;
  std::uint8_t flags = 0;
  std::uint64_t target = 0, thread = 0, deleted = 0;
  std::string envelope;
};

// What becomes of it.
struct ErasedRow {
  wire::Unnamed after;
  bool loses_content = false;  // its `deleted` is its own seq from now on
};
std::optional<ErasedRow> erase_row(const ErasableRow& row, const wire::Pseudonyms& of);

// Messages of one stretch that have to be changed, and where the next one begins.
struct EraseStretch {
  std::vector<Place> places{};
  std::vector<std::uint64_t> rooms{};  // each once, when places come in order
  ErasePlace next{};
  bool finished = false;
  bool held = false;

  void add(Place place);
  EraseStep step() const;
};

// The pseudonym for this one name, in any case.
wire::Pseudonyms only(const std::string& user, const std::string& pseudonym);

// What else is to be written when the row becomes `erased`.
void add_effects(const ErasableRow& row, const ErasedRow& erased, BatchLinks::Effects& effects);

}  // namespace parley::backend
