#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace parley::ctl {

// A listener of mosquitto.conf, with the options that follow its line.
struct ConfListener {
  std::uint16_t port = 0;
  std::string address;  // "": every interface
  std::map<std::string, std::string> set;

  std::string option(const std::string& name) const;
  bool websockets() const { return option("protocol") == "websockets"; }
  bool tls() const { return !option("certfile").empty(); }
  bool loopback() const;
  std::string shown() const;  // "127.0.0.1:8883"
};

struct ConfPlugin {
  std::filesystem::path path;
  std::vector<std::pair<std::string, std::string>> options;  // without plugin_opt_
};

// A mosquitto.conf as Mosquitto 2 reads it, as far as Parley cares: its include_dir folders too. Unknown lines are kept and mean nothing here.
struct MosquittoConf {
  std::map<std::string, std::string> global;  // the last value of each
  std::vector<ConfListener> listeners;        // the default one when there is no other
  std::vector<ConfPlugin> plugins;

  std::string option(const std::string& name, const std::string& otherwise = "") const;
  const ConfPlugin* parley() const;  // the plugin that is ours, by its file's name
};

// not_found, permission_denied, unavailable: the file or one it includes. Folders include at most 10 deep.
Result<MosquittoConf> read_mosquitto_conf(const std::filesystem::path& file);

}  // namespace parley::ctl
