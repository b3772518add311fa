#pragma once
#include <openssl/ssl.h>

#include <memory>

#include "base/openssl_pointers.h"
#include "base/tls/endpoint.h"

namespace parley {

using SslContext = std::unique_ptr<SSL_CTX, openssl::Freed<SSL_CTX_free>>;

// With the endpoint's files in it. It does not end a handshake with a server it should not trust: SSL_get_verify_result tells. Errors as check().
Result<SslContext> client_context(const Endpoint& endpoint);

}  // namespace parley
