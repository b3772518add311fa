#include <iostream>

#include "base/file.h"
#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

struct Which {
  std::string user, device, provider;
};

void declare_list(CLI::App& command, Which& o) {
  command.add_option("USER", o.user, "Whose; your own when left out");
  command.footer("Addresses are shown to nobody. `parleyctl notify test USER` tells whether they work.");
}
Outcome<> list(Context& context, const Which& o) {
  Json params = Json::object();
  if (!o.user.empty()) params["user"] = o.user;
  auto result = context.call("push.list", std::move(params));
  if (!result) return std::unexpected(result.error());
  Table table({"ID", "DEVICE", "PROVIDER", "SINCE"});
  for (const auto& one : (*result)["registrations"]) {
    if (context.json) context.json_line(one);
    table.add({cell(one, "id"), cell(one, "device"), cell(one, "provider"), time_cell(one, "at")});
  }
  if (!context.json) table.print(context.out);
  return {};
}

struct Register : Which {
  std::string address_file, keys_file, email;
};
void declare_register(CLI::App& command, Register& o) {
  command.add_option("USER", o.user, "Who is reached there")->required();
  command.add_option("--provider", o.provider, "fcm, apns, webpush or email")->type_name("NAME")->required();
  auto* file =
      command.add_option("--address-file", o.address_file,
                         "Read the address from FILE (not readable by others), or with - from stdin");
  file->type_name("FILE");
  command.add_option("--email", o.email, "The e-mail address itself: it is no secret")
      ->type_name("ADDRESS")
      ->excludes(file);
  command
      .add_option("--keys-file", o.keys_file,
                  "Of webpush and apns: FILE with the keys, a JSON object (topics.md §7)")
      ->type_name("FILE");
  command.add_option("--device", o.device, "Which device it is; email when left out with --provider email")
      ->type_name("ID");
  command.footer(
      "Apps register themselves; this is for e-mail addresses, which only administrators register, and for "
      "trying "
      "things out.\n"
      "Whoever has a device's address can write to it: so it is never given on the command line.\n"
      "Examples:\n"
      "  parleyctl push register alice --provider email --email alice@example.org\n"
      "  parleyctl push register alice --provider fcm --device alice-phone --address-file token.txt");
}

Outcome<std::string> read_address(const Register& o) {
  if (!o.email.empty() && o.provider != "email")
    return usage("--email goes with --provider email; other addresses are read with --address-file.");
  if (!o.email.empty()) return o.email;
  if (o.address_file.empty())
    return usage("Which address? Give --address-file, or with --provider email --email.");
  if (o.address_file != "-") {
    auto address = read_secret_file(o.address_file);
    if (!address) return usage(address.error().message);
    return *address;
  }
  std::string address;
  std::getline(std::cin, address);
  if (address.empty()) return usage("There is no address on stdin.");
  return address;
}

Outcome<> do_register(Context& context, const Register& o) {
  auto address = read_address(o);
  if (!address) return std::unexpected(address.error());
  Json params{{"user", o.user}, {"provider", o.provider}, {"address", *address}};
  if (!o.device.empty()) params["device"] = o.device;
  if (!o.keys_file.empty()) {
    auto text = read_secret_file(o.keys_file);
    if (!text) return usage(text.error().message);
    params["keys"] = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
    if (!params["keys"].is_object()) return usage(o.keys_file + " holds no JSON object.");
  }
  auto result = context.call("push.register", std::move(params));
  if (!result) return std::unexpected(result.error());
  context.done(*result, o.user + " is reached by " + o.provider + " on " + cell(*result, "device") + ".");
  return {};
}

void declare_unregister(CLI::App& command, Which& o) {
  command.add_option("USER", o.user, "Whose")->required();
  command.add_option("--device", o.device, "Only this device's")->type_name("ID");
  command.add_option("--provider", o.provider, "Only those with this provider")->type_name("NAME");
  command.footer("Example: parleyctl push unregister alice --provider email");
}
Outcome<> unregister(Context& context, const Which& o) {
  Json params{{"user", o.user}};
  if (!o.device.empty()) params["device"] = o.device;
  if (!o.provider.empty()) params["provider"] = o.provider;
  auto result = context.call("push.unregister", std::move(params));
  if (!result) return std::unexpected(result.error());
  context.done(*result, "Registrations removed: " + cell(*result, "removed") + ".");
  return {};
}

}  // namespace

void add_push_commands(CLI::App& app, Context& context) {
  auto* push =
      add_group(app, "push", "Where people are reached when they are away: list, register, unregister");
  add_command(*push, context, "list", "List a user's registrations", declare_list, list);
  add_command(*push, context, "register", "Register an address for a user", declare_register, do_register);
  add_command(*push, context, "unregister", "Remove a user's registrations", declare_unregister, unregister);
}

}  // namespace parley::ctl
