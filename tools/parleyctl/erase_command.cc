#include <chrono>
#include <thread>

#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

constexpr std::chrono::milliseconds kAskEvery{500};

struct Erase {
  std::string user;
  bool yes = false, no_wait = false;
};
void declare_erase(CLI::App& command, Erase& o) {
  command.add_option("NAME", o.user, "The user")->required();
  command.add_flag("--yes", o.yes, "Do not ask");
  command.add_flag("--no-wait", o.no_wait, "Do not wait until it is done");
  command.footer(
      "The account, its name and everything the user wrote are taken out of the server; numbers of messages "
      "stay.\n"
      "There is no way back, and nobody can have the name again. It goes on by itself when it is "
      "interrupted:\n"
      "parleyctl user erasures tells how far it is. The server's backups are yours to let expire.");
}

// The erasure of this pseudonym as it is now.
Outcome<Json> look(Context& context, const std::string& pseudonym) {
  Json found;
  auto ok = context.each_of("user.erasures", Json::object(), "erasures", "pseudonym", [&](const Json& one) {
    if (one.value("pseudonym", "") == pseudonym) found = one;
  });
  if (!ok) return std::unexpected(ok.error());
  return found;
}

Outcome<Json> wait_for(Context& context, const std::string& pseudonym) {
  std::string told;
  for (;;) {
    auto now = look(context, pseudonym);
    if (!now || now->contains("done_at")) return now;
    auto line =
        now->value("stage", "waiting") + ": " + std::to_string(now->value("changed", 0)) + " messages";
    if (!context.json && line != told) context.err << line << std::endl;
    told = std::move(line);
    std::this_thread::sleep_for(kAskEvery);
  }
}

Outcome<> erase(Context& context, const Erase& o) {
  if (!o.yes) {
    if (!have_terminal()) return usage("Erasing a user without a terminal to ask on needs --yes.");
    if (!confirmed("Erase user " + o.user + " and everything they wrote, for ever?"))
      return refused("interrupted", "Nothing was erased.");
  }
  auto begun = context.call("user.erase", {{"user", o.user}, {"confirm", o.user}});
  if (!begun) return std::unexpected(begun.error());
  const auto pseudonym = begun->value("pseudonym", "");
  if (o.no_wait) {
    context.done(*begun, "The user is shut out and is being erased; what is left names " + pseudonym + ".");
    return {};
  }
  auto done = wait_for(context, pseudonym);
  if (!done) return std::unexpected(done.error());
  context.done(*done, "The user was erased; what is left names " + pseudonym + ".");
  return {};
}

struct List {};
void declare_list(CLI::App& command, List&) {
  command.footer("NAME is shown only as long as the server still has it.");
}
Outcome<> list(Context& context, const List&) {
  Table table({"PSEUDONYM", "NAME", "BEGUN", "DONE", "STAGE", "MESSAGES"});
  auto ok = context.each_of("user.erasures", Json::object(), "erasures", "pseudonym", [&](const Json& one) {
    if (context.json) return context.json_line(one);
    table.add({cell(one, "pseudonym"), cell(one, "user"), time_cell(one, "begun_at"),
               time_cell(one, "done_at"), cell(one, "stage"), cell(one, "changed")});
  });
  if (ok && !context.json) table.print(context.out);
  return ok;
}

}  // namespace

void add_erase_commands(CLI::App& user, Context& context) {
  add_command(user, context, "erase", "Take a user and all they wrote out of the server", declare_erase,
              erase);
  add_command(user, context, "erasures", "Users who were, or are being, erased", declare_list, list);
}

}  // namespace parley::ctl
