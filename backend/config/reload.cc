#include "backend/config/reload.h"

#include "backend/config/keys.h"

namespace parley::backend {

Reload plan_reload(const Config& running, const Config& read) {
  Reload plan{.config = running};
  for (const auto& key : config_keys()) {
    const auto take = [&](const auto& kind) {
      if (kind.get(running) == kind.get(read)) return;
      (key.live ? plan.changed : plan.need_restart).emplace_back(key.name);
      if (key.live) kind.set(plan.config, kind.get(read));
    };
    std::visit(take, key.kind);
  }
  return plan;
}

}  // namespace parley::backend
