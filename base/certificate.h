#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace parley {

// What an operator wants to know of an X.509 certificate (RFC 5280).
struct Certificate {
  std::string subject, issuer;     // "CN=chat.example.org"
  std::vector<std::string> names;  // DNS names and addresses it is for
  WallTime from{}, until{};
};

// The first certificate of a PEM file: the server's own; those of the authorities between follow it. not_found, permission_denied: the file;
// invalid_argument: no certificate in it. Nothing here ever asks for a passphrase. Thread-safe; reads files.
Result<Certificate> read_certificate(const std::filesystem::path& file);
// Is `key` (PEM, not encrypted) the certificate's private key? Errors as above.
Result<bool> key_belongs_to(const std::filesystem::path& certificate, const std::filesystem::path& key);
// Does the file's first certificate lead, by those behind it, to one of `authorities` (PEM)? At `now`. Why not, in OpenSSL's words; "" when it does.
Result<std::string> chain_fault(const std::filesystem::path& certificate,
                                const std::filesystem::path& authorities, WallTime now);

}  // namespace parley
