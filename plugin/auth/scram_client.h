#pragma once
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/encoding.h"

namespace parley::plugin {

// The client's side of SCRAM-SHA-256, for tests.
struct ScramClient {
  std::string user, password, header = "n,,", nonce = "fyko+d2lbbFgONRv9qkxdawL";

  std::string bare() const { return "n=" + user + ",r=" + nonce; }
  std::string first() const { return header + bare(); }
  std::string final(std::string_view server_first, std::string_view extensions = {}) const {
    const auto field = [&](std::string_view name) {
      const auto at = server_first.find(name) + name.size();
      return server_first.substr(at, server_first.find(',', at) - at);
    };
    const std::string salt = *base64_decode(field(",s="));
    const auto iterations = static_cast<std::uint32_t>(std::stoul(std::string(field(",i="))));
    const std::string without_proof =
        "c=" + base64_encode(header) +
        ",r=" + std::string(server_first.substr(2, server_first.find(',') - 2)) + std::string(extensions);
    std::string key = mac(as_view(pbkdf2_sha256(password, salt, iterations)), "Client Key");
    const std::string signature =
        mac(as_view(sha256(key)), bare() + "," + std::string(server_first) + "," + without_proof);
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<char>(key[i] ^ signature[i]);
    return without_proof + ",p=" + base64_encode(key);
  }

 private:
  static std::string mac(std::string_view key, std::string_view text) {
    return std::string(as_view(hmac_sha256(key, text)));
  }
};

}  // namespace parley::plugin
