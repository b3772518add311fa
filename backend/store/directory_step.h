#pragma once
#include <cstdint>
#include <vector>

#include "backend/store/directory_change.h"
#include "wire/control.h"

namespace parley::backend {

// What one change puts into the Directory log.
struct StepDraft {
  std::vector<wire::DirectoryChange> changes{};
  std::uint64_t room_id = 0;  // the room of `entries`
  std::vector<RoomEntry> entries{};
};

// The draft's entries as they are sent to the broker, each with a ref of its own. The refs are random beside
// the version: in a database put back from a copy versions come again, and must not be taken by the broker for
// the changes it has seen under them.
std::vector<wire::AppendEntry> number_entries(const StepDraft& draft, std::uint64_t version);

}  // namespace parley::backend
