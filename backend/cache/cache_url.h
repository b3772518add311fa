#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace parley::backend {

struct RedisAddress {
  std::string host;
  std::uint16_t port = 6379;
};

// Where a Redis is, and as whom to use it.
struct RedisTarget {
  std::vector<RedisAddress>
      addresses;       // the server; or, when `master` is given, sentinels that know where it is
  std::string master;  // its name there
  bool tls = false;
  std::string user;      // "" for the default user
  std::string password;  // "" for none
  std::uint32_t database = 0;
};

struct CacheUrl {
  enum class Kind { memory, none, redis };
  Kind kind = Kind::memory;
  RedisTarget redis;  // of kind redis
};

// Reads
//   memory://   none://
//   redis://[[user]:password@]host[:port][/database]       rediss:// the same, over TLS
//   redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/master[/database]
// with %XX in user and password where they have other than plain characters, and [::1] for IPv6. Ports left
// out are 6379, those of sentinels 26379. invalid_argument says what is wrong and never repeats the URL, which
// may hold a password.
Result<CacheUrl> parse_cache_url(std::string_view url);

}  // namespace parley::backend
