#include "base/clock.h"
#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

struct Revoke {
  std::string jti, user, good_for;
};
void declare_revoke(CLI::App& command, Revoke& o) {
  auto* jti = command.add_option("JTI", o.jti, "The token's id, its claim `jti`");
  command.add_option("--user", o.user, "Instead: all tokens of this user that were issued until now")
      ->type_name("USER")
      ->excludes(jti);
  command
      .add_option("--good-for", o.good_for,
                  "How long the tokens would be good: the broker forgets them after that; 366d when left out")
      ->type_name("TIME");
  command.footer(
      "Sessions that logged in by them are ended at once. It holds on this broker, also when it is "
      "restarted.\n"
      "To shut somebody out altogether: parleyctl user disable.\n"
      "Example: parleyctl jwt revoke --user alice --good-for 12h");
}
Outcome<> revoke(Context& context, const Revoke& o) {
  if (o.jti.empty() == o.user.empty()) return usage("Which? Give a token's jti, or --user.");
  Json params = Json::object();
  if (!o.jti.empty()) params["jti"] = o.jti;
  if (!o.user.empty()) params["user"] = o.user;
  if (!o.good_for.empty()) {
    const auto seconds = parse_duration_s(o.good_for);
    if (seconds == 0) return usage("--good-for takes a number and s, m, h or d, for example 12h.");
    const SystemClock clock;
    params["until"] = to_ms(clock.wall()) + seconds * 1000;
  }
  auto result = context.call("jwt.revoke", std::move(params));
  if (!result) return std::unexpected(result.error());
  context.done(*result, "Revoked; sessions ended: " + cell(*result, "kicked") + ".");
  return {};
}

struct List {};
void declare_list(CLI::App& command, List&) {
  command.footer("ISSUED UNTIL: of a user's, those issued by then.");
}
Outcome<> list(Context& context, const List&) {
  Table table({"JTI", "USER", "ISSUED UNTIL", "KEPT UNTIL"});
  auto ok = context.each_of("jwt.revoked", Json::object(), "revoked", "key", [&](const Json& entry) {
    if (context.json) return context.json_line(entry);
    table.add(
        {cell(entry, "jti"), cell(entry, "user"), time_cell(entry, "before"), time_cell(entry, "until")});
  });
  if (ok && !context.json) table.print(context.out);
  return ok;
}

}  // namespace

void add_jwt_commands(CLI::App& app, Context& context) {
  auto* jwt = add_group(app, "jwt", "JWTs that are not taken any more: revoke, list");
  add_command(*jwt, context, "revoke", "Take one, or a user's, no longer", declare_revoke, revoke);
  add_command(*jwt, context, "list", "List what is revoked", declare_list, list);
}

}  // namespace parley::ctl
