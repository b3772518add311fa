#include "tools/parley-bench/broker.h"

#include <unistd.h>

#include "base/file.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr std::chrono::seconds kStartBound{120};  // recovery of a long journal is part of it

std::string configuration(const Settings& settings, const std::filesystem::path& folder, std::uint16_t port,
                          std::uint16_t websocket_port, const std::vector<std::string>& lines) {
  std::vector<std::string> all{
      "per_listener_settings false",
      "persistence true",
      "persistence_location " + folder.string() + "/",
      "autosave_interval 1800",
      "max_queued_messages 1000000",
      "max_inflight_messages 20",
      "log_dest stdout",
      "listener " + std::to_string(port) + " 127.0.0.1",
      "listener " + std::to_string(websocket_port) + " 127.0.0.1",
      "protocol websockets",
      "socket_domain ipv4",
  };
  if (::geteuid() == 0) all.insert(all.begin(), "user root");  // the folder is ours alone
  all.insert(all.end(), settings.broker_lines.begin(), settings.broker_lines.end());
  all.insert(all.end(), lines.begin(), lines.end());
  std::string text;
  for (const auto& line : all) text += line + "\n";
  return text;
}

}  // namespace

Result<> write_text(const std::filesystem::path& path, const std::string& text, int mode) {
  return write_file_atomic(path, text, mode);
}

Result<> make_folder(const std::filesystem::path& path) {
  std::error_code ec;
  std::filesystem::create_directories(path, ec);
  if (ec) return fail(Errc::unavailable, path.string() + ": " + ec.message());
  return {};
}

Result<Broker> Broker::prepare(Run& run, const std::filesystem::path& folder,
                               const std::vector<std::string>& lines) {
  PARLEY_TRY(make_folder(folder));
  const auto ports = PARLEY_TRY(free_ports(2));
  PARLEY_TRY(
      write_text(folder / "mosquitto.conf", configuration(run.settings, folder, ports[0], ports[1], lines)));
  return Broker(run.settings.programs.mosquitto, folder, ports[0], ports[1]);
}

Result<> Broker::start() {
  process_ =
      PARLEY_TRY(Process::start({program_, "-c", folder_ / "mosquitto.conf"}, folder_ / "mosquitto.log"));
  PARLEY_TRY(
      wait_until([&] { return !process_.running() || listens(port_); }, "mosquitto listens", kStartBound));
  if (!process_.running()) return fail(Errc::internal, "mosquitto ended:\n" + process_.log_end());
  return {};
}

}  // namespace parley::bench
