#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

struct Create {
  std::string user, title;
  bool admin = false, no_password = false;
  SecretSource secret;
};
void declare_create(CLI::App& command, Create& o) {
  command.add_option("NAME", o.user, "1-64 of A-Z a-z 0-9 . _ @ -, the first a letter or digit")->required();
  command.add_option("--title", o.title, "The name shown to people")->type_name("TEXT");
  command.add_flag("--admin", o.admin, "An administrator: may do everything parleyctl can");
  auto* none =
      command.add_flag("--no-password", o.no_password, "Make no password: the user logs in by token or JWT");
  declare_secret(command, o.secret);
  none->excludes("--password-stdin")->excludes("--password-file");
  command.footer(
      "Without --password-* the password is asked for, without echo.\n"
      "Example: parleyctl user create alice --title 'Alice Liddell'");
}
Outcome<> create(Context& context, const Create& o) {
  Json params{{"user", o.user}};
  if (!o.title.empty()) params["title"] = o.title;
  if (o.admin) params["admin"] = true;
  if (!o.no_password) {
    auto password = read_secret(o.secret, "Password for " + o.user, true);
    if (!password) return std::unexpected(password.error());
    params["password"] = *password;
  }
  auto user = context.call("user.create", std::move(params));
  if (!user) return std::unexpected(user.error());
  context.done(*user, "User " + o.user + " made.");
  return {};
}

struct List {};
void declare_list(CLI::App& command, List&) {
  command.footer("Example: parleyctl user list --json | jq -r .user");
}
Outcome<> list(Context& context, const List&) {
  Table table({"USER", "TITLE", "ADMIN", "DISABLED", "CREATED"});
  auto ok = context.each_of("user.list", Json::object(), "users", "user", [&](const Json& user) {
    if (context.json) return context.json_line(user);
    table.add({cell(user, "user"), cell(user, "title"), cell(user, "admin"), cell(user, "disabled"),
               time_cell(user, "created_at")});
  });
  if (ok && !context.json) table.print(context.out);
  return ok;
}

struct Disable {
  std::string user;
  bool undo = false;
};
Outcome<> set_disabled(Context& context, const std::string& user, bool disabled) {
  auto result = context.call("user.disable", {{"user", user}, {"disabled", disabled}});
  if (!result) return std::unexpected(result.error());
  context.done(*result, "User " + user + (disabled ? " disabled; their sessions are ended." : " enabled."));
  return {};
}
void declare_disable(CLI::App& command, Disable& o) {
  command.add_option("NAME", o.user, "The user")->required();
  command.add_flag("--undo", o.undo, "Enable them again");
  command.footer("The user can't log in any more and is disconnected at once; nothing of theirs is deleted.");
}
Outcome<> disable(Context& context, const Disable& o) {
  return set_disabled(context, o.user, !o.undo);
}
void declare_enable(CLI::App& command, Disable& o) {
  command.add_option("NAME", o.user, "The user")->required();
}
Outcome<> enable(Context& context, const Disable& o) {
  return set_disabled(context, o.user, false);
}

struct Passwd {
  std::string user, old_file;
  SecretSource secret;
};
void declare_passwd(CLI::App& command, Passwd& o) {
  command.add_option("NAME", o.user, "The user; yourself when left out");
  declare_secret(command, o.secret);
  command.add_option("--old-password-file", o.old_file, "Your own old password, when you change your own")
      ->type_name("FILE");
  command.footer(
      "Changing your own password asks for the old one; an administrator sets another's without it.\n"
      "Example: pwgen 16 1 | parleyctl user passwd bob --password-stdin");
}
// The old password is wanted for one's own, except from administrators. "" when it is not.
Outcome<std::string> old_password(Context& context, const Passwd& o, bool own) {
  const SecretSource source{.from_stdin = false, .file = o.old_file};
  if (!o.old_file.empty()) return read_secret(source, "", false);
  if (!own) return std::string{};
  auto me = context.call("user.get", Json::object());
  if (!me) return std::unexpected(me.error());
  if (me->value("admin", false) || !have_terminal()) return std::string{};
  return read_secret(source, "Old password", false);
}

Outcome<> passwd(Context& context, const Passwd& o) {
  auto session = context.session();
  if (!session) return std::unexpected(session.error());
  const auto& me = (*session)->config().user;
  const auto user = o.user.empty() ? me : o.user;
  Json params{{"user", user}};
  auto old = old_password(context, o, user == me);
  if (!old) return std::unexpected(old.error());
  if (!old->empty()) params["old"] = *old;
  auto password = read_secret(o.secret, "New password for " + user, true);
  if (!password) return std::unexpected(password.error());
  params["password"] = *password;
  auto result = context.call("user.passwd", std::move(params));
  if (!result) return std::unexpected(result.error());
  context.done(*result, "Password of " + user + " changed.");
  return {};
}

}  // namespace

void add_user_commands(CLI::App& app, Context& context) {
  auto* user = add_group(app, "user", "Accounts: create, list, disable, enable, passwd, erase");
  add_command(*user, context, "create", "Make a user", declare_create, create);
  add_command(*user, context, "list", "List all users", declare_list, list);
  add_command(*user, context, "disable", "Shut a user out", declare_disable, disable);
  add_command(*user, context, "enable", "Let a disabled user in again", declare_enable, enable);
  add_command(*user, context, "passwd", "Set a password", declare_passwd, passwd);
  add_erase_commands(*user, context);
}

}  // namespace parley::ctl
