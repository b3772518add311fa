#include "tools/parleyctl/doctor/mosquitto_conf.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>

#include "base/file.h"
#include "base/text_cut.h"

namespace parley::ctl {
namespace {

constexpr int kDepthMax = 10;
constexpr std::uint16_t kDefaultPort = 1883;

// Options that belong to the listener above them.
const std::set<std::string_view> kOfListener{"cafile",
                                             "capath",
                                             "certfile",
                                             "ciphers",
                                             "ciphers_tls1.3",
                                             "crlfile",
                                             "dhparamfile",
                                             "http_dir",
                                             "keyfile",
                                             "max_connections",
                                             "mount_point",
                                             "protocol",
                                             "psk_hint",
                                             "require_certificate",
                                             "socket_domain",
                                             "tls_engine",
                                             "tls_keyform",
                                             "tls_version",
                                             "use_identity_as_username",
                                             "use_subject_as_username",
                                             "use_username_as_clientid",
                                             "websockets_headers_size"};

class Reader {
 public:
  Result<> read(const std::filesystem::path& file, int depth) {
    const auto text = read_file(file);
    if (!text) return std::unexpected(text.error());
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
      line = trimmed(line);
      if (line.empty() || line.starts_with('#')) continue;
      const auto end = std::min(line.find_first_of(" \t"), line.size());
      if (auto taken =
              take(line.substr(0, end), std::string(trimmed(std::string_view(line).substr(end))), depth);
          !taken)
        return taken;
    }
    return {};
  }

  MosquittoConf finish() {
    if (conf_.listeners.empty() || !before_.set.empty() || before_.port != 0) {
      // Without a `listener` line Mosquitto 2 listens on this machine alone; with `port`, as a listener.
      if (before_.port == 0) before_.address = "127.0.0.1";
      if (before_.port != 0 || conf_.listeners.empty()) {
        if (before_.port == 0) before_.port = kDefaultPort;
        conf_.listeners.insert(conf_.listeners.begin(), before_);
      }
    }
    return std::move(conf_);
  }

 private:
  Result<> take(const std::string& name, const std::string& value, int depth) {
    if (name == "include_dir") return include(value, depth);
    if (name == "listener") return add_listener(value);
    if (name == "port") {
      before_.port = port_of(value);
    } else if (name == "bind_address") {
      before_.address = value;
    } else if (name == "plugin" || name == "auth_plugin") {
      conf_.plugins.push_back({value, {}});
    } else if (name.starts_with("plugin_opt_") && !conf_.plugins.empty()) {
      conf_.plugins.back().options.emplace_back(name.substr(11), value);
    } else if (name.starts_with("auth_opt_") && !conf_.plugins.empty()) {
      conf_.plugins.back().options.emplace_back(name.substr(9), value);
    } else if (kOfListener.contains(name)) {
      (conf_.listeners.empty() ? before_ : conf_.listeners.back()).set[name] = value;
    } else {
      conf_.global[name] = value;
    }
    return {};
  }

  Result<> include(const std::filesystem::path& folder, int depth) {
    if (depth >= kDepthMax) return {};
    std::error_code bad;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder, bad))
      if (entry.path().extension() == ".conf") files.push_back(entry.path());
    if (bad)
      return fail(Errc::not_found, folder.string() + " (include_dir) can't be read: " + bad.message() + ".");
    std::ranges::sort(files);
    for (const auto& file : files)
      if (auto done = read(file, depth + 1); !done) return done;
    return {};
  }

  Result<> add_listener(const std::string& value) {
    std::istringstream words(value);
    std::string port, address;
    words >> port >> address;
    conf_.listeners.push_back({port_of(port), address, {}});
    return {};
  }

  static std::uint16_t port_of(const std::string& text) {
    std::uint16_t port = 0;
    std::from_chars(text.data(), text.data() + text.size(), port);
    return port;
  }

  MosquittoConf conf_;
  ConfListener before_;  // what stands before all `listener` lines
};

}  // namespace

std::string ConfListener::option(const std::string& name) const {
  const auto at = set.find(name);
  return at == set.end() ? "" : at->second;
}

bool ConfListener::loopback() const {
  return address.starts_with("127.") || address == "::1" || address == "localhost" ||
         address.starts_with('/');
}

std::string ConfListener::shown() const {
  return (address.empty() ? "*" : address) + ":" + std::to_string(port);
}

std::string MosquittoConf::option(const std::string& name, const std::string& otherwise) const {
  const auto at = global.find(name);
  return at == global.end() ? otherwise : at->second;
}

const ConfPlugin* MosquittoConf::parley() const {
  const auto ours = std::ranges::find_if(plugins, [](const auto& plugin) {
    return plugin.path.filename().string().find("parley") != std::string::npos;
  });
  return ours == plugins.end() ? nullptr : &*ours;
}

Result<MosquittoConf> read_mosquitto_conf(const std::filesystem::path& file) {
  Reader reader;
  if (auto done = reader.read(file, 0); !done) return std::unexpected(done.error());
  return reader.finish();
}

}  // namespace parley::ctl
