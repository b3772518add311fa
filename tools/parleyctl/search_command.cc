#include <algorithm>

#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

struct Search {
  std::string query, room, from;
  std::uint64_t limit = 20;
};

void declare(CLI::App& command, Search& o) {
  command.add_option("QUERY", o.query, "Words that all must be there; begin* of a word; \"a phrase\"")
      ->required();
  command.add_option("--room", o.room, "In this room only; otherwise in all rooms of yours")
      ->type_name("ROOM");
  command.add_option("--from", o.from, "Only what this user said")->type_name("USER");
  command.add_option("--limit", o.limit, "How many, the newest; 20 when left out")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command.footer("Newest first.\nExample: parleyctl search 'lunch \"at one\" tomor*' --room lobby");
}

void print(Context& context, const Json& envelope) {
  if (context.json)
    context.json_line(envelope);
  else
    context.out << printable(cell(envelope, "room")) << "  " << format_message(envelope) << '\n';
}

Outcome<> search(Context& context, const Search& o) {
  auto session = context.session();
  if (!session) return std::unexpected(session.error());
  Json params{{"query", o.query}};
  if (!o.room.empty()) params["room"] = o.room;
  if (!o.from.empty()) params["from"] = o.from;
  for (std::uint64_t left = o.limit; left > 0 && context.out.good();) {
    params["limit"] = std::min<std::uint64_t>(left, 100);
    auto page = (*session)->call("search", params);
    if (!page) return std::unexpected(page.error());
    for (const auto& message : page->value("messages", Json::array())) {
      print(context, message);
      if (left > 0) --left;
    }
    if (!page->value("more", false)) break;
    params["next"] = page->value("next", "");
  }
  return {};
}

}  // namespace

void add_search_command(CLI::App& app, Context& context) {
  add_command(app, context, "search", "Find messages by their words", declare, search);
}

}  // namespace parley::ctl
