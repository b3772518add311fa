#include "plugin/directory/name_blocks.h"

#include <algorithm>

#include "wire/erasure.h"

namespace parley::plugin {
namespace {

constexpr std::size_t kBytesEach = 150;

}  // namespace

bool NameBlocks::contains(std::string_view name) const {
  return std::ranges::any_of(by_salt_, [name](const auto& blocks) {
    return blocks.second.contains(wire::name_digest(blocks.first, name));
  });
}

void NameBlocks::for_each(
    const std::function<void(const std::string& salt, const std::string& digest)>& visit) const {
  for (const auto& [salt, digests] : by_salt_)
    for (const auto& digest : digests) visit(salt, digest);
}

std::size_t NameBlocks::memory_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [salt, digests] : by_salt_) bytes += digests.size() * kBytesEach;
  return bytes;
}

}  // namespace parley::plugin
