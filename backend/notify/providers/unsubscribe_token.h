#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace parley::backend {

// What a mail's unsubscribe link carries: a registration's id, and proof that we made it. It never expires: who has it can do
// nothing but unsubscribe. Thread-safe.
class UnsubscribeToken {
 public:
  explicit UnsubscribeToken(std::string key) : key_(std::move(key)) {}

  // Of letters, digits, `-`, `_` and `.`: it can stand in a URL as it is.
  std::string make(std::string_view registration) const;
  // The registration's id; nullopt: not one of ours.
  std::optional<std::string> registration(std::string_view token) const;

 private:
  std::string proof(std::string_view registration) const;
  std::string key_;
};

}  // namespace parley::backend
