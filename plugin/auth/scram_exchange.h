#pragma once
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "base/crypto.h"

// The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677): the words of one exchange, read and written. Pure.
//
// No channel binding: Mosquitto gives a plugin nothing of TLS to bind to, so SCRAM-SHA-256-PLUS is not offered. `n,,` and `y,,` are taken ("y" says:
// I could have, and you don't offer it, which is so), `p=…` is refused. No SASLprep: passwords are the bytes they are, as in every other way to log
// in; user names are ASCII by our own rule, so nothing in them could change.
namespace parley::plugin {

enum class ScramFailure {
  malformed,        // not RFC 5802's grammar, or beyond the limits below
  channel_binding,  // the client insists on it
  other_identity,   // it wants to act for somebody else (authzid)
  extension,        // a mandatory one (`m=`), and none is understood
  other_exchange,  // the last message is not about this exchange: its nonce, or its repeated header, is another's
  wrong_proof,
};
std::string_view scram_failure_text(ScramFailure failure);

inline constexpr std::size_t kScramMessageMax = 1024;  // bytes of a message of the client's
inline constexpr std::size_t kScramNonceMax = 256;     // bytes of the client's nonce

// client-first-message, read. Unknown optional extensions are passed over, as §5.1 wants.
struct ScramClientFirst {
  std::string user;  // `=2C` and `=3D` undone; not looked at further
  std::string client_nonce;
  std::string gs2_header;  // as it came: "n,,"
  std::string bare;        // the rest, as it came
};
std::expected<ScramClientFirst, ScramFailure> parse_scram_first(std::string_view message);

// One exchange, from the client's first message on. Holds the verifier, no password. finish() costs two HMACs and a hash (2 µs; a slow check of a password: 1 ms), whether the user
// exists or not.
class ScramExchange {
 public:
  // `server_nonce`: fresh for each exchange, printable without comma (make_scram_nonce()).
  ScramExchange(ScramClientFirst first, ScramVerifier verifier, std::string_view server_nonce);

  const std::string& user() const { return user_; }
  const std::string& server_first() const { return server_first_; }

  // Judges client-final-message; gives server-final-message, which proves to the client that the server knows the verifier. Once only: a second
  // call would give a second guess at the same nonce; the owner drops the exchange whatever comes out.
  std::expected<std::string, ScramFailure> finish(std::string_view client_final) const;

 private:
  std::string user_, gs2_header_, nonce_, first_bare_, server_first_;
  ScramVerifier verifier_;
};

std::string make_scram_nonce();  // 24 characters, 144 bits of chance

// What is shown for users who do not exist or have no password: a salt that is theirs for as long as `secret` stays, and the default iterations,
// so that an exchange about them looks and costs like any other until its end. Its proof can't be made: the keys are in nobody's hands, and the
// caller refuses whoever has no account all the same.
ScramVerifier fake_scram_verifier(std::string_view secret, std::string_view user);

}  // namespace parley::plugin
