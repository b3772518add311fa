#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

struct Which {
  std::string user, device;
};

void declare_list(CLI::App& command, Which& o) {
  command.add_option("USER", o.user, "Whose; your own when left out");
}
Outcome<> list(Context& context, const Which& o) {
  Json params = Json::object();
  if (!o.user.empty()) params["user"] = o.user;
  auto result = context.call("device.list", std::move(params));
  if (!result) return std::unexpected(result.error());
  Table table({"DEVICE", "CONNECTED", "SAYS", "FIRST SEEN", "LAST SEEN"});
  for (const auto& device : (*result)["devices"]) {
    if (context.json) context.json_line(device);
    table.add({cell(device, "device"), cell(device, "connected"), cell(device, "status"),
               time_cell(device, "first_seen"), time_cell(device, "last_seen")});
  }
  if (!context.json) table.print(context.out);
  return {};
}

void declare_forget(CLI::App& command, Which& o) {
  command.add_option("DEVICE", o.device, "The client id")->required();
  command.add_option("--user", o.user, "Whose; your own when left out")->type_name("USER");
  command.footer(
      "Ends its session and revokes every token it logged in with, also where another device uses the same "
      "token.\nWith the account's password it can come back: change that, too.");
}
Outcome<> forget(Context& context, const Which& o) {
  Json params{{"device", o.device}};
  if (!o.user.empty()) params["user"] = o.user;
  auto result = context.call("device.forget", std::move(params));
  if (!result) return std::unexpected(result.error());
  context.done(*result, o.device + " is forgotten. Sessions ended: " + cell(*result, "kicked") +
                            ", tokens revoked: " + cell(*result, "revoked") + ".");
  return {};
}

}  // namespace

void add_device_commands(CLI::App& app, Context& context) {
  auto* device = add_group(app, "device", "What users connect with: list, forget");
  add_command(*device, context, "list", "List the devices a user ever connected with", declare_list, list);
  add_command(*device, context, "forget", "Put a device out, and revoke its tokens", declare_forget, forget);
}

}  // namespace parley::ctl
