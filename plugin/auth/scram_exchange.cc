#include "plugin/auth/scram_exchange.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "plugin/auth/gs2_header.h"

namespace parley::plugin {
namespace {

using Unexpected = std::unexpected<ScramFailure>;

// `printable` of §7: no controls, no space, no comma.
bool is_nonce(std::string_view text) {
  return !text.empty() && text.size() <= kScramNonceMax &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != ','; });
}

// attr-val: a letter, "=", something.
bool is_extension(std::string_view part) {
  const bool letter =
      !part.empty() && ((part[0] >= 'a' && part[0] <= 'z') || (part[0] >= 'A' && part[0] <= 'Z'));
  return letter && part.size() > 2 && part[1] == '=';
}

// What may follow the known attributes: optional extensions, none of which we know.
bool only_extensions(std::string_view rest, bool more) {
  while (more) {
    more = rest.find(',') != std::string_view::npos;
    if (!is_extension(take_gs2_part(rest))) return false;
  }
  return true;
}

bool plain_text(std::string_view message) {
  return message.size() <= kScramMessageMax && valid_utf8(message);
}

std::string xor_of(std::string_view a, std::string_view b) {
  std::string out(a);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ b[i]);
  return out;
}

}  // namespace

std::string_view scram_failure_text(ScramFailure failure) {
  switch (failure) {
    case ScramFailure::malformed:
      return "the SCRAM message is malformed";
    case ScramFailure::channel_binding:
      return "the client insists on channel binding, which is not offered";
    case ScramFailure::other_identity:
      return "the client wants to act for another user (authzid)";
    case ScramFailure::extension:
      return "the client asks for a mandatory extension, and none is understood";
    case ScramFailure::other_exchange:
      return "the SCRAM message belongs to another exchange";
    case ScramFailure::wrong_proof:
      return "the password is wrong";
  }
  return "";
}

std::expected<ScramClientFirst, ScramFailure> parse_scram_first(std::string_view message) {
  if (!plain_text(message)) return Unexpected(ScramFailure::malformed);
  std::string_view rest = message;
  const auto header = take_gs2_header(rest);
  if (!header)
    return Unexpected(header.error() == Gs2Failure::channel_binding ? ScramFailure::channel_binding
                                                                    : ScramFailure::malformed);
  ScramClientFirst first;
  first.gs2_header = header->text;
  first.bare = rest;
  if (gs2_value(rest, 'm')) return Unexpected(ScramFailure::extension);
  const auto name = gs2_value(take_gs2_part(rest), 'n');
  const auto user = name ? unescape_saslname(*name) : std::nullopt;
  const bool more = rest.find(',') != std::string_view::npos;
  const auto nonce = gs2_value(take_gs2_part(rest), 'r');
  if (!user || user->empty() || !nonce || !is_nonce(*nonce) || !only_extensions(rest, more))
    return Unexpected(ScramFailure::malformed);
  if (header->authzid && *header->authzid != *user) return Unexpected(ScramFailure::other_identity);
  first.user = *user;
  first.client_nonce = *nonce;
  return first;
}

ScramExchange::ScramExchange(ScramClientFirst first, ScramVerifier verifier, std::string_view server_nonce)
    : user_(std::move(first.user)),
      gs2_header_(std::move(first.gs2_header)),
      nonce_(first.client_nonce + std::string(server_nonce)),
      first_bare_(std::move(first.bare)),
      server_first_("r=" + nonce_ + ",s=" + base64_encode(verifier.salt) +
                    ",i=" + std::to_string(verifier.iterations)),
      verifier_(std::move(verifier)) {}

std::expected<std::string, ScramFailure> ScramExchange::finish(std::string_view client_final) const {
  if (!plain_text(client_final)) return Unexpected(ScramFailure::malformed);
  const std::size_t at = client_final.rfind(",p=");
  if (at == std::string_view::npos) return Unexpected(ScramFailure::malformed);
  const std::string_view without_proof = client_final.substr(0, at);
  const auto proof = base64_decode(client_final.substr(at + 3));
  std::string_view rest = without_proof;
  const auto binding = gs2_value(take_gs2_part(rest), 'c');
  const bool more = rest.find(',') != std::string_view::npos;
  const auto nonce = gs2_value(take_gs2_part(rest), 'r');
  if (!proof || proof->size() != 32 || !binding || !nonce || !only_extensions(rest, more))
    return Unexpected(ScramFailure::malformed);
  if (*binding != base64_encode(gs2_header_) || *nonce != nonce_)
    return Unexpected(ScramFailure::other_exchange);

  const std::string auth_message = first_bare_ + "," + server_first_ + "," + std::string(without_proof);
  const Sha256 client_signature = hmac_sha256(verifier_.stored_key, auth_message);
  const std::string client_key = xor_of(*proof, as_view(client_signature));
  const Sha256 server_signature = hmac_sha256(verifier_.server_key, auth_message);
  if (!equal_constant_time(as_view(sha256(client_key)), verifier_.stored_key))
    return Unexpected(ScramFailure::wrong_proof);
  return "v=" + base64_encode(as_view(server_signature));
}

std::string make_scram_nonce() {
  return base64_encode(random_bytes(18));
}

ScramVerifier fake_scram_verifier(std::string_view secret, std::string_view user) {
  const auto derive = [&](std::string_view what) {
    return std::string(as_view(hmac_sha256(secret, std::string(what) + std::string(user))));
  };
  return {.salt = derive("salt ").substr(0, 16),
          .iterations = kScramIterationsDefault,
          .stored_key = derive("stored "),
          .server_key = derive("server ")};
}

}  // namespace parley::plugin
