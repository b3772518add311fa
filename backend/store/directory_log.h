#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "wire/control.h"

namespace parley::backend {

// One committed change of the Directory: moves it from version - 1 to version.
struct DirectoryStep {
  std::uint64_t version = 0;
  std::vector<wire::DirectoryChange> changes;
  std::vector<wire::AppendEntry> entries;  // joins, leaves, renames of rooms; empty once confirmed
};

// What the broker's plugin must be told of accounts, rooms and memberships: written by RoomStore and
// UserStore in the transaction of each change, read by the control link. Thread-safe; calls block on the
// database. Errors: unavailable (retry), internal.
class DirectoryLog {
 public:
  virtual ~DirectoryLog() = default;

  virtual Result<std::string> directory_id() = 0;
  virtual Result<std::uint64_t> version() = 0;
  // Steps after `version`, oldest first, at most `limit`. not_found: the log does not reach back so far; send
  // a snapshot.
  virtual Result<std::vector<DirectoryStep>> steps_after(std::uint64_t version, std::uint32_t limit) = 0;
  // The whole Directory as changes, consistent at the returned version, handed over in parts of at most
  // `part` changes: users, tokens, rooms (with their last stored seq), members. Stops when `sink` returns an
  // error.
  virtual Result<std::uint64_t> snapshot(
      std::uint32_t part, const std::function<Result<>(std::vector<wire::DirectoryChange>)>& sink) = 0;
  // Entries not yet confirmed by the broker, oldest first.
  virtual Result<std::vector<DirectoryStep>> unconfirmed_entries(std::uint32_t limit) = 0;
  // The broker has journaled all entries of this step.
  virtual Result<> entries_confirmed(std::uint64_t version) = 0;
  // Gives every room a new random epoch, and cuts its members' marks and its notify cursor to its last seq (jobs of notifications that
  // go beyond it are gone), in one transaction with a new version (announced by snapshot).
  // Returns how many rooms.
  virtual Result<std::uint64_t> renew_epochs() = 0;
};

}  // namespace parley::backend
