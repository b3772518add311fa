#include "backend/notify/providers/answers.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace parley::backend {

using Json = nlohmann::json;
using What = Delivery::What;

Delivery sent() {
  return {};
}
Delivery retry(std::string reason, const HttpAnswer& answer) {
  return {What::retry, std::move(reason), answer.retry_after.value_or(std::chrono::milliseconds(0))};
}
Delivery target_dead(std::string reason) {
  return {What::target_dead, std::move(reason)};
}
Delivery refused(std::string reason) {
  return {What::refused, std::move(reason)};
}
Delivery misconfigured(std::string reason) {
  return {What::misconfigured, std::move(reason)};
}

Delivery of_target(Delivery delivery) {
  delivery.of_target = true;
  return delivery;
}

Delivery unanswered(const HttpAnswer& answer) {
  switch (answer.failure) {
    case HttpAnswer::Failure::tls:
    case HttpAnswer::Failure::protocol:
      return misconfigured(answer.error);
    case HttpAnswer::Failure::address:
      return refused(answer.error);
    default:
      return retry(answer.error);
  }
}

std::string status_text(const HttpAnswer& answer, std::string_view word) {
  auto text = "HTTP " + std::to_string(answer.status);
  if (!word.empty()) text += " " + std::string(word);
  return text;
}

std::string error_word(const Json& value) {
  const auto* word = value.get_ptr<const std::string*>();
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (!word || word->size() > 64 || !std::ranges::all_of(*word, plain)) return {};
  return *word;
}

Json body_json(const HttpAnswer& answer) {
  return Json::parse(answer.body, nullptr, false);
}

const Json& member(const Json& json, const char* name) {
  static const Json none;
  if (!json.is_object()) return none;
  const auto at = json.find(name);
  return at == json.end() ? none : *at;
}

}  // namespace parley::backend
