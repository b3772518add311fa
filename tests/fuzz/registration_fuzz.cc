// A provider's name, an address and keys, a line each, as a stranger may register them: what is taken has the form that the providers' adapters
// rely on, and is taken again as it is kept.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "backend/notify/registration_check.h"
#include "backend/store/push_store.h"

namespace {

using nlohmann::json;
using parley::backend::check_address;

void require(bool holds) {
  if (!holds) std::abort();
}

// Whatever is put into a header, a URL or a mail's envelope: no line of its own can be begun with it.
void check_form(std::string_view provider, const std::string& address) {
  require(!address.empty() && address.size() <= parley::backend::kPushAddressMax);
  for (const char c : address) require(c > 0x20 && c < 0x7f);
  if (provider == "apns") require(address.find_first_not_of("0123456789abcdef") == std::string::npos);
  if (provider == "webpush") {
    require(address.starts_with("https://") && !address.contains('#'));
    const auto host = address.substr(8, address.find_first_of("/?", 8) - 8);
    require(!host.empty() && !host.contains('@') && !host.contains('\\') && !host.contains('%'));
  }
  if (provider == "email") {
    require(address.size() <= 254 && address.find('@') == address.rfind('@'));
    require(address.find_first_of("<>()[],;:\\\"") == std::string::npos);
  }
}

void check(std::string_view provider, const std::string& address, const json& keys) {
  const auto checked = check_address(provider, address, keys);
  if (!checked) return require(checked.error().code == parley::Errc::invalid_argument);
  check_form(provider, checked->address);
  const auto kept = json::parse(checked->keys);
  require(kept.is_object() && checked->keys.size() <= parley::backend::kPushKeysMax);
  const auto again = check_address(provider, checked->address, kept);
  require(again && again->address == checked->address && again->keys == checked->keys);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto first = text.find('\n'), last = text.rfind('\n');
  if (first == last) return 0;
  const std::string address(text.substr(first + 1, last - first - 1));
  auto keys = json::parse(text.substr(last + 1), nullptr, /*allow_exceptions=*/false);
  if (keys.is_discarded()) keys = json::object();
  for (const auto* provider : {"fcm", "apns", "webpush", "email"}) check(provider, address, keys);
  check(text.substr(0, first), address, keys);
  return 0;
}
