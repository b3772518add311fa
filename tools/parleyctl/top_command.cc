#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/clock.h"
#include "tools/parleyctl/commands.h"
#include "tools/parleyctl/stop_signal.h"
#include "tools/parleyctl/top_view.h"

namespace parley::ctl {
namespace {

using std::chrono::milliseconds;

struct Top {
  double interval_s = 2;
  bool once = false;
};

void declare(CLI::App& command, Top& o) {
  command.add_option("--interval", o.interval_s, "Seconds between two looks")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.2, 3600.0))
      ->capture_default_str();
  command.add_flag("--once", o.once, "Look twice, show that, and end");
  command.footer(
      R"(What the server does at this moment: sessions, presence, messages, deliveries, requests, logins and refusals a second, what is
not stored yet, queues that have something in them, and the busiest rooms of the last minute. For administrators. Asks by
MQTT, which costs the server no look into its database. On a terminal it shows itself in place until Ctrl-C.

With --json each look is one object: {"rates": …, "stats": …}, with stats as server.stats gives it (topics.md).)");
}

// The terminal's size; a large one where there is none.
std::pair<std::size_t, std::size_t> screen_size() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row < 2) return {200, 1000};
  return {size.ws_col, size.ws_row - 1u};
}

// Home, each line to its end, and what is left of the last screen.
std::string in_place(const std::string& screen) {
  std::string out = "\x1b[H";
  for (const char c : screen) out += c == '\n' ? "\x1b[K\n" : std::string(1, c);
  return out + "\x1b[J";
}

void show(Context& context, const Json& before, const Json& now, bool terminal) {
  if (context.json) {
    context.json_line({{"rates", rates_between(before, now)}, {"stats", now}});
  } else {
    const auto [columns, rows] = screen_size();
    const auto screen = top_screen(before, now, columns, rows);
    context.out << (terminal ? in_place(screen) : screen + "\n");
  }
  context.out.flush();
}

// False: a signal came before the time was over.
bool rest(milliseconds time) {
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  const timespec left{.tv_sec = time.count() / 1000, .tv_nsec = time.count() % 1000 * 1'000'000};
  return sigtimedwait(&stops, nullptr, &left) < 0;
}

Outcome<> top(Context& context, const Top& o) {
  const StopSignal before_threads;
  const milliseconds interval{static_cast<std::int64_t>(o.interval_s * 1000)};
  const bool terminal = !context.json && !o.once && isatty(STDOUT_FILENO) != 0;
  auto before = context.call("server.stats", Json::object());
  if (!before) return std::unexpected(before.error());
  if (terminal) context.out << "\x1b[2J";
  while (rest(interval)) {
    auto now = context.call("server.stats", Json::object());
    if (!now) return std::unexpected(now.error());
    show(context, *before, *now, terminal);
    if (o.once) break;
    before = std::move(now);
  }
  return {};
}

}  // namespace

void add_top_command(CLI::App& app, Context& context) {
  add_command(app, context, "top", "What the server does at this moment, live", declare, top);
}

}  // namespace parley::ctl
