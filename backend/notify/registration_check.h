#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace parley::backend {

// What a registration keeps of an address and its keys: as given, but for what may be written in several ways.
struct CheckedAddress {
  std::string address;
  std::string keys = "{}";  // a JSON object
};

// Does the provider take registrations: fcm, apns, webpush, email?
bool takes_registrations(std::string_view provider);

// Can these be somebody's address with the provider, and its keys (an object; {} for none)? Only by their form: whether anybody is there,
// the provider says. Pure. invalid_argument: a sentence for who gave it, without address and values of keys.
//
//   fcm      the app's token: 1…2048 printable ASCII characters, no blanks. No keys.
//   apns     the device token: 64…200 hexadecimal digits, an even number; kept in small letters. Keys {"sandbox":bool}?
//   webpush  the endpoint: an https URL (RFC 3986) of at most 2048 bytes with a host, without user and fragment; the keys as
//            PushSubscription.toJSON() has them: {"p256dh","auth"}, base64url of 65 bytes (0x04 first) and of 16.
//   email    an addr-spec (RFC 5322) of at most 254 bytes: a dot-atom of at most 64, and a host name, kept in small letters. No keys.
Result<CheckedAddress> check_address(std::string_view provider, const std::string& address,
                                     const nlohmann::json& keys);

}  // namespace parley::backend
