#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace parley::plugin {

// The files behind ClientIds. `client_ids.<generation>` in one folder, each:
//   8 bytes  "PLYCID1\n"
//   records, little-endian:
//     u32 length  of the body
//     u32 crc     CRC-32C of length's 4 bytes and the body
//     body: u8 kind (1 held, 2 dropped), then
//       held:    i64 since_ms (0: connected), u8 id_len, u8 user_len, id, user
//       dropped: u8 id_len, id
// A record puts or drops one id, whole, so reading one twice is the same as once; ids are compared without
// case.
//
// Reading goes through all generations in order. When one has grown too long the next is begun, and the owner
// writes its whole state there bit by bit, between its other records, instead of once and waiting. Old
// followed by new gives the newest state whatever moment a crash picks. The generation before the last
// complete one is deleted when another is begun, not sooner: its successor was never fsynced, and by then has
// long been on disk.
//
// Not thread-safe. Writes with write(2), without fsync; opening writes the compacted state with fsync.
class ClientIdLog {
 public:
  struct Held {
    std::string id, user;
    std::int64_t since_ms = 0;  // 0: connected
    bool operator==(const Held&) const = default;
  };
  struct Opened {
    std::unique_ptr<ClientIdLog> log;
    std::vector<Held> held;       // no id twice
    std::uint64_t cut_bytes = 0;  // behind the last good record of any file; 0: nothing was damaged
  };

  // `now`: ids connected at the end of the log are offline from here on.
  static Result<Opened> open(const std::filesystem::path& dir, WallTime now);

  Result<> put(const Held& held);
  Result<> drop(std::string_view id);

  // Begins the next generation: what follows goes there. On an error all is as before.
  Result<> begin_rotation();
  // Everything is in the newest generation.
  void end_rotation();
  bool rotating() const { return complete_ != newest_; }

  std::uint64_t size() const { return size_; }                 // bytes of the newest generation
  std::uint64_t compacted_size() const { return compacted_; }  // its bytes when it was complete

 private:
  ClientIdLog(std::filesystem::path dir, std::uint64_t generation);
  Result<> open_newest();
  Result<> append(std::string_view record);

  std::filesystem::path dir_;
  std::uint64_t oldest_, complete_,
      newest_;  // generations on disk; the last that holds everything; the one written
  Fd file_;
  std::uint64_t size_ = 0, compacted_ = 0;
};

}  // namespace parley::plugin
