#include "backend/notify/providers/unsubscribe_token.h"

#include "base/crypto.h"
#include "base/encoding.h"

namespace parley::backend {
namespace {
constexpr std::size_t kTokenMax = 512;  // bytes
}

std::string UnsubscribeToken::proof(std::string_view registration) const {
  return base64url_encode(as_view(hmac_sha256(key_, "parley-unsubscribe:" + std::string(registration))));
}

std::string UnsubscribeToken::make(std::string_view registration) const {
  return base64url_encode(registration) + "." + proof(registration);
}

std::optional<std::string> UnsubscribeToken::registration(std::string_view token) const {
  const auto dot = token.find('.');
  if (token.size() > kTokenMax || dot == std::string_view::npos) return std::nullopt;
  auto id = base64url_decode(token.substr(0, dot));
  if (!id || id->empty() || !equal_constant_time(token.substr(dot + 1), proof(*id))) return std::nullopt;
  return id;
}

}  // namespace parley::backend
