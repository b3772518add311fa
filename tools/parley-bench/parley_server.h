#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tools/parley-bench/broker.h"
#include "tools/parley-bench/requests.h"

namespace parley::bench {

// Mosquitto with the plugin, and parleyd, in a folder of their own, configured as tools/up does it. The administrator
// is `admin`. Ended with the object.
class ParleyServer {
 public:
  // Prepares and starts both; returns when parleyd is ready. `plugin_options`: KEY VALUE, added to those of the run.
  static Result<ParleyServer> start(Run& run, const std::filesystem::path& folder,
                                    const std::vector<std::string>& plugin_options = {});
  // The broker alone, prepared and not started, over plugin data that may be there already.
  static Result<Broker> prepare_broker(Run& run, const std::filesystem::path& folder,
                                       const std::vector<std::string>& plugin_options = {});
  static std::filesystem::path plugin_data(const std::filesystem::path& folder) { return folder / "plugin"; }

  Broker& broker() { return broker_; }
  Process& parleyd() { return parleyd_; }
  std::filesystem::path database() const { return folder_ / "parley.db"; }
  const Login& admin() const { return admin_; }

  // Requests by the administrator.
  Result<std::vector<wire::Json>> request(std::span<const Call> calls);
  // How many messages parleyd has stored since it started.
  Result<std::uint64_t> stored() const;
  // Waits until `count` are.
  Result<> wait_stored(std::uint64_t count, std::chrono::seconds bound) const;

 private:
  ParleyServer(Run& run, std::filesystem::path folder, Broker broker, std::uint16_t http_port)
      : run_(&run), folder_(std::move(folder)), broker_(std::move(broker)), http_port_(http_port) {}
  Result<> configure_backend();
  Result<> start_backend();

  Run* run_;
  std::filesystem::path folder_;
  Broker broker_;  // outlives parleyd
  std::uint16_t http_port_;
  Process parleyd_;
  Login admin_{.client_id = "bench-admin", .user = "admin", .password = ""};
  std::unique_ptr<Requests> requests_;
};

}  // namespace parley::bench
