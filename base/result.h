#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace parley {

// What a caller can do about a failure, which is all a code says. The sentence is for people.
enum class Errc {
  not_found,          // the thing named is not there; a retry gives the same
  already_exists,     // the name is taken
  invalid_argument,   // the input is wrong; a retry with the same input is pointless
  permission_denied,  // not allowed as things stand
  unavailable,        // nothing was changed; try again later
  timeout,            // nothing was changed within the time; try again later
  in_doubt,           // may or may not have happened: compare versions before a retry
  corrupt,            // stored bytes are not what was written; a person must look
  internal,           // our bug
};

std::string_view errc_name(Errc code);

struct Error {
  Errc code;
  std::string message;  // a sentence for a person, without secrets
  bool operator==(const Error&) const = default;
};

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

}  // namespace parley
