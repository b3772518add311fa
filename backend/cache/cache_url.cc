#include "backend/cache/cache_url.h"

#include <charconv>
#include <optional>

namespace parley::backend {
namespace {

constexpr std::uint16_t kRedisPort = 6379, kSentinelPort = 26379;
constexpr std::size_t kSentinelsMax = 16;

std::unexpected<Error> wrong(std::string what) {
  return fail(Errc::invalid_argument, std::move(what));
}

// What stands before `mark`, which is taken off `text` with it; all of `text` when there is no mark.
std::string_view until(std::string_view& text, char mark) {
  const auto at = text.find(mark);
  const auto before = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return before;
}

template <class Number>
std::optional<Number> number(std::string_view text, int base = 10) {
  Number value{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text[0] != '%') {
      out += text[0];
      text.remove_prefix(1);
      continue;
    }
    const auto byte = text.size() < 3 ? std::nullopt : number<std::uint8_t>(text.substr(1, 2), 16);
    if (!byte) return std::nullopt;
    out += static_cast<char>(*byte);
    text.remove_prefix(3);
  }
  return out;
}

Result<RedisAddress> parse_address(std::string_view text, std::uint16_t default_port) {
  RedisAddress address{.host = "", .port = default_port};
  const bool bracketed = text.starts_with('[');
  if (bracketed && text.find(']') == std::string_view::npos)
    return wrong("An IPv6 address has no closing ].");
  if (bracketed) text.remove_prefix(1);
  address.host = until(text, bracketed ? ']' : ':');
  if (bracketed && !text.empty() && !text.starts_with(':')) return wrong("After ] only a port may stand.");
  if (bracketed && !text.empty()) text.remove_prefix(1);
  if (address.host.empty()) return wrong("A host is missing.");
  if (address.host.find_first_of(",/?# ") != std::string::npos)
    return wrong("A host has a character that none has.");
  if (text.empty()) return address;
  const auto port = number<std::uint16_t>(text);
  if (!port || *port == 0) return wrong("A port must be a number from 1 to 65535.");
  address.port = *port;
  return address;
}

Result<> parse_login(std::string_view text, RedisTarget& target) {
  if (text.find(':') == std::string_view::npos) return wrong("Before @ stands user:password, or :password.");
  auto user = decode(until(text, ':')), password = decode(text);
  if (!user || !password) return wrong("In user or password a % is not followed by two hexadecimal digits.");
  if (!user->empty() && password->empty()) return wrong("A user needs a password.");
  target.user = *std::move(user);
  target.password = *std::move(password);
  return {};
}

Result<> parse_addresses(std::string_view text, bool sentinels, RedisTarget& target) {
  do {
    auto address = parse_address(sentinels ? until(text, ',') : std::exchange(text, {}),
                                 sentinels ? kSentinelPort : kRedisPort);
    if (!address) return std::unexpected(address.error());
    target.addresses.push_back(*std::move(address));
  } while (!text.empty());
  if (target.addresses.size() > kSentinelsMax) return wrong("At most 16 sentinels may be named.");
  return {};
}

Result<CacheUrl> parse_redis(std::string_view text, bool sentinels, bool tls) {
  CacheUrl url{.kind = CacheUrl::Kind::redis, .redis = {}};
  auto& target = url.redis;
  target.tls = tls;
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    if (auto ok = parse_login(text.substr(0, at), target); !ok) return std::unexpected(ok.error());
    text.remove_prefix(at + 1);
  }
  if (auto ok = parse_addresses(until(text, '/'), sentinels, target); !ok) return std::unexpected(ok.error());
  if (sentinels) target.master = until(text, '/');
  if (sentinels && target.master.empty())
    return wrong("After the sentinels comes the name of the master: redis+sentinel://host1,host2/name.");
  if (text.empty()) return url;
  const auto database = number<std::uint32_t>(text);
  if (!database || *database > 1'000'000) return wrong("After the last / stands the database's number.");
  target.database = *database;
  return url;
}

}  // namespace

Result<CacheUrl> parse_cache_url(std::string_view url) {
  const auto mark = url.find("://");
  const auto scheme = url.substr(0, mark);
  const auto rest = mark == std::string_view::npos ? std::string_view() : url.substr(mark + 3);
  if (mark != std::string_view::npos) {
    if (scheme == "redis" || scheme == "rediss") return parse_redis(rest, false, scheme == "rediss");
    if (scheme == "redis+sentinel") return parse_redis(rest, true, false);
    if ((scheme == "memory" || scheme == "none") && !rest.empty())
      return wrong("Nothing stands after memory:// or none://.");
    if (scheme == "memory") return CacheUrl{};
    if (scheme == "none") return CacheUrl{.kind = CacheUrl::Kind::none, .redis = {}};
  }
  return wrong(
      "Caches are memory://, none://, redis://host:port/0, rediss://… and "
      "redis+sentinel://host1:port,host2:port/master.");
}

}  // namespace parley::backend
