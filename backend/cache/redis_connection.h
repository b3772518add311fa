#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend/cache/cache_url.h"
#include "base/result.h"

namespace parley::backend {

// What Redis answered (RESP 2).
struct RedisReply {
  enum class Type { text, integer, list, nothing, error };
  Type type = Type::nothing;
  std::string text;  // also of an error
  std::int64_t integer = 0;
  std::vector<RedisReply> list;
  // An error's first word, such as WRONGTYPE: the rest may repeat what was sent.
  std::string error_word() const { return text.substr(0, text.find(' ')); }
};

using RedisCommand = std::vector<std::string>;

struct RedisTimes {
  std::chrono::milliseconds connect{100};
  std::chrono::milliseconds command{
      100};  // from sending to the last reply; a reader that trickles adds one more
};

struct RedisTls {
  bool on = false;
  std::string ca_file;  // "" for the system's
};

// One connection to one Redis, over hiredis; not thread-safe. After an error of open() or run() it is good for
// nothing more. Names are looked up by the system's resolver, which keeps its own time: addresses don't wait.
// Errors: unavailable (refused, reset, no RESP, a reply above kReplyMax), timeout, invalid_argument (TLS
// without a hiredis that has it); without secrets in them.
class RedisConnection {
 public:
  static constexpr std::size_t kReplyMax = 16 * 1024 * 1024;  // bytes of the replies to one run()
  static bool has_tls();

  static Result<std::unique_ptr<RedisConnection>> open(const RedisAddress& address, const RedisTimes& times,
                                                       const RedisTls& tls);
  ~RedisConnection();

  // Sends them all at once, and gives a reply to each, errors of Redis among them.
  Result<std::vector<RedisReply>> run(const std::vector<RedisCommand>& commands);

 private:
  struct Impl;
  explicit RedisConnection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::backend
