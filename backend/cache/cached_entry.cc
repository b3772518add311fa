#include "backend/cache/cached_entry.h"

#include "base/crc32c.h"

namespace parley::backend {
namespace {

constexpr std::size_t kSeq = 8, kSum = 4;

void append_number(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

std::uint64_t read_number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (auto i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::uint32_t sum(std::uint64_t room_id, std::uint64_t seq, std::string_view envelope) {
  std::string head;
  append_number(head, room_id, 8);
  append_number(head, seq, 8);
  return crc32c(std::as_bytes(std::span(envelope)), crc32c(std::as_bytes(std::span(head))));
}

}  // namespace

std::string pack_entry(std::uint64_t room_id, std::uint64_t seq, std::string_view envelope) {
  std::string out;
  out.reserve(kSeq + kSum + envelope.size());
  append_number(out, seq, kSeq);
  append_number(out, sum(room_id, seq, envelope), kSum);
  return out.append(envelope);
}

std::optional<CachedEntry> read_entry(std::uint64_t room_id, std::string_view packed) {
  if (packed.size() < kSeq + kSum) return std::nullopt;
  const CachedEntry entry{.seq = read_number(packed.substr(0, kSeq)), .envelope = packed.substr(kSeq + kSum)};
  if (read_number(packed.substr(kSeq, kSum)) != sum(room_id, entry.seq, entry.envelope)) return std::nullopt;
  return entry;
}

}  // namespace parley::backend
