#pragma once
#include <cstddef>
#include <memory>
#include <string_view>

struct ssl_st;
struct ssl_ctx_st;

namespace parley::bench {

// The client's side of TLS over a non-blocking socket that it does not own: a full handshake each time, and nothing is verified, for the
// broker is ours. Not thread-safe.
class TlsStream {
 public:
  enum class Step { done, want_read, want_write, failed };

  explicit TlsStream(int socket);
  ~TlsStream();

  Step handshake();
  // `done`: `count` bytes, 0 when the other side has ended. One call gives one record at most: read until it wants more.
  Step read(char* buffer, std::size_t size, std::size_t& count);
  Step write(std::string_view bytes, std::size_t& count);

 private:
  Step step(int rc) const;

  struct Freed {
    void operator()(ssl_st* ssl) const;
  };
  std::unique_ptr<ssl_st, Freed> ssl_;
};

}  // namespace parley::bench
