#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <variant>

#include "wire/request.h"

namespace parley::backend {

// A result's JSON text, or why there is none.
using Reply = std::expected<std::string, wire::Failure>;

// What became of a request, besides an answer at once.

// A change was committed. `committed` is called at once, `in_force` when the broker's plugin enforces the
// change (not when that is in doubt); then the reply goes out. version 0: there is nothing for the plugin to
// enforce.
struct Changed {
  std::uint64_t version = 0;
  std::string result = "{}";
  std::function<void()> committed{};
  std::function<void()> in_force{};
};

// Someone else has the answer: `start` asks them, and calls `reply` exactly once, from any thread.
struct Deferred {
  std::function<void(std::function<void(Reply)> reply)> start;
};

// A string is a result's JSON text.
using Outcome = std::expected<std::variant<std::string, Changed, Deferred>, wire::Failure>;

inline std::unexpected<wire::Failure> refuse(wire::Code code, std::string message) {
  return std::unexpected(wire::Failure{code, std::move(message)});
}
inline std::unexpected<wire::Failure> refuse(wire::Code code) {
  return refuse(code, std::string(wire::code_sentence(code)));
}

}  // namespace parley::backend
