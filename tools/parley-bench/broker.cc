#include "tools/parley-bench/broker.h"

#include <unistd.h>

#include <span>

#include "base/file.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr std::chrono::seconds kStartBound{120};  // recovery of a long journal is part of it

std::vector<std::string> tls_listeners(const std::filesystem::path& folder,
                                       std::span<const std::uint16_t> ports) {
  std::vector<std::string> lines;
  for (const auto port : ports) {
    lines.push_back("listener " + std::to_string(port) + " 127.0.0.1");
    lines.push_back("certfile " + (folder / "server.crt").string());
    lines.push_back("keyfile " + (folder / "server.key").string());
    if (port == ports.back()) lines.insert(lines.end(), {"protocol websockets", "socket_domain ipv4"});
  }
  return lines;
}

Result<> make_certificate(const std::filesystem::path& folder) {
  return run_to_end(
      {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
       folder / "server.key", "-out", folder / "server.crt", "-days", "2", "-subj", "/CN=localhost"},
      folder / "openssl.log");
}

std::string configuration(const Settings& settings, const std::filesystem::path& folder,
                          std::span<const std::uint16_t> ports, const std::vector<std::string>& lines) {
  std::vector<std::string> all{
      "per_listener_settings false",
      "persistence true",
      "persistence_location " + folder.string() + "/",
      "autosave_interval 1800",
      "max_queued_messages 1000000",
      "max_inflight_messages 20",
      "log_dest stdout",
      "listener " + std::to_string(ports[0]) + " 127.0.0.1",
      "listener " + std::to_string(ports[1]) + " 127.0.0.1",
      "protocol websockets",
      "socket_domain ipv4",
  };
  if (ports.size() > 2) {
    const auto secure = tls_listeners(folder, ports.subspan(2));
    all.insert(all.end(), secure.begin(), secure.end());
  }
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
  const auto transport = run.settings.transport;
  const bool tls = transport == Transport::tls || transport == Transport::wss;
  auto ports = PARLEY_TRY(free_ports(tls ? 4 : 2));
  if (tls) PARLEY_TRY(make_certificate(folder));
  PARLEY_TRY(write_text(folder / "mosquitto.conf", configuration(run.settings, folder, ports, lines)));
  return Broker(run.settings.programs.mosquitto, folder, std::move(ports), transport);
}

Result<> Broker::start() {
  process_ =
      PARLEY_TRY(Process::start({program_, "-c", folder_ / "mosquitto.conf"}, folder_ / "mosquitto.log"));
  PARLEY_TRY(wait_until([&] { return !process_.running() || listens(ports_.back()); }, "mosquitto listens",
                        kStartBound));
  if (!process_.running()) return fail(Errc::internal, "mosquitto ended:\n" + process_.log_end());
  return {};
}

}  // namespace parley::bench
