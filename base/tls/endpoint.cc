#include "base/tls/endpoint.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/openssl_errors.h"
#include "base/tls/client_context.h"

namespace parley {
namespace {

Result<> readable(const char* key, const std::string& path) {
  if (::access(path.c_str(), R_OK) == 0) return {};
  return fail(Errc::invalid_argument, std::string(key) + ": " + errno_error("can't read", path).message);
}

Result<> kept_secret(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) == 0 && (file.st_mode & 0007) == 0) return {};
  return fail(Errc::invalid_argument, "key_file: others may read " + path + "; chmod 600 it");
}

}  // namespace

std::string Endpoint::url() const {
  const std::string at =
      (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
  if (websocket) return (tls ? "wss://" : "ws://") + at + "/mqtt";
  return (tls ? "ssl://" : "tcp://") + at;
}

Result<> check(const Endpoint& endpoint) {
  const auto& [host, port, tls, websocket, ca, cert, key] = endpoint;
  if (!tls) {
    for (const auto& [name, given] : {std::pair("ca_file", ca), {"cert_file", cert}, {"key_file", key}})
      if (!given.empty())
        return fail(Errc::invalid_argument, std::string(name) + " is of no use while tls is off");
    return {};
  }
  if (cert.empty() != key.empty())
    return fail(Errc::invalid_argument, cert.empty() ? "cert_file is missing: key_file is the key of one"
                                                     : "key_file is missing: cert_file needs its key");
  for (const auto& [name, given] : {std::pair("ca_file", ca), {"cert_file", cert}, {"key_file", key}})
    if (!given.empty())
      if (auto there = readable(name, given); !there) return there;
  if (!key.empty())
    if (auto secret = kept_secret(key); !secret) return secret;
  const OpensslErrorScope scope;
  if (auto context = client_context(endpoint); !context) return std::unexpected(context.error());
  return {};
}

}  // namespace parley
