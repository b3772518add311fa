#include "tools/parley-bench/parley_server.h"

#include <charconv>
#include <cmath>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/file.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr std::chrono::seconds kReadyBound{60};

std::filesystem::path secret_file(const std::filesystem::path& folder) {
  return folder / "backend.secret";
}

// The value of a series without labels in Prometheus' text format.
std::optional<double> metric(std::string_view text, std::string_view name) {
  const std::string line = "\n" + std::string(name) + " ";
  const auto at = text.find(line);
  if (at == text.npos) return std::nullopt;
  double value = 0;
  const auto* begin = text.data() + at + line.size();
  if (std::from_chars(begin, text.data() + text.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

}  // namespace

Result<Broker> ParleyServer::prepare_broker(Run& run, const std::filesystem::path& folder,
                                            const std::vector<std::string>& plugin_options) {
  PARLEY_TRY(make_folder(plugin_data(folder)));
  PARLEY_TRY(write_text(secret_file(folder), hex_encode(random_bytes(32)) + "\n"));
  std::vector<std::string> lines{
      "allow_anonymous false",
      "plugin " + run.settings.programs.plugin.string(),
      "plugin_opt_data_dir " + plugin_data(folder).string(),
      "plugin_opt_backend_secret_file " + secret_file(folder).string(),
  };
  for (const auto& option : plugin_options) lines.push_back("plugin_opt_" + option);
  for (auto option : run.settings.plugin_options) {
    if (const auto equals = option.find('='); equals != option.npos) option[equals] = ' ';
    lines.push_back("plugin_opt_" + option);
  }
  return Broker::prepare(run, folder / "broker", lines);
}

Result<ParleyServer> ParleyServer::start(Run& run, const std::filesystem::path& folder,
                                         const std::vector<std::string>& plugin_options) {
  auto broker = PARLEY_TRY(prepare_broker(run, folder, plugin_options));
  const auto ports = PARLEY_TRY(free_ports(1));
  ParleyServer server(run, folder, std::move(broker), ports[0]);
  PARLEY_TRY(server.configure_backend());
  PARLEY_TRY(server.broker_.start());
  PARLEY_TRY(server.start_backend());
  return server;
}

Result<> ParleyServer::configure_backend() {
  const auto toml = folder_ / "parleyd.toml";
  PARLEY_TRY(write_text(toml, "store = \"sqlite://" + database().string() +
                                  "\"\n[broker]\nport = " + std::to_string(broker_.port()) +
                                  "\nsecret_file = \"" + secret_file(folder_).string() +
                                  "\"\n[http]\nport = " + std::to_string(http_port_) + "\n"));
  const auto log = folder_ / "create-admin.log";
  PARLEY_TRY(
      run_to_end({run_->settings.programs.parleyd, "--config", toml, "--create-admin", admin_.user}, log));
  // The token is the last word of the last line.
  auto output = PARLEY_TRY(read_file(log));
  const auto at = output.rfind("plt_");
  if (at == output.npos) return fail(Errc::internal, "parleyd --create-admin told no token.");
  admin_.password = output.substr(at, output.find_first_of(" \r\n", at) - at);
  return {};
}

Result<> ParleyServer::start_backend() {
  parleyd_ = PARLEY_TRY(Process::start(
      {run_->settings.programs.parleyd, "--config", folder_ / "parleyd.toml"}, folder_ / "parleyd.log"));
  PARLEY_TRY(wait_until([&] { return !parleyd_.running() || http_get(http_port_, "/readyz").has_value(); },
                        "parleyd is ready", kReadyBound));
  if (!parleyd_.running()) return fail(Errc::internal, "parleyd ended:\n" + parleyd_.log_end());
  return {};
}

Result<std::vector<wire::Json>> ParleyServer::request(std::span<const Call> calls) {
  if (!requests_) requests_ = PARLEY_TRY(Requests::open(*run_, broker_.port(), admin_));
  auto results = requests_->call(calls);
  if (!results) requests_.reset();
  return results;
}

Result<std::uint64_t> ParleyServer::stored() const {
  const auto text = PARLEY_TRY(http_get(http_port_, "/metrics"));
  const auto value = metric(text, "parley_messages_stored_total");
  if (!value) return fail(Errc::internal, "parleyd's /metrics has no parley_messages_stored_total.");
  return static_cast<std::uint64_t>(std::llround(*value));
}

Result<> ParleyServer::wait_stored(std::uint64_t count, std::chrono::seconds bound) const {
  return wait_until([&] { return stored().value_or(0) >= count; },
                    "parleyd has stored " + std::to_string(count) + " messages", bound,
                    std::chrono::milliseconds(20));
}

}  // namespace parley::bench
