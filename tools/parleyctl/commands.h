#pragma once
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "tools/parleyctl/context.h"
#include "tools/parleyctl/secrets.h"

// Each adds its commands to the command line; choosing one sets Context::chosen.
namespace parley::ctl {

void add_user_commands(CLI::App& app, Context& context);
void add_token_commands(CLI::App& app, Context& context);
void add_jwt_commands(CLI::App& app, Context& context);  // revoke, list
void add_room_commands(CLI::App& app, Context& context);
void add_member_commands(CLI::App& app, Context& context);
void add_audit_command(CLI::App& app, Context& context);
void add_admission_commands(CLI::App& app, Context& context);  // invite, link
void add_message_commands(CLI::App& app, Context& context);  // send, history, thread, message edit|delete|remove|react
void add_mark_commands(CLI::App& app, Context& context);     // rooms, read, marks
void add_search_command(CLI::App& app, Context& context);
void add_tail_command(CLI::App& app, Context& context);
void add_session_commands(CLI::App& app, Context& context);  // session list|kick, shard status, status
void add_ban_commands(CLI::App& app, Context& context);  // ban list|add|remove
void add_drain_command(CLI::App& app, Context& context);
void add_erase_commands(CLI::App& user, Context& context);  // user erase|erasures
void add_device_commands(CLI::App& app, Context& context);  // device list|forget
void add_presence_commands(CLI::App& app, Context& context);
void add_push_commands(CLI::App& app, Context& context);            // push list|register|unregister
void add_notify_commands(CLI::App& app, Context& context);          // notify test|log|status, and:
void add_dead_letter_commands(CLI::App& notify, Context& context);  // notify dead list|retry
void add_wish_commands(CLI::App& notify, Context& context);         // notify wishes|room|block|unblock
void add_import_command(CLI::App& app, Context& context);
void add_export_command(CLI::App& app, Context& context);
void add_top_command(CLI::App& app, Context& context);
void add_doctor_command(CLI::App& app, Context& context);
void add_store_commands(CLI::App& app, Context& context);  // migrate-store

// A command of its own options: `declare` puts them on the command line, `run` does it.
template <class Options>
CLI::App* add_command(CLI::App& parent, Context& context, const std::string& name, const std::string& help,
                      void (*declare)(CLI::App&, Options&), Outcome<> (*run)(Context&, const Options&)) {
  auto* command = parent.add_subcommand(name, help);
  auto options = std::make_shared<Options>();
  declare(*command, *options);
  command->fallthrough();  // --json and --config may stand anywhere
  command->callback([&context, options, run] {
    context.chosen = [&context, options, run] { return run(context, *options); };
  });
  return command;
}

// A word that only gathers commands: "user create".
inline CLI::App* add_group(CLI::App& app, const std::string& name, const std::string& help) {
  auto* group = app.add_subcommand(name, help);
  group->require_subcommand(1);
  group->fallthrough();
  return group;
}

// --password-stdin and --password-file.
inline void declare_secret(CLI::App& command, SecretSource& source) {
  auto* from_stdin =
      command.add_flag("--password-stdin", source.from_stdin, "Read the password from stdin's first line");
  command.add_option("--password-file", source.file, "Read the password from FILE (not readable by others)")
      ->type_name("FILE")
      ->excludes(from_stdin);
}

}  // namespace parley::ctl
