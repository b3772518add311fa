#include "tools/parleyctl/context.h"

#include <algorithm>

#include "tools/parleyctl/config.h"
#include "wire/limits.h"

namespace parley::ctl {

Outcome<Session*> Context::session() {
  if (session_) return session_.get();
  if (config_path.empty()) {
    return usage(
        "Which server? Give --config FILE, or set PARLEYCTL_CONFIG (tools/up writes var/parleyctl.toml).");
  }
  auto config = load_config(config_path);
  if (!config) return std::unexpected(config.error());
  config->timeout = std::max(config->timeout, patience);
  auto session = Session::connect(*config);
  if (!session) return std::unexpected(session.error());
  session_ = std::move(*session);
  return session_.get();
}

Outcome<Json> Context::call(const std::string& method, Json params) {
  auto connected = session();
  if (!connected) return std::unexpected(connected.error());
  return (*connected)->call(method, std::move(params));
}

void Context::json_line(const Json& object) {
  out << object.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

void Context::show(const Json& object) {
  if (json) {
    json_line(object);
  } else {
    print_fields(out, object);
  }
}

void Context::done(const Json& object, const std::string& sentence) {
  if (json) {
    json_line(object);
  } else {
    out << printable(sentence) << '\n';
  }
}

Outcome<> Context::each_of(const std::string& method, Json params, const char* list, const char* name,
                           const std::function<void(const Json&)>& each) {
  params["limit"] = wire::kListLimitMax;
  for (;;) {
    auto page = call(method, params);
    if (!page) return std::unexpected(page.error());
    const auto items = page->value(list, Json::array());
    for (const auto& item : items) each(item);
    if (items.empty() || !page->value("more", false)) return {};
    params["after"] = items.back().value(name, std::string{});
  }
}

}  // namespace parley::ctl
