#include "tools/parley-bench/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace parley::bench {
namespace {

// One for all connections; lives as long as the program.
ssl_ctx_st* context() {
  static ssl_ctx_st* const made = [] {
    auto* fresh = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(fresh, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(fresh, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
    return fresh;
  }();
  return made;
}

}  // namespace

void TlsStream::Freed::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

TlsStream::TlsStream(int socket) : ssl_(SSL_new(context())) {
  SSL_set_fd(ssl_.get(), socket);
  SSL_set_connect_state(ssl_.get());
}

TlsStream::~TlsStream() = default;

TlsStream::Step TlsStream::step(int rc) const {
  switch (SSL_get_error(ssl_.get(), rc)) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_ZERO_RETURN:
      return Step::done;
    case SSL_ERROR_WANT_READ:
      return Step::want_read;
    case SSL_ERROR_WANT_WRITE:
      return Step::want_write;
    default:
      return Step::failed;
  }
}

TlsStream::Step TlsStream::handshake() {
  ERR_clear_error();
  return step(SSL_do_handshake(ssl_.get()));
}

TlsStream::Step TlsStream::read(char* buffer, std::size_t size, std::size_t& count) {
  count = 0;
  ERR_clear_error();
  return step(SSL_read_ex(ssl_.get(), buffer, size, &count));
}

TlsStream::Step TlsStream::write(std::string_view bytes, std::size_t& count) {
  count = 0;
  ERR_clear_error();
  return step(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count));
}

}  // namespace parley::bench
