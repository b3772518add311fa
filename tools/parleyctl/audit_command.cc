#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

constexpr std::uint64_t kPage = 500;

struct Audit {
  std::string actor, room, user, since;
  std::uint64_t limit = 50;
};
void declare_audit(CLI::App& command, Audit& o) {
  command.add_option("--actor", o.actor, "What this user did")->type_name("USER");
  command.add_option("--room", o.room, "What was done in this room")->type_name("ROOM");
  command.add_option("--user", o.user, "What was done to this user")->type_name("USER");
  command.add_option("--since", o.since, "Of the last 90s, 15m, 12h, 30d")->type_name("TIME");
  command.add_option("--limit", o.limit, "How many, the newest; 50 when left out")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command.footer(
      "Newest first. OUTCOME: ok; asked, of what the broker or a provider carries out; else why it was refused.\n"
      "Example: parleyctl audit --room lobby --since 7d");
}

void add_act(Context& context, Table& table, const Json& act) {
  if (context.json) return context.json_line(act);
  const auto details = act.value("details", Json::object());
  table.add({time_cell(act, "at"), cell(act, "actor"), cell(act, "action"), cell(act, "room"),
             cell(act, "user"), cell(act, "outcome"), cell(act, "device"), cell(act, "address"),
             details.empty() ? "-" : details.dump(-1, ' ', false, Json::error_handler_t::replace)});
}

Outcome<> audit(Context& context, const Audit& o) {
  Json params = Json::object();
  for (const auto& [key, value] :
       {std::pair("actor", &o.actor), std::pair("room", &o.room), std::pair("user", &o.user)})
    if (!value->empty()) params[key] = *value;
  if (!o.since.empty()) {
    const auto seconds = parse_duration_s(o.since);
    if (seconds == 0) return usage("--since takes 90s, 15m, 12h or 30d.");
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    params["since"] = std::chrono::duration_cast<std::chrono::milliseconds>(now).count() - seconds * 1000;
  }
  Table table({"WHEN", "WHO", "WHAT", "ROOM", "ON WHOM", "OUTCOME", "DEVICE", "ADDRESS", "DETAILS"});
  for (auto left = o.limit; left > 0;) {
    params["limit"] = std::min(left, kPage);
    auto page = context.call("audit.list", params);
    if (!page) return std::unexpected(page.error());
    const auto& acts = (*page)["acts"];
    for (const auto& act : acts) add_act(context, table, act);
    if (acts.empty() || !page->value("more", false)) break;
    left -= std::min<std::uint64_t>(left, acts.size());
    params["before"] = acts.back()["id"];
  }
  if (!context.json) table.print(context.out);
  return {};
}

}  // namespace

void add_audit_command(CLI::App& app, Context& context) {
  add_command(app, context, "audit", "Who did what as an administrator or moderator", declare_audit, audit);
}

}  // namespace parley::ctl
