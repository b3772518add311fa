#pragma once
#include <string>
#include <vector>

#include "backend/config/config.h"

namespace parley::backend {

// What SIGHUP makes of a configuration that was read again.
struct Reload {
  Config config;                          // the running one, with the live keys (config/keys.h) of the new one
  std::vector<std::string> changed;       // names of live keys that differ, in the order of config_keys()
  std::vector<std::string> need_restart;  // names of the others that differ
};

// Pure.
Reload plan_reload(const Config& running, const Config& read);

}  // namespace parley::backend
