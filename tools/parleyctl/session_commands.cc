#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

struct Which {
  std::string user, device;
};

void declare_list(CLI::App& command, Which& o) {
  command.add_option("USER", o.user, "Only this user's");
}
Outcome<> list(Context& context, const Which& o) {
  Json params = Json::object();
  if (!o.user.empty()) params["user"] = o.user;
  Table table({"USER", "DEVICE", "ADDRESS", "PROTOCOL", "AUTH", "SINCE"});
  auto ok =
      context.each_of("session.list", std::move(params), "sessions", "device", [&](const Json& session) {
        if (context.json) return context.json_line(session);
        table.add({cell(session, "user"), cell(session, "device"), cell(session, "address"),
                   cell(session, "protocol"), cell(session, "auth"), time_cell(session, "connected_at")});
      });
  if (ok && !context.json) table.print(context.out);
  return ok;
}

void declare_kick(CLI::App& command, Which& o) {
  command.add_option("USER", o.user, "Whose; your own when left out");
  command.add_option("--device", o.device, "Only the one with this client id")->type_name("ID");
  command.footer(
      "A kicked client may come back at once; to keep someone out, disable the user or revoke the token.");
}
Outcome<> kick(Context& context, const Which& o) {
  if (o.user.empty() && o.device.empty()) return usage("Whom? Give the user, --device, or both.");
  Json params = Json::object();
  if (!o.user.empty()) params["user"] = o.user;
  if (!o.device.empty()) params["device"] = o.device;
  auto result = context.call("session.kick", std::move(params));
  if (!result) return std::unexpected(result.error());
  context.done(*result, "Sessions ended: " + cell(*result, "kicked") + ".");
  return {};
}

// Counters of what never happened only hide the others from a person.
void drop_zeros(Json& status) {
  auto broker = status.find("broker");
  if (broker == status.end() || !broker->is_object() || !broker->contains("counters")) return;
  auto& counters = (*broker)["counters"];
  for (auto it = counters.begin(); it != counters.end();) it = *it == 0 ? counters.erase(it) : std::next(it);
}

struct Status {};
void declare_status(CLI::App& command, Status&) {
  command.footer(
      "Counters that stand at 0 are shown by --json only.\n"
      "Exit code 0 says that broker and backend answer; 3 that the broker can't be reached.");
}
Outcome<> status(Context& context, const Status&) {
  auto result = context.call("server.status", Json::object());
  if (!result) return std::unexpected(result.error());
  if (!context.json) drop_zeros(*result);
  context.show(*result);
  return {};
}

struct Shards {};
void declare_shards(CLI::App& command, Shards&) {
  command.footer("Nothing is listed when messages lie in one database (store_shards of parleyd.toml).");
}
Outcome<> shards(Context& context, const Shards&) {
  auto result = context.call("server.shards", Json::object());
  if (!result) return std::unexpected(result.error());
  Table table({"SHARD", "DATABASE", "ANSWERS", "ROOMS", "MESSAGES", "OFFSET"});
  for (const auto& shard : (*result)["shards"]) {
    if (context.json) context.json_line(shard);
    table.add({cell(shard, "shard"), cell(shard, "database"), cell(shard, "answers"), cell(shard, "rooms"),
               cell(shard, "messages"), cell(shard, "offset")});
  }
  if (!context.json) table.print(context.out);
  return {};
}

}  // namespace

void add_session_commands(CLI::App& app, Context& context) {
  auto* session = add_group(app, "session", "Who is connected: list, kick");
  add_command(*session, context, "list", "List connected clients", declare_list, list);
  add_command(*session, context, "kick", "End sessions", declare_kick, kick);
  auto* shard = add_group(app, "shard", "The databases messages are spread over");
  add_command(*shard, context, "status", "Which answer, and what each holds", declare_shards, shards);
  add_command(app, context, "status", "Versions, counts, lag", declare_status, status);
}

}  // namespace parley::ctl
