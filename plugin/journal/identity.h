#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"

namespace parley::plugin {

// Who a journal is, and how it was left. One small file, replaced whole.
struct Identity {
  std::string id;  // what the store knows the journal by; changes when they no longer continue each other
  std::string lineage;  // marks the files that belong together; changes when the journal begins anew
  bool open_for_messages = false;
  bool running = false;  // a process has it open, or died with it
  bool lossy = false;  // that process let the kernel choose when to write: a power cut may have taken the end
  std::string boot_id;  // of the machine then; "" unknown
  std::string place;    // of the folder then (disk.h, place_of); "" unknown
  bool operator==(const Identity&) const = default;
};

inline constexpr std::size_t kJournalIdChars = 16;

// A journal that never was: both ids random, nothing else set.
Identity new_identity();

// May records that were accepted be missing, because the machine stopped before they were on disk?
bool may_have_lost_end(const Identity& left, const std::string& boot_id_now);

// Is the folder another one than it was, so that it may lack what was written to the original since?
bool may_be_old_copy(const Identity& left, const std::string& place_now);

// not_found: no such file. corrupt: it is not what write_identity wrote.
Result<Identity> read_identity(const std::filesystem::path& dir);
// Durable and atomic.
Result<> write_identity(const std::filesystem::path& dir, const Identity& identity);

}  // namespace parley::plugin
