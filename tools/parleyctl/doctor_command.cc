#include <unistd.h>

#include "backend/config/config.h"
#include "tools/parleyctl/commands.h"
#include "tools/parleyctl/doctor/broker_conf_checks.h"
#include "tools/parleyctl/doctor/file_checks.h"
#include "tools/parleyctl/doctor/running_checks.h"

namespace parley::ctl {
namespace {

struct Doctor {
  std::string mosquitto_conf = "/etc/mosquitto/mosquitto.conf";
  std::string parleyd_toml = "/etc/parley/parleyd.toml";
  std::string parleyd;
  bool quiet = false;
};

void declare(CLI::App& command, Doctor& o) {
  command.add_option("--mosquitto-conf", o.mosquitto_conf, "The broker's configuration")
      ->type_name("FILE")
      ->capture_default_str();
  command.add_option("--parleyd-conf", o.parleyd_toml, "parleyd's configuration")
      ->type_name("FILE")
      ->capture_default_str();
  command
      .add_option("--parleyd", o.parleyd,
                  "The program parleyd; the one beside parleyctl, or of the PATH, when left out")
      ->type_name("FILE");
  command.add_flag("--quiet", o.quiet, "Only what is not as it should be");
  command.footer(
      R"(Run it on the server, best as root: it needs no login. It reads both configurations and looks at what they name: options,
listeners, secrets, folders, disks, certificates; and at what runs: whether broker and parleyd answer, their versions,
clocks, journal, database, cache, queues, limits. It changes nothing.

Each line is ok, note (worth knowing, may be meant so) or problem; below the last two stands what to do.
Exit code 0: no problem; 1: there are some.

Example, of what tools/up started: parleyctl doctor --mosquitto-conf var/mosquitto.conf --parleyd-conf var/parleyd.toml)");
}

const char* level_name(Finding::Level level) {
  constexpr const char* kNames[] = {"ok", "note", "problem"};
  return kNames[static_cast<std::size_t>(level)];
}

std::string beside_us(const char* program) {
  std::error_code bad;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", bad);
  const auto candidate = own.parent_path() / program;
  return !bad && std::filesystem::exists(candidate, bad) ? candidate.string() : program;
}

void look_at_broker(const Doctor& o, const MosquittoConf& conf, Findings& findings) {
  findings.ok("mosquitto.conf", o.mosquitto_conf + " can be read.");
  check_broker_conf(conf, findings);
  check_broker_files(conf, SystemClock().wall(), findings);
  check_listening(conf, findings);
}

Findings examine(const Doctor& o) {
  Findings findings;
  const auto conf = read_mosquitto_conf(o.mosquitto_conf);
  if (conf)
    look_at_broker(o, *conf, findings);
  else
    findings.problem("mosquitto.conf", conf.error().message,
                     "Name the file the broker is started with: --mosquitto-conf FILE");
  std::error_code bad;
  if (!std::filesystem::exists(o.parleyd_toml, bad)) {
    findings.problem("parleyd.toml", o.parleyd_toml + " is not there, or can't be seen by you.",
                     "Name the file parleyd is started with: --parleyd-conf FILE");
  } else {
    check_program(o.parleyd.empty() ? beside_us("parleyd") : o.parleyd, o.parleyd_toml, PARLEY_VERSION,
                  findings);
    if (const auto config = backend::load_config(o.parleyd_toml)) {
      check_backend_files(*config, findings);
      if (conf) check_shared_secret(*conf, *config, findings);
      check_running(*config, PARLEY_VERSION, findings);
    }
  }
  check_clock(findings);
  return findings;
}

void show(Context& context, const Finding& finding, bool colours) {
  if (context.json)
    return context.json_line({{"level", level_name(finding.level)},
                              {"check", finding.check},
                              {"text", finding.text},
                              {"advice", finding.advice}});
  constexpr const char* kColours[] = {"\x1b[32m", "\x1b[33m", "\x1b[31m"};
  std::string level = level_name(finding.level);
  level.resize(8, ' ');
  if (colours) level = kColours[static_cast<std::size_t>(finding.level)] + level + "\x1b[0m";
  std::string check = finding.check;
  check.resize(std::max<std::size_t>(15, check.size()), ' ');
  context.out << level << ' ' << check << ' ' << printable(finding.text) << '\n';
  if (!finding.advice.empty())
    context.out << std::string(25, ' ') << "-> " << printable(finding.advice) << '\n';
}

Outcome<> doctor(Context& context, const Doctor& o) {
  const auto findings = examine(o);
  const bool colours = !context.json && isatty(STDOUT_FILENO) != 0;
  for (const auto& finding : findings.all())
    if (!o.quiet || finding.level != Finding::Level::ok) show(context, finding, colours);
  const auto problems = findings.count(Finding::Level::problem), notes = findings.count(Finding::Level::note);
  if (!context.json)
    context.out << findings.all().size() << " looked at: " << problems << " problems, " << notes
                << " notes\n";
  if (problems == 0) return {};
  return refused("problems", std::to_string(problems) + " problems were found.");
}

}  // namespace

void add_doctor_command(CLI::App& app, Context& context) {
  add_command(app, context, "doctor", "Look at an installation on this machine, and say what to do", declare,
              doctor);
}

}  // namespace parley::ctl
