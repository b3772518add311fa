#include "plugin/journal/scan.h"

#include <cstdint>

#include "wire/bytes.h"
#include "wire/limits.h"

namespace parley::plugin {
namespace {

constexpr std::size_t kFlagsAt = wire::kRecordHeader + 56;  // then four lengths, then three zero bytes
constexpr std::size_t kFixedEnd = kFlagsAt + 8;
constexpr std::uint64_t kChecksumBudget = 1ull << 30;

// Cheap tests that nearly all positions inside a record fail.
bool looks_like_record(std::string_view bytes) {
  if (bytes.size() < kFixedEnd) return false;
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  return p[kFlagsAt] <= (wire::kRecordImported | wire::kRecordAppended) && p[kFlagsAt + 5] == 0 &&
         p[kFlagsAt + 6] == 0 && p[kFlagsAt + 7] == 0;
}

}  // namespace

std::size_t record_extent(std::string_view bytes) {
  if (bytes.size() < wire::kRecordHeader) return 0;
  const std::size_t length = wire::get_le<std::uint32_t>(bytes.data());
  const std::size_t whole = (wire::kRecordHeader + length + 7) / 8 * 8;
  return length == 0 || whole > bytes.size() ? 0 : whole;
}

bool record_follows(std::string_view area, std::size_t from) {
  std::uint64_t checked = 0;
  for (std::size_t at = from + 8; at < area.size(); at += 8) {
    const std::string_view rest = area.substr(at);
    const std::size_t extent = record_extent(rest);
    if (extent == 0 || extent > wire::kRecordMax || !looks_like_record(rest)) continue;
    std::size_t size = 0;
    if (wire::read_record(rest, size)) return true;
    checked += extent;
    if (checked > kChecksumBudget) return true;
  }
  return false;
}

}  // namespace parley::plugin
