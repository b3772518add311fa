#include "backend/config/config.h"

#include <toml++/toml.h>

#include <cstdlib>
#include <optional>

#include "backend/config/cache_config.h"
#include "backend/config/keys.h"
#include "backend/config/notify_config.h"
#include "backend/config/store_config.h"
#include "base/file.h"

namespace parley::backend {
namespace {

std::expected<toml::table, toml::parse_error> parse_toml(std::string_view text) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return std::unexpected(error);
  }
}

std::string join(const std::vector<std::string_view>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

const Key* find_key(std::string_view name) {
  for (const auto& key : config_keys())
    if (key.name == name) return &key;
  return nullptr;
}

bool is_table(std::string_view name) {
  for (const auto& key : config_keys())
    if (key.name.size() > name.size() && key.name.starts_with(name) && key.name[name.size()] == '.')
      return true;
  return false;
}

// Each sets the field, or says what it should have been.
std::optional<std::string> set(const TextKey& key, const toml::node& node, Config& config) {
  const auto value = node.value_exact<std::string>();
  if (!value) return "must be a string";
  key.set(config, *value);
  return std::nullopt;
}

std::optional<std::string> set(const NumberKey& key, const toml::node& node, Config& config) {
  const auto value = node.value_exact<std::int64_t>();
  if (!value || *value < key.min || *value > key.max)
    return "must be a whole number from " + std::to_string(key.min) + " to " + std::to_string(key.max);
  key.set(config, *value);
  return std::nullopt;
}

std::optional<std::string> set(const ListKey& key, const toml::node& node, Config& config) {
  const auto* array = node.as_array();
  std::vector<std::string> values;
  for (std::size_t i = 0; array && i < array->size(); ++i) {
    const auto value = array->get(i)->value_exact<std::string>();
    if (!value) array = nullptr;
    if (value) values.push_back(*value);
  }
  if (!array) return "must be a list of strings";
  key.set(config, std::move(values));
  return std::nullopt;
}

std::optional<std::string> set(const ChoiceKey& key, const toml::node& node, Config& config) {
  const auto value = node.value_exact<std::string>();
  for (std::size_t i = 0; value && i < key.choices.size(); ++i)
    if (key.choices[i] == *value) {
      key.set(config, i);
      return std::nullopt;
    }
  return "must be \"" + join(key.choices) + "\"";
}

void read_value(const std::string& name, const toml::node& node, const std::string& where, Config& config,
                ConfigErrors& errors) {
  const Key* key = find_key(name);
  if (!key) {
    errors.push_back(where + ": unknown key " + name);
    return;
  }
  if (auto wrong = std::visit([&](const auto& kind) { return set(kind, node, config); }, key->kind))
    errors.push_back(where + ": " + name + " " + *wrong);
}

std::string at(const std::string& source, const toml::source_region& region) {
  return source + ":" + std::to_string(region.begin.line);
}

void read_table(const toml::table& table, const std::string& prefix, const std::string& source,
                Config& config, ConfigErrors& errors) {
  for (const auto& [key, node] : table) {
    const auto name = prefix + std::string(key.str());
    const auto where = at(source, key.source());
    const auto* inner = node.as_table();
    if (inner && is_table(name))
      read_table(*inner, name + ".", source, config, errors);
    else if (inner)
      errors.push_back(where + ": unknown table [" + name + "]");
    else if (is_table(name))
      errors.push_back(where + ": " + name + " is a table: write [" + name + "]");
    else
      read_value(name, node, where, config, errors);
  }
}

void read_override(const std::string& given, Config& config, ConfigErrors& errors) {
  const auto equals = given.find('=');
  if (equals == std::string::npos) {
    errors.push_back("--set " + given + ": write KEY=VALUE");
    return;
  }
  const auto name = given.substr(0, equals), value = given.substr(equals + 1);
  const auto where = "--set " + name;  // a value may hold a secret
  const auto parsed = parse_toml("v = " + value);
  if (parsed && parsed->size() == 1)
    read_value(name, *parsed->get("v"), where, config, errors);
  else
    read_value(name, toml::value<std::string>(value), where, config, errors);
}

std::string default_value(const Key& key, const Config& config) {
  if (const auto* text = std::get_if<TextKey>(&key.kind)) return '"' + text->get(config) + '"';
  if (const auto* number = std::get_if<NumberKey>(&key.kind)) return std::to_string(number->get(config));
  if (const auto* list = std::get_if<ListKey>(&key.kind)) {
    std::string out;
    for (const auto& value : list->get(config)) out += (out.empty() ? "\"" : ", \"") + value + '"';
    return "[" + out + "]";
  }
  const auto& choice = std::get<ChoiceKey>(key.kind);
  return '"' + std::string(choice.choices[choice.get(config)]) + '"';
}

std::string as_comment(std::string_view help) {
  std::string out = "# ";
  for (const char c : help) out += c == '\n' ? std::string("\n# ") : std::string(1, c);
  return out + '\n';
}

}  // namespace

std::expected<Config, ConfigErrors> parse_config(std::string_view text, const std::string& source,
                                                 const std::vector<std::string>& overrides) {
  Config config;
  ConfigErrors errors;
  if (const auto parsed = parse_toml(text))
    read_table(*parsed, "", source, config, errors);
  else
    errors.push_back(at(source, parsed.error().source()) + ": " + std::string(parsed.error().description()));
  for (const auto& given : overrides) read_override(given, config, errors);
  if (auto sound = check_store(config); !sound) errors.push_back(sound.error().message);
  if (auto sound = check_cache(config); !sound) errors.push_back(sound.error().message);
  if (auto sound = check_notify(config); !sound) errors.push_back(sound.error().message);
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return config;
}

std::expected<Config, ConfigErrors> load_config(const std::string& path,
                                                const std::vector<std::string>& overrides) {
  const auto text = path.empty() ? Result<std::string>("") : read_file(path);
  if (!text) return std::unexpected(ConfigErrors{text.error().message});
  auto config = parse_config(*text, path, overrides);
  if (!config) return config;
  if (auto kept = check_store_secrecy(*config, path, overrides); !kept)
    return std::unexpected(ConfigErrors{kept.error().message});
  if (auto kept = check_cache_secrecy(*config, path, overrides); !kept)
    return std::unexpected(ConfigErrors{kept.error().message});
  return config;
}

std::string default_config() {
  const Config config;
  std::string
      out = "# parleyd's configuration. Every key with its default; leave out what you do not change.\n",
      table;
  for (const auto& key : config_keys()) {
    const auto dot = key.name.find('.');
    const auto of = dot == std::string_view::npos ? std::string_view() : key.name.substr(0, dot);
    if (of != table) out += "\n[" + std::string(table = of) + "]";
    out += "\n" + as_comment(key.help) + (key.live ? "# Read again at SIGHUP.\n" : "");
    out += std::string(key.name.substr(of.empty() ? 0 : dot + 1)) + " = " + default_value(key, config) + "\n";
  }
  return out;
}

Result<std::string> broker_secret(const Config& config) {
  if (const char* given = std::getenv("PARLEY_BROKER_SECRET"); given && *given) return std::string(given);
  if (config.broker.secret_file.empty())
    return fail(Errc::invalid_argument,
                "No secret for the broker: set broker.secret_file or PARLEY_BROKER_SECRET.");
  return read_secret_file(config.broker.secret_file);
}

}  // namespace parley::backend
