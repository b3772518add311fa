#include <algorithm>

#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

constexpr std::uint64_t kPage = 500;
constexpr std::chrono::seconds kTestPatience{70};  // above the largest notify.timeout_ms

struct Test {
  std::string user;
};
void declare_test(CLI::App& command, Test& o) {
  command.add_option("USER", o.user, "Whom to reach")->required();
  command.footer(
      "Sends a test notification, now, to every device the user registered and by every provider that "
      "reaches "
      "everybody.\n"
      "OUTCOME: sent; retry (the provider could not take it just now); target_dead (nobody is there any "
      "more);\n"
      "refused (not this notification); misconfigured (keys or settings of this server).\n"
      "Exit code 0 says that all were sent; 1 that some were not, or that there is nothing to reach the user "
      "by.");
}
Outcome<> test(Context& context, const Test& o) {
  context.patience = kTestPatience;
  auto result = context.call("notify.test", {{"user", o.user}});
  if (!result) return std::unexpected(result.error());
  const auto& results = (*result)["results"];
  Table table({"PROVIDER", "DEVICE", "OUTCOME", "MS", "REASON"});
  for (const auto& one : results) {
    if (context.json) context.json_line(one);
    table.add({cell(one, "provider"), cell(one, "device"), cell(one, "outcome"), cell(one, "ms"),
               cell(one, "reason")});
  }
  if (!context.json) table.print(context.out);
  if (results.empty())
    return refused(
        "not_found",
        o.user + " has no registration, and no provider reaches everybody: there is no way to reach them.");
  const auto failed =
      std::ranges::count_if(results, [](const Json& one) { return one.value("outcome", "") != "sent"; });
  if (failed > 0)
    return refused("not_sent",
                   std::to_string(failed) + " of " + std::to_string(results.size()) + " were not sent.");
  return {};
}

struct Log {
  std::string user, provider, outcome;
  std::uint64_t limit = 50;
};
void declare_log(CLI::App& command, Log& o) {
  command.add_option("--user", o.user, "Of this user")->type_name("USER");
  command.add_option("--provider", o.provider, "Sent by this provider")->type_name("NAME");
  command.add_option("--outcome", o.outcome, "That ended so: sent, updated, withdrawn, dropped, retry, dead")
      ->type_name("WORD");
  command.add_option("--limit", o.limit, "How many, the newest; 50 when left out")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command.footer(
      "Newest first. A dropped one was not needed any more when it was due; REASON says why (read, muted, "
      "…).\n"
      "Example: parleyctl notify log --user alice --outcome dead");
}

void add_row(Context& context, Table& table, const Json& row) {
  if (context.json) return context.json_line(row);
  table.add({time_cell(row, "at"), cell(row, "user"), cell(row, "provider"), cell(row, "room"),
             cell(row, "seq"), cell(row, "outcome"), cell(row, "attempts"), cell(row, "ms"),
             cell(row, "reason")});
}

Outcome<> log(Context& context, const Log& o) {
  Json params = Json::object();
  for (const auto& [key, value] :
       {std::pair("user", &o.user), std::pair("provider", &o.provider), std::pair("outcome", &o.outcome)})
    if (!value->empty()) params[key] = *value;
  Table table({"WHEN", "USER", "PROVIDER", "ROOM", "SEQ", "OUTCOME", "ATTEMPTS", "MS", "REASON"});
  for (auto left = o.limit; left > 0;) {
    params["limit"] = std::min(left, kPage);
    auto page = context.call("notify.log", params);
    if (!page) return std::unexpected(page.error());
    const auto& rows = (*page)["log"];
    for (const auto& row : rows) add_row(context, table, row);
    if (rows.empty() || !page->value("more", false)) break;
    left -= std::min<std::uint64_t>(left, rows.size());
    params["before"] = rows.back()["id"];
  }
  if (!context.json) table.print(context.out);
  return {};
}

struct Status {};
void declare_status(CLI::App& command, Status&) {
  command.footer(
      "WAITING: not due yet. READY, SENDING: on their way; OLDEST is how long the oldest of them has waited, "
      "in "
      "seconds.\n"
      "SHOWN: told, and still to be followed by edits and deletions. DEAD: given up (parleyctl notify dead "
      "list).");
}
Outcome<> status(Context& context, const Status&) {
  auto result = context.call("notify.status", Json::object());
  if (!result) return std::unexpected(result.error());
  if (context.json) {
    context.json_line(*result);
    return {};
  }
  std::string providers;
  for (const auto& name : (*result)["providers"])
    providers += (providers.empty() ? "" : ", ") + (name.is_string() ? name.get<std::string>() : "?");
  context.out << "Providers in use: " << (providers.empty() ? "none" : printable(providers)) << '\n';
  Table table({"PROVIDER", "WAITING", "READY", "SENDING", "SHOWN", "DEAD", "OLDEST"});
  for (const auto& queue : (*result)["queues"])
    table.add({cell(queue, "provider"), cell(queue, "waiting"), cell(queue, "ready"), cell(queue, "sending"),
               cell(queue, "shown"), cell(queue, "dead"), cell(queue, "oldest_s")});
  table.print(context.out);
  return {};
}

}  // namespace

void add_notify_commands(CLI::App& app, Context& context) {
  auto* notify = add_group(app, "notify", "Telling people who are away: test, log, dead, wishes, …");
  add_command(*notify, context, "test", "Send a user a test notification, everywhere", declare_test, test);
  add_command(*notify, context, "log", "What became of notifications", declare_log, log);
  add_command(*notify, context, "status", "Providers in use, and what is under way", declare_status, status);
  add_dead_letter_commands(*notify, context);
  add_wish_commands(*notify, context);
}

}  // namespace parley::ctl
