#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

struct Create {
  std::string user, label, expires;
};
void declare_create(CLI::App& command, Create& o) {
  command.add_option("USER", o.user, "Whose; your own when left out");
  command.add_option("--label", o.label, "What it is for, to know it by in lists")->type_name("TEXT");
  command
      .add_option("--expires-in", o.expires,
                  "How long it is good: 90s, 15m, 12h, 30d; for ever when left out")
      ->type_name("TIME");
  command.footer(
      "The token goes where a password goes. It is shown this once.\n"
      "Example: parleyctl token create thermometer --label kitchen --expires-in 365d");
}
Outcome<> create(Context& context, const Create& o) {
  Json params = Json::object();
  if (!o.user.empty()) params["user"] = o.user;
  if (!o.label.empty()) params["label"] = o.label;
  if (!o.expires.empty()) {
    const auto seconds = parse_duration_s(o.expires);
    if (seconds == 0) return usage("--expires-in takes a number and s, m, h or d, for example 30d.");
    params["expires_in"] = seconds;
  }
  auto token = context.call("token.create", std::move(params));
  if (!token) return std::unexpected(token.error());
  context.show(*token);
  return {};
}

struct Revoke {
  std::string id;
};
void declare_revoke(CLI::App& command, Revoke& o) {
  command.add_option("ID", o.id, "The token's id, as `token list` shows it")->required();
  command.footer("Sessions that logged in with it are ended at once.");
}
Outcome<> revoke(Context& context, const Revoke& o) {
  auto result = context.call("token.revoke", {{"token_id", o.id}});
  if (!result) return std::unexpected(result.error());
  context.done(*result, "Token " + o.id + " revoked.");
  return {};
}

struct List {
  std::string user;
};
void declare_list(CLI::App& command, List& o) {
  command.add_option("USER", o.user, "Whose; your own when left out");
}
Outcome<> list(Context& context, const List& o) {
  Json params = Json::object();
  if (!o.user.empty()) params["user"] = o.user;
  auto result = context.call("token.list", std::move(params));
  if (!result) return std::unexpected(result.error());
  Table table({"ID", "USER", "LABEL", "CREATED", "EXPIRES"});
  for (const auto& token : result->value("tokens", Json::array())) {
    if (context.json) {
      context.json_line(token);
      continue;
    }
    table.add({cell(token, "id"), cell(token, "user"), cell(token, "label"), time_cell(token, "created_at"),
               time_cell(token, "expires_at")});
  }
  if (!context.json) table.print(context.out);
  return {};
}

}  // namespace

void add_token_commands(CLI::App& app, Context& context) {
  auto* token = add_group(app, "token", "Device tokens: create, revoke, list");
  add_command(*token, context, "create", "Make a token for a device or a script", declare_create, create);
  add_command(*token, context, "revoke", "Make a token worthless", declare_revoke, revoke);
  add_command(*token, context, "list", "List a user's tokens (not their secrets)", declare_list, list);
}

}  // namespace parley::ctl
