#include "backend/cache/cached_mark_store.h"

#include <charconv>

namespace parley::backend {
namespace {

using What = MarkOutcome::What;

bool is_receipt(const MarkRaise& raise) {
  return raise.room_id == 0 && raise.checked;
}

std::string pack(const Marks& marks) {
  return std::to_string(marks.received) + " " + std::to_string(marks.read);
}

// nullopt: not what pack() makes.
std::optional<Marks> unpack(const std::string& text) {
  Marks marks;
  const char* const end = text.data() + text.size();
  const auto received = std::from_chars(text.data(), end, marks.received);
  if (received.ec != std::errc() || received.ptr == end || *received.ptr != ' ') return std::nullopt;
  const auto read = std::from_chars(received.ptr + 1, end, marks.read);
  if (read.ec != std::errc() || read.ptr != end || marks.read > marks.received) return std::nullopt;
  return marks;
}

}  // namespace

CachedMarkStore::CachedMarkStore(MarkStore& store, const MarkCopies& copies, Cache& cache, Metrics& metrics)
    : store_(store), copies_(copies), cache_(cache) {
  const auto receipts = [&](const char* from) {
    return metrics.counter("parley_cache_marks_total",
                           "Receipts by where it was seen whether they tell anything new: hit, the cache "
                           "(they do not); miss, the "
                           "store.",
                           {{"result", from}});
  };
  hits_ = receipts("hit");
  misses_ = receipts("miss");
}

Result<std::vector<MarkOutcome>> CachedMarkStore::raise(std::span<const MarkRaise> raises) {
  const auto names = copies_.names_of(raises);
  if (names.empty()) return store_.raise(raises);
  auto known = look_up(raises, names);
  std::vector<MarkRaise> rest;
  Names rest_names;
  for (std::size_t i = 0; i < raises.size(); ++i) {
    if (known[i]) continue;
    rest.push_back(raises[i]);
    rest_names.push_back(names[i]);
  }
  if (!rest.empty()) {
    auto raised = store_.raise(rest);
    if (!raised) return raised;
    copy(rest_names, *raised);
    auto next = raised->begin();
    for (auto& one : known)
      if (!one) one = *next++;
  }
  std::vector<MarkOutcome> outcomes;
  for (const auto& one : known) outcomes.push_back(*one);
  return outcomes;
}

// What the copies say: nothing, but of receipts that change nothing.
CachedMarkStore::Known CachedMarkStore::look_up(std::span<const MarkRaise> raises, const Names& names) {
  Known known(raises.size());
  std::vector<std::size_t> places;
  Names asked;
  for (std::size_t i = 0; i < raises.size(); ++i) {
    if (!is_receipt(raises[i]) || names[i].empty()) continue;
    places.push_back(i);
    asked.push_back(names[i]);
  }
  if (asked.empty()) return known;
  const auto found = cache_.values(asked);
  for (std::size_t n = 0; n < places.size(); ++n) {
    const auto marks = found && (*found)[n] ? unpack(*(*found)[n]) : std::nullopt;
    const auto outcome = marks ? raised(*marks, raises[places[n]], 0) : MarkOutcome{};
    const bool hit = outcome.what == What::unchanged;
    if (hit) known[places[n]] = outcome;
    (hit ? hits_ : misses_).add();
  }
  return known;
}

void CachedMarkStore::copy(const Names& names, const std::vector<MarkOutcome>& outcomes) {
  std::vector<NamedValue> values;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool member = outcomes[i].what == What::raised || outcomes[i].what == What::unchanged;
    if (member && !names[i].empty()) values.push_back({names[i], pack(outcomes[i].now)});
  }
  if (!values.empty()) (void)cache_.put_values(values, kExpiry);
}

}  // namespace parley::backend
