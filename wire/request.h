#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/error_codes.h"

// Requests and replies of topics.md §4, whatever carries them.
namespace parley::wire {

using Json = nlohmann::json;

struct Request {
  std::string id;      // "" when the client gave none; else 1…kRequestIdMax bytes
  std::string method;  // from the topic
  std::string user;    // from the topic: the broker checked that it is the sender
  Json params;         // an object; `id` and `$from` taken out
  std::string device, address;  // the sender's, as the broker's plugin says in `$from`; "" when it does not
};

struct Failure {
  Code code;
  std::string message;
};

// {"id":…, …}; an empty payload is {}. Failure: malformed (not an object, not UTF-8, too deep, U+0000), too_large, invalid_argument (id).
std::expected<Request, Failure> parse_request(std::string_view user, std::string_view method, std::string_view payload);

// The request with whence it came put last, as the plugin hands it on: the backend can't tell otherwise, and a client can't put
// anything after it. "" when `payload` is no JSON object by its ends: then no request either.
inline constexpr const char* kOriginMember = "$from";
inline constexpr std::size_t kOriginMax = 1024;  // bytes it may add to a request of kRequestMax
std::string with_origin(std::string_view payload, std::string_view device, std::string_view address);

std::string format_reply(std::string_view id, const Json& result);
// The same around a result that is JSON text already.
std::string format_raw_reply(std::string_view id, std::string_view result_json);
std::string format_failure(std::string_view id, const Failure& failure);

// A reply as a client reads it. nullopt when it is not one.
struct Reply {
  std::string id;
  bool ok = false;
  Json result;       // when ok
  std::string code, message;  // when not
};
std::optional<Reply> parse_reply(std::string_view payload);

// Inbox notices written by the plugin.
std::string format_refused(const Failure& failure, std::string_view room, std::string_view ref,
                           std::string_view method = {}, std::string_view id = {},
                           std::uint64_t wait_s = 0);
// {"type":"moving","in_s":3,"server":"mqtts://chat2.example.org"}: the connection ends in so many seconds; `server` when there is another to go to.
std::string format_moving(std::string_view server, std::int64_t in_s);
// About a login, to the device it is of: "expiring", "renewed". `at_ms`: when it ends; 0: not by itself.
std::string format_login_notice(std::string_view type, std::string_view device, std::int64_t at_ms);
std::string format_duplicate(std::string_view room, std::string_view ref, std::uint64_t seq);

}  // namespace parley::wire
