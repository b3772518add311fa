#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "base/result.h"
#include "tools/parley-bench/mqtt_packet.h"
#include "tools/parley-bench/run.h"
#include "wire/directory_change.h"

namespace parley::bench {

struct PreparedData {
  std::size_t users = 1;
  std::size_t rooms = 0;
  std::size_t members = 0;          // memberships, spread evenly; at most users × rooms
  std::uint64_t journal_bytes = 0;  // of records, one room after the other; needs a room
};

// Writes a plugin's data folder by the plugin's own code, as if a backend had sent the Directory and users had sent the
// messages: millions in seconds. The login of one of the users. Blocks on the disk.
Result<Login> prepare_data(Run& run, const std::filesystem::path& plugin_data, const PreparedData& wanted);

// Changes that make users, rooms and memberships, part by part, for `take`.
using TakeChanges = std::function<Result<>(std::span<const wire::DirectoryChange>)>;
Result<> make_directory(const PreparedData& wanted, const TakeChanges& take);
// The i-th membership: who is in which room.
struct Membership {
  std::size_t user, room;
};
Membership membership(const PreparedData& wanted, std::size_t i);
std::uint64_t room_id(std::size_t room);

}  // namespace parley::bench
