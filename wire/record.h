#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

// One entry of the journal, which is also one entry of a feed batch: a batch is a run of the journal's own bytes, checksums included.
//
// Layout, little-endian, each record padded with zeros to a multiple of 8 bytes:
//   u32 length   of the body, without padding; 0 ends a segment's used part
//   u32 crc      CRC-32C of length's 4 bytes and the body
//   body:
//     u64 room_id   the room's number in the Directory (a name can be used again, a number can't)
//     u64 seq
//     i64 at_ms
//     u8[16] id     ULID
//     u8[16] ref    hash of the ref (ref_hash), zeros when none
//     u8 flags      1 imported (not delivered live), 2 by the backend (append)
//     u8 room_len, u8 from_len, u8 type_len, u8 ref_len, u8[3] zero
//     room, from, type, ref (text), envelope (to the end of the body)
namespace parley::wire {

using RefHash = std::array<unsigned char, 16>;
inline constexpr RefHash kNoRef{};

enum RecordFlags : std::uint8_t { kRecordImported = 1, kRecordAppended = 2 };

// Views into the bytes it was read from.
struct Record {
  std::uint64_t room_id = 0;
  std::uint64_t seq = 0;
  std::int64_t at_ms = 0;
  Ulid id{};
  RefHash ref_hash{};
  std::uint8_t flags = 0;
  std::string_view room, from, type, ref, envelope;
};

inline constexpr std::size_t kRecordHeader = 8;

// Whole size in the journal, header and padding included.
std::size_t record_size(const Record& r);
// Writes exactly record_size(r) bytes at `out`. Each text but the envelope has at most 255 bytes, the whole at most kRecordMax.
// The 4 length bytes are written last, so a torn write leaves a record that does not check.
void write_record(const Record& r, char* out);
// Reads the record at the front of `bytes`; `size` is set to its whole size. not_found: length is 0 or `bytes` ends here (a clean end);
// corrupt: length or lengths inside don't fit, or the checksum differs.
Result<Record> read_record(std::string_view bytes, std::size_t& size);

// 128 bits of BLAKE2/SHA-256 over (kind, room_id, user folded, ref): the same for the same ref of the same user in the same room, apart for the
// backend's own refs (by_backend) so that no user can take one beforehand.
RefHash ref_hash(std::uint64_t room_id, std::string_view user, std::string_view ref, bool by_backend);

}  // namespace parley::wire
