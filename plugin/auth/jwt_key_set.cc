#include "plugin/auth/jwt_key_set.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/file.h"
#include "plugin/auth/strict_json.h"

namespace parley::plugin {
namespace {

using nlohmann::json;

Result<std::string> string_member(const json& key, const char* name) {
  auto it = key.find(name);
  if (it == key.end()) return fail(Errc::invalid_argument, std::string("it has no \"") + name + "\"");
  if (!it->is_string()) {
    return fail(Errc::invalid_argument, std::string("its \"") + name + "\" is no string");
  }
  return it->get<std::string>();
}

Result<std::string> bytes_member(const json& key, const char* name) {
  Result<std::string> text = string_member(key, name);
  if (!text) return text;
  auto bytes = base64url_decode(*text);
  if (!bytes) return fail(Errc::invalid_argument, std::string("its \"") + name + "\" is not base64url");
  return std::move(*bytes);
}

// RFC 7517 §4.2, §4.3.
Result<bool> checks_signatures(const json& key) {
  if (!key.is_object()) return fail(Errc::invalid_argument, "it is no object");
  if (key.contains("use")) {
    Result<std::string> use = string_member(key, "use");
    if (!use) return std::unexpected(use.error());
    if (*use == "enc") return false;
    if (*use != "sig") return fail(Errc::invalid_argument, "its \"use\" is neither \"sig\" nor \"enc\"");
  }
  auto operations = key.find("key_ops");
  if (operations == key.end()) return true;
  if (!operations->is_array()) return fail(Errc::invalid_argument, "its \"key_ops\" is no array");
  return std::ranges::any_of(*operations, [](const json& name) { return name == "verify"; });
}

// `first` and `second` are the two members a key is made of.
template <class Make>
Result<JwtKey> make_of_two(const json& key, const char* first, const char* second, Make make) {
  Result<std::string> a = bytes_member(key, first);
  if (!a) return std::unexpected(a.error());
  Result<std::string> b = bytes_member(key, second);
  if (!b) return std::unexpected(b.error());
  return make(*a, *b);
}

Result<JwtKey> parse_ec(const json& key, std::string kid) {
  Result<std::string> curve = string_member(key, "crv");
  if (!curve) return std::unexpected(curve.error());
  if (*curve != "P-256") return fail(Errc::invalid_argument, "its \"crv\" is not \"P-256\"");
  return make_of_two(key, "x", "y",
                     [&](const auto& x, const auto& y) { return JwtKey::from_p256(x, y, std::move(kid)); });
}

Result<JwtKey> parse_oct(const json& key, std::string kid) {
  Result<std::string> secret = bytes_member(key, "k");
  if (!secret) return std::unexpected(secret.error());
  return JwtKey::from_secret(std::move(*secret), std::move(kid));
}

Result<JwtKey> parse_key(const json& key) {
  Result<std::string> kid = key.contains("kid") ? string_member(key, "kid") : std::string();
  Result<std::string> type = string_member(key, "kty");
  Result<std::string> algorithm = string_member(key, "alg");
  for (const auto* member : {&kid, &type, &algorithm}) {
    if (!*member) return std::unexpected(member->error());
  }
  auto wanted = parse_jwt_algorithm(*algorithm);
  if (!wanted) return fail(Errc::invalid_argument, "its \"alg\" is not HS256, RS256 or ES256");
  if (*type == "oct" && *wanted == JwtAlgorithm::hs256) return parse_oct(key, std::move(*kid));
  if (*type == "EC" && *wanted == JwtAlgorithm::es256) return parse_ec(key, std::move(*kid));
  if (*type == "RSA" && *wanted == JwtAlgorithm::rs256) {
    return make_of_two(key, "n", "e",
                       [&](const auto& n, const auto& e) { return JwtKey::from_rsa(n, e, std::move(*kid)); });
  }
  return fail(Errc::invalid_argument, "its \"kty\" does not go with its \"alg\"");
}

std::string name_of(const json& key, std::size_t place) {
  auto kid = key.is_object() ? key.find("kid") : key.end();
  std::string name = "key " + std::to_string(place + 1);
  if (key.is_object() && kid != key.end() && kid->is_string()) {
    name += " (kid \"" + kid->get<std::string>().substr(0, 128) + "\")";
  }
  return name;
}

Result<> judge_addition(const JwtKeySet& keys, const JwtKey& added) {
  auto same_kid = [&](const JwtKey& key) { return !key.kid().empty() && key.kid() == added.kid(); };
  auto same_algorithm = [&](const JwtKey& key) { return key.algorithm() == added.algorithm(); };
  if (std::ranges::any_of(keys, same_kid)) return fail(Errc::invalid_argument, "another key has this kid");
  if (std::ranges::count_if(keys, same_algorithm) >= static_cast<std::ptrdiff_t>(kJwtKeysTriedMax)) {
    return fail(Errc::invalid_argument, "it is one more than the 16 that are taken of one algorithm");
  }
  return {};
}

Error at(const json& key, std::size_t place, const Error& error) {
  return {error.code, name_of(key, place) + " can't be used: " + error.message};
}

Error in_file(const std::filesystem::path& path, const Error& error) {
  return {error.code, path.string() + ": " + error.message};
}

}  // namespace

Result<JwtKeySet> parse_jwks(std::string_view text) {
  auto set = parse_strict_object(text);
  if (!set) return fail(Errc::invalid_argument, "it is no JSON object without repeated members");
  auto members = set->find("keys");
  if (members == set->end() || !members->is_array()) {
    return fail(Errc::invalid_argument, "it has no array \"keys\" (RFC 7517 §5)");
  }
  if (members->size() > kJwksKeysMax) return fail(Errc::invalid_argument, "it has more than 64 keys");
  JwtKeySet keys;
  for (std::size_t i = 0; i < members->size(); ++i) {
    const json& member = (*members)[i];
    Result<bool> ours = checks_signatures(member);
    if (!ours) return std::unexpected(at(member, i, ours.error()));
    if (!*ours) continue;
    Result<JwtKey> key = parse_key(member);
    if (!key) return std::unexpected(at(member, i, key.error()));
    Result<> fits = judge_addition(keys, *key);
    if (!fits) return std::unexpected(at(member, i, fits.error()));
    keys.push_back(std::move(*key));
  }
  if (keys.empty()) return fail(Errc::invalid_argument, "it has no key for checking signatures");
  return keys;
}

Result<JwtKeySet> load_jwks_file(const std::filesystem::path& path) {
  Result<std::string> text = read_file(path, kJwtKeyFileMax);
  if (!text) return std::unexpected(text.error());
  Result<JwtKeySet> keys = parse_jwks(*text);
  if (!keys) return std::unexpected(in_file(path, keys.error()));
  bool secret =
      std::ranges::any_of(*keys, [](const JwtKey& key) { return key.algorithm() == JwtAlgorithm::hs256; });
  if (secret) {
    Result<std::string> permitted = read_secret_file(path);
    if (!permitted) return std::unexpected(permitted.error());
  }
  return keys;
}

Result<JwtKeySet> load_jwt_key_file(const std::filesystem::path& path, JwtAlgorithm algorithm) {
  bool secret = algorithm == JwtAlgorithm::hs256;
  Result<std::string> text = secret ? read_secret_file(path) : read_file(path, kJwtKeyFileMax);
  if (!text) return std::unexpected(text.error());
  Result<JwtKey> key = secret ? JwtKey::from_secret(std::move(*text)) : JwtKey::from_pem(algorithm, *text);
  if (!key) return std::unexpected(in_file(path, key.error()));
  JwtKeySet keys;
  keys.push_back(std::move(*key));
  return keys;
}

}  // namespace parley::plugin
