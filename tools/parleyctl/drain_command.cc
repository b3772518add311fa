#include <unistd.h>

#include <thread>

#include "tools/parleyctl/commands.h"
#include "tools/parleyctl/format.h"
#include "tools/parleyctl/progress.h"

namespace parley::ctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kLook{250};
constexpr seconds kGrace{60};  // beyond the time given, for the last ones

struct Drain {
  std::string over = "60s", server;
  bool stop = false, cancel = false, no_wait = false;
};

void declare(CLI::App& command, Drain& o) {
  auto* cancel = command.add_flag("--cancel", o.cancel, "Take clients again");
  command.add_option("--over", o.over, "How long to take, as 90s or 10m: clients go evenly over it")
      ->capture_default_str()
      ->type_name("TIME")
      ->excludes(cancel);
  command.add_option("--server", o.server, "Tell clients to go there, as mqtts://chat2.example.org")
      ->type_name("URI")
      ->excludes(cancel);
  command.add_flag("--stop", o.stop, "End the broker when nobody is left")->excludes(cancel);
  command.add_flag("--no-wait", o.no_wait, "Return at once")->excludes(cancel);
  command.footer(
      "Nobody is let in from now on but administrators; each client is told in its inbox and put out a "
      "moment\n"
      "later. Messages that wait for sleeping clients stay. parleyd's /readyz says no meanwhile, which takes "
      "this\n"
      "server out of a load balancer. Exit code 0: nobody is left, or with --stop the broker is gone.\n"
      "Examples:\n"
      "  parleyctl drain --over 2m && systemctl stop mosquitto parleyd\n"
      "  parleyctl drain --over 30s --server mqtts://chat2.example.org --stop");
}

Outcome<std::uint64_t> clients_left(Context& context) {
  auto status = context.call("server.status", Json::object());
  if (!status) return std::unexpected(status.error());
  const auto gauges = (*status)["broker"].value("gauges", Json::object());
  if (gauges.value("draining", 0) == 0)
    return std::unexpected(Failure{Exit::refused, "not_draining", "Somebody has cancelled the drain."});
  return gauges.value("drain_left", std::uint64_t{0});
}

// Until nobody is left; with --stop until the broker is gone, too.
Outcome<> watch(Context& context, const Drain& o, std::uint64_t total, seconds over) {
  auto session = context.session();
  if (!session) return std::unexpected(session.error());
  Progress progress(context.err, ::isatty(STDERR_FILENO) == 1, total, "clients");
  const auto until = std::chrono::steady_clock::now() + over + kGrace;
  while (std::chrono::steady_clock::now() < until) {
    if (o.stop && !(*session)->connected()) return {};
    const auto left = clients_left(context);
    if (!left && o.stop && !(*session)->connected()) return {};
    if (!left) return std::unexpected(left.error());
    progress.show(total - std::min(total, *left), "moved");
    if (*left == 0 && !o.stop) return {};
    std::this_thread::sleep_for(kLook);
  }
  return std::unexpected(
      Failure{Exit::refused, "timeout",
              "Some clients are still there: see parleyctl session list. --cancel takes clients again."});
}

Outcome<> drain(Context& context, const Drain& o) {
  if (o.cancel) {
    auto ended = context.call("server.drain", {{"on", false}});
    if (!ended) return std::unexpected(ended.error());
    context.done(*ended, "Clients are taken again.");
    return {};
  }
  const seconds over{parse_duration_s(o.over)};
  if (over.count() == 0) return usage("--over takes a time as 90s, 10m or 2h, not '" + o.over + "'.");
  Json params{{"over_s", over.count()}, {"stop", o.stop}};
  if (!o.server.empty()) params["server"] = o.server;
  auto begun = context.call("server.drain", std::move(params));
  if (!begun) return std::unexpected(begun.error());
  const auto total = begun->value("left", std::uint64_t{0});
  if (!o.no_wait)
    if (auto watched = watch(context, o, total, over); !watched) return watched;
  context.done({{"clients", total}, {"stopped", o.stop && !o.no_wait}},
               o.no_wait
                   ? "Clients to move: " + std::to_string(total) + "."
                   : "Moved " + std::to_string(total) + " clients." + (o.stop ? " The broker is gone." : ""));
  return {};
}

}  // namespace

void add_drain_command(CLI::App& app, Context& context) {
  add_command(app, context, "drain", "Move all clients off before a stop", declare, drain);
}

}  // namespace parley::ctl
