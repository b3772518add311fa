#include "backend/store/directory_step.h"

#include <string>

#include "base/crypto.h"

namespace parley::backend {

std::vector<wire::AppendEntry> number_entries(const StepDraft& draft, std::uint64_t version) {
  std::vector<wire::AppendEntry> entries;
  auto first = random_u64() >> 16;
  for (const auto& entry : draft.entries) {
    auto ref = "d" + std::to_string(version) + "." + std::to_string(first + entries.size());
    entries.push_back({.room = entry.room_id != 0 ? entry.room_id : draft.room_id,
                       .from = entry.from,
                       .role = entry.role,
                       .type = entry.type,
                       .ref = std::move(ref),
                       .content = entry.content});
  }
  return entries;
}

}  // namespace parley::backend
