#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

struct Whom {
  std::string user, client, network;
};
void declare_whom(CLI::App& command, Whom& o) {
  auto* one = command.add_option_group("WHOM", "One of these");
  one->add_option("--user", o.user, "A user, on every device")->type_name("USER");
  one->add_option("--client", o.client, "A client id, whoever uses it")->type_name("ID");
  one->add_option("--network,--address", o.network,
                  "An address, or a network such as 192.0.2.0/24 or 2001:db8::/32")
      ->type_name("NETWORK");
  one->require_option(1);
}
Json params_of(const Whom& o) {
  if (!o.user.empty()) return {{"user", o.user}};
  if (!o.client.empty()) return {{"client", o.client}};
  return {{"network", o.network}};
}
const std::string& name_of(const Whom& o) {
  return !o.user.empty() ? o.user : !o.client.empty() ? o.client : o.network;
}

struct Add : Whom {
  std::string for_how_long, reason;
};
void declare_add(CLI::App& command, Add& o) {
  declare_whom(command, o);
  command.add_option("--for", o.for_how_long, "For how long: 90s, 15m, 2h, 30d; without it, for good")
      ->type_name("TIME");
  command.add_option("--reason", o.reason, "For who reads the list");
  command.footer(
      "Whoever it hits is put out at once and not let in until it ends, also with parleyd away and after a\n"
      "restart of the broker. A ban of a user also stops what sleeping sessions of theirs would get.\n\n"
      "Example: parleyctl ban add --network 192.0.2.0/24 --for 2h --reason \"flood\"");
}
Outcome<> add(Context& context, const Add& o) {
  Json params = params_of(o);
  if (!o.for_how_long.empty()) {
    const auto seconds = parse_duration_s(o.for_how_long);
    if (seconds == 0) return usage("--for takes a time such as 90s, 15m, 2h or 30d.");
    params["for_s"] = seconds;
  }
  if (!o.reason.empty()) params["reason"] = o.reason;
  auto result = context.call("ban.add", std::move(params));
  if (!result) return std::unexpected(result.error());
  const Json ban = result->value("ban", Json::object());
  const auto until = ban.contains("until") ? " until " + time_cell(ban, "until") : std::string();
  context.done(*result, cell(ban, "target") + " is banned" + until +
                            ". Sessions ended: " + cell(*result, "kicked") + ".");
  return {};
}

Outcome<> remove(Context& context, const Whom& o) {
  auto result = context.call("ban.remove", params_of(o));
  if (!result) return std::unexpected(result.error());
  context.done(*result, name_of(o) + " is banned no longer.");
  return {};
}

struct All {};
void declare_list(CLI::App& command, All&) {
  command.footer(
      "BY is - where the broker did it by itself, for a while. Users come first, then client ids, then "
      "networks.");
}
Outcome<> list(Context& context, const All&) {
  Table table({"KIND", "TARGET", "SINCE", "UNTIL", "BY", "REASON"});
  auto ok = context.each_of("ban.list", Json::object(), "bans", "id", [&](const Json& ban) {
    if (context.json) return context.json_line(ban);
    table.add({cell(ban, "kind"), cell(ban, "target"), time_cell(ban, "at"),
               ban.contains("until") ? time_cell(ban, "until") : "for good", cell(ban, "by"),
               cell(ban, "reason")});
  });
  if (ok && !context.json) table.print(context.out);
  return ok;
}

}  // namespace

void add_ban_commands(CLI::App& app, Context& context) {
  auto* ban = add_group(app, "ban", "Who is not let in: list, add, remove");
  add_command(*ban, context, "list", "List the bans in force", declare_list, list);
  add_command(*ban, context, "add", "Keep a user, a client id or a network out", declare_add, add);
  add_command(*ban, context, "remove", "Let them in again", declare_whom, remove);
}

}  // namespace parley::ctl
