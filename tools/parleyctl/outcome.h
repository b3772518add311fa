#pragma once
#include <expected>
#include <string>
#include <utility>

namespace parley::ctl {

// What the process says with its exit code. Fixed: scripts branch on it.
enum class Exit { done = 0, refused = 1, usage = 2, unreachable = 3 };

// Why a command did not do what was asked. `code` is one of topics.md §6, or a word of our own (usage,
// unreachable, config, interrupted); `message` is a sentence for a person, without secrets.
struct Failure {
  Exit exit;
  std::string code;
  std::string message;
  bool operator==(const Failure&) const = default;
};

template <class T = void>
using Outcome = std::expected<T, Failure>;

inline std::unexpected<Failure> refused(std::string code, std::string message) {
  return std::unexpected(Failure{Exit::refused, std::move(code), std::move(message)});
}
inline std::unexpected<Failure> usage(std::string message) {
  return std::unexpected(Failure{Exit::usage, "usage", std::move(message)});
}
inline std::unexpected<Failure> unreachable(std::string message) {
  return std::unexpected(Failure{Exit::unreachable, "unreachable", std::move(message)});
}

}  // namespace parley::ctl
