#include <iostream>

#include "base/private_memory.h"
#include "base/tls/library.h"
#include "tools/parleyctl/commands.h"

namespace {

using namespace parley::ctl;

constexpr const char* kFooter =
    R"(The server and the login come from a TOML file, given by --config or PARLEYCTL_CONFIG:
  host = "127.0.0.1"
  port = 7883
  user = "admin"
  token_file = "admin.token"      # or token, password, password_file
  timeout_ms = 10000
Exit codes: 0 done, 1 refused (the code is shown), 2 usage, 3 the broker can't be reached.

Examples:
  export PARLEYCTL_CONFIG=var/parleyctl.toml
  parleyctl user create carol
  parleyctl member add lobby carol --role moderator
  parleyctl history lobby --limit 20
  parleyctl tail lobby
`parleyctl COMMAND --help` tells more of each.)";

int report(Context& context, const Failure& failure) {
  context.err << "error: " << failure.code << ": " << printable(failure.message) << '\n';
  if (context.json) context.json_line({{"error", {{"code", failure.code}, {"message", failure.message}}}});
  return static_cast<int>(failure.exit);
}

int run(int argc, char** argv) {
  Context context(std::cout, std::cerr);
  CLI::App app{"Administers a Parley server.", "parleyctl"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "parleyctl " PARLEY_VERSION);
  app.add_option("--config", context.config_path, "Where the server is and who you are")
      ->type_name("FILE")
      ->envname("PARLEYCTL_CONFIG");
  app.add_flag("--json", context.json, "One JSON object a line instead of tables");
  app.footer(kFooter);
  add_user_commands(app, context);
  add_token_commands(app, context);
  add_jwt_commands(app, context);
  add_room_commands(app, context);
  add_member_commands(app, context);
  add_admission_commands(app, context);
  add_audit_command(app, context);
  add_message_commands(app, context);
  add_mark_commands(app, context);
  add_search_command(app, context);
  add_tail_command(app, context);
  add_session_commands(app, context);
  add_ban_commands(app, context);
  add_drain_command(app, context);
  add_device_commands(app, context);
  add_presence_commands(app, context);
  add_push_commands(app, context);
  add_notify_commands(app, context);
  add_import_command(app, context);
  add_export_command(app, context);
  add_top_command(app, context);
  add_doctor_command(app, context);
  add_store_commands(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e, std::cout, std::cerr) == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  auto done = context.chosen();
  std::cout.flush();
  return done ? static_cast<int>(Exit::done) : report(context, done.error());
}

}  // namespace

int main(int argc, char** argv) {
  parley::keep_memory_private();
  parley::leave_cleaning_to_the_kernel();
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "error: internal: " << e.what() << '\n';
    return static_cast<int>(Exit::refused);
  }
}
