// Whatever somebody names as an address, a network or a ban, and whatever lies in the plugin's file of bans, is refused or understood; what is understood
// is written as it was read, and a network holds its own base.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "wire/ban.h"
#include "wire/network.h"

using namespace parley;
using namespace parley::wire;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void try_network(std::string_view bytes) {
  (void)parse_client_address(bytes);
  if (const auto address = parse_address(bytes)) require(parse_address(to_text(*address)) == address);
  const auto network = parse_network(bytes);
  if (!network) return;
  const auto text = to_text(*network);
  require(parse_network(text) == network);
  require(network->contains(network->base));
  require(network->bits <= 128 && text.size() <= kBanIdMax);
}

void try_target(std::string_view bytes) {
  for (const auto kind : {BanKind::user, BanKind::client, BanKind::network}) {
    const auto target = canonical_target(kind, bytes);
    if (!target) {
      require(!target.error().message.empty());
      continue;
    }
    require(canonical_target(kind, *target) == *target);
    require(ban_id(kind, *target).size() <= kBanIdMax);
    require(parse_ban_id(ban_id(kind, *target)) == std::pair(kind, *target));
  }
  if (const auto id = parse_ban_id(bytes)) require(parse_ban_id(ban_id(id->first, id->second)) == id);
}

void try_ban(std::string_view bytes) {
  const auto json = nlohmann::json::parse(bytes, nullptr, false);
  if (json.is_discarded()) return;
  const auto ban = ban_from_json(json);
  if (ban) require(ban_from_json(ban_to_json(*ban)) == ban);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try_network(bytes);
  try_target(bytes);
  try_ban(bytes);
  return 0;
}
