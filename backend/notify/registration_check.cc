#include "backend/notify/registration_check.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "backend/store/push_store.h"
#include "base/encoding.h"
#include "wire/json_members.h"

namespace parley::backend {
namespace {

using Checked = Result<CheckedAddress>;
using wire::JsonMembers;

constexpr std::size_t kApnsTokenMin = 64, kApnsTokenMax = 200;
constexpr std::size_t kEmailMax = 254, kLocalPartMax = 64;
constexpr std::size_t kHostMax = 253, kLabelMax = 63;
constexpr std::size_t kPointBytes = 65, kAuthBytes = 16;
constexpr std::string_view kHttps = "https://";

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_visible(char c) {
  return c > 0x20 && c < 0x7f;
}
// What a URL holds (RFC 3986): no quotes, brackets of other kinds, backslashes.
bool is_url_character(char c) {
  return is_letter_or_digit(c) || std::string_view("-._~:/?#[]@!$&'()*+,;=%").contains(c);
}
bool is_atom_character(char c) {
  return is_letter_or_digit(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c);
}

// Parts between dots, none of them empty.
template <class Check>
bool dotted(std::string_view text, Check check) {
  for (;;) {
    const auto dot = text.find('.');
    if (const auto part = text.substr(0, dot); part.empty() || !check(part)) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_host_name(std::string_view host) {
  return host.size() <= kHostMax && dotted(host, [](std::string_view label) {
           return label.size() <= kLabelMax && label.front() != '-' && label.back() != '-' &&
                  std::ranges::all_of(label, [](char c) { return is_letter_or_digit(c) || c == '-'; });
         });
}

// "[…]" as of IPv6.
bool is_bracketed_address(std::string_view host) {
  return host.size() > 2 && host.starts_with('[') && host.ends_with(']') &&
         std::ranges::all_of(host.substr(1, host.size() - 2),
                             [](char c) { return is_letter_or_digit(c) || c == ':' || c == '.'; });
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || !std::ranges::all_of(text, is_digit)) return false;
  const int port = std::stoi(std::string(text));
  return port >= 1 && port <= 65535;
}

// "host" or "host:port".
bool is_authority(std::string_view text) {
  const auto after_host = text.starts_with('[') ? text.find(']') : 0;
  if (after_host == std::string_view::npos) return false;
  const auto colon = text.find(':', after_host);
  const auto host = text.substr(0, colon);
  if (colon != std::string_view::npos && !is_port(text.substr(colon + 1))) return false;
  return is_host_name(host) || is_bracketed_address(host);
}

bool is_endpoint(std::string_view url) {
  if (url.size() > kPushAddressMax || !url.starts_with(kHttps)) return false;
  if (!std::ranges::all_of(url, is_url_character) || url.contains('#')) return false;
  const auto rest = url.substr(kHttps.size());
  return is_authority(rest.substr(0, rest.find_first_of("/?")));
}

Checked kept(JsonMembers members, std::string address, std::string keys = "{}") {
  if (auto done = members.finish(); !done) return std::unexpected(done.error());
  return CheckedAddress{std::move(address), std::move(keys)};
}

Checked check_fcm(const std::string& address, const nlohmann::json& keys) {
  if (address.empty() || address.size() > kPushAddressMax || !std::ranges::all_of(address, is_visible))
    return fail(Errc::invalid_argument,
                "`address` must be an FCM token: 1-2048 printable ASCII characters without blanks.");
  return kept(JsonMembers(keys, "keys"), address);
}

Checked check_apns(const std::string& address, const nlohmann::json& keys) {
  if (address.size() < kApnsTokenMin || address.size() > kApnsTokenMax || !hex_decode(fold_case(address)))
    return fail(Errc::invalid_argument,
                "`address` must be an APNs device token: 64-200 hexadecimal digits, an even number.");
  JsonMembers members(keys, "keys");
  const bool sandbox = members.flag("sandbox");
  return kept(std::move(members), fold_case(address), sandbox ? R"({"sandbox":true})" : "{}");
}

bool is_key(const std::string& text, std::size_t bytes, bool point) {
  const auto decoded = base64url_decode(text);
  return decoded && decoded->size() == bytes && (!point || decoded->front() == '\x04');
}

Checked check_webpush(const std::string& address, const nlohmann::json& keys) {
  if (!is_endpoint(address))
    return fail(Errc::invalid_argument,
                "`address` must be the subscription's endpoint: an https URL of at most 2048 bytes, without "
                "user and fragment.");
  JsonMembers members(keys, "keys");
  const auto p256dh = members.text("p256dh", kPushKeysMax), auth = members.text("auth", kPushKeysMax);
  if (!is_key(p256dh, kPointBytes, true))
    members.complain("p256dh", "must be base64url, without padding, of 65 bytes that begin with 4.");
  if (!is_key(auth, kAuthBytes, false))
    members.complain("auth", "must be base64url, without padding, of 16 bytes.");
  if (!members.ok()) return kept(std::move(members), "");
  return kept(std::move(members), address, nlohmann::json{{"auth", auth}, {"p256dh", p256dh}}.dump());
}

std::optional<std::string> email_of(const std::string& address) {
  const auto at = address.find('@');
  if (address.size() > kEmailMax || at == std::string::npos || at > kLocalPartMax) return std::nullopt;
  const auto local = address.substr(0, at), host = address.substr(at + 1);
  const auto atom = [](std::string_view part) { return std::ranges::all_of(part, is_atom_character); };
  if (!dotted(local, atom) || !is_host_name(host)) return std::nullopt;
  return local + "@" + fold_case(host);
}

Checked check_email(const std::string& address, const nlohmann::json& keys) {
  const auto email = email_of(address);
  if (!email)
    return fail(Errc::invalid_argument,
                "`address` must be a plain e-mail address: name@host, at most 254 bytes.");
  return kept(JsonMembers(keys, "keys"), *email);
}

using Check = Checked (*)(const std::string&, const nlohmann::json&);

Check check_of(std::string_view provider) {
  if (provider == "fcm") return check_fcm;
  if (provider == "apns") return check_apns;
  if (provider == "webpush") return check_webpush;
  return provider == "email" ? check_email : nullptr;
}

}  // namespace

bool takes_registrations(std::string_view provider) {
  return check_of(provider) != nullptr;
}

Result<CheckedAddress> check_address(std::string_view provider, const std::string& address,
                                     const nlohmann::json& keys) {
  const auto check = check_of(provider);
  if (!check) return fail(Errc::invalid_argument, "This provider takes no registrations.");
  return check(address, keys);
}

}  // namespace parley::backend
