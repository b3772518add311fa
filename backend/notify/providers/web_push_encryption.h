#pragma once
#include <string>
#include <string_view>

#include "backend/notify/providers/private_key.h"
#include "base/result.h"

namespace parley::backend {

// What a browser gave with its endpoint (PushSubscription.getKey), as bytes.
struct WebPushKeys {
  std::string p256dh;  // its public point, 65 bytes
  std::string auth;    // 16 bytes
};
// From the registration's JSON {"p256dh","auth"}, both base64url with or without padding. invalid_argument: they are not such keys.
Result<WebPushKeys> parse_web_push_keys(const std::string& keys);

// The body of a push message (RFC 8291: aes128gcm of RFC 8188 in one record) that only the browser can read. A new key and salt each time.
// invalid_argument: p256dh is no point of the curve.
Result<std::string> encrypt_web_push(std::string_view text, const WebPushKeys& to);
// The same with a key and a salt (16 bytes) that were chosen: as those of the RFC's example.
Result<std::string> encrypt_web_push_with(std::string_view text, const WebPushKeys& to,
                                          const PrivateKey& sender, std::string_view salt);

// A push service takes bodies up to 4,096 bytes (RFC 8030 §7.2): what is left of that for the text.
inline constexpr std::size_t kWebPushTextMax = 4'096 - 86 - 1 - 16;

}  // namespace parley::backend
