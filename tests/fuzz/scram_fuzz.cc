#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "plugin/auth/bearer.h"
#include "plugin/auth/scram_exchange.h"

// Any bytes as the messages of a client that wants to log in: a first one and, after a newline, a last one. Nobody here knows the password, so
// nothing may be accepted; what is read must be what was written.
namespace {

using parley::plugin::ScramExchange;

void require(bool holds) {
  if (!holds) std::abort();
}

const parley::ScramVerifier& verifier() {
  static const parley::ScramVerifier made = parley::plugin::fake_scram_verifier("a secret", "alice");
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t split = text.find('\n');
  const std::string_view first_text = text.substr(0, split);
  const std::string_view final_text =
      split == std::string_view::npos ? std::string_view() : text.substr(split + 1);

  if (const auto bearer = parley::plugin::parse_bearer(text)) require(!bearer->token.empty());
  auto first = parley::plugin::parse_scram_first(first_text);
  if (!first) return 0;
  require(!first->user.empty() && first->gs2_header + first->bare == first_text);
  const std::string client_nonce = first->client_nonce, header = first->gs2_header;
  const ScramExchange exchange(std::move(*first), verifier(), "0123456789abcdefghijklmn");
  require(exchange.server_first().starts_with("r=" + client_nonce + "0123456789abcdefghijklmn,s="));
  require(!exchange.finish(final_text));
  // The same bytes behind what an honest client would have said before.
  require(!exchange.finish("c=" + parley::base64_encode(header) + ",r=" + client_nonce +
                           "0123456789abcdefghijklmn" + std::string(final_text)));
  return 0;
}
