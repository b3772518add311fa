#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backend/config/config.h"

namespace parley::backend {

struct TextKey {
  const std::string& (*get)(const Config&);
  void (*set)(Config&, std::string);
};
struct NumberKey {
  std::int64_t min, max;
  std::int64_t (*get)(const Config&);
  void (*set)(Config&, std::int64_t);
};
struct ListKey {  // of strings
  const std::vector<std::string>& (*get)(const Config&);
  void (*set)(Config&, std::vector<std::string>);
};
struct ChoiceKey {
  std::vector<std::string_view> choices;
  std::size_t (*get)(const Config&);  // index into choices
  void (*set)(Config&, std::size_t);
};

struct Key {
  std::string_view name;  // "port" or "http.port"
  std::string_view help;  // one or more lines for people: what it does, its unit
  std::variant<TextKey, NumberKey, ChoiceKey, ListKey> kind;
  bool live = false;  // read again at SIGHUP; the others need a restart
};

// Every key there is, those of one table together, those without a table first.
const std::vector<Key>& config_keys();

}  // namespace parley::backend
