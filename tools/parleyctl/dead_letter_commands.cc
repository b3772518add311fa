#include <algorithm>
#include <functional>
#include <vector>

#include "tools/parleyctl/commands.h"

namespace parley::ctl {
namespace {

constexpr std::uint64_t kPage = 500;
constexpr std::size_t kRetriedAtOnce = 1'000;

// Those there were when it began and came meanwhile, page after page.
Outcome<> each_letter(Context& context, const std::function<void(const Json&)>& each) {
  Json params{{"limit", kPage}};
  for (;;) {
    auto page = context.call("notify.dead", params);
    if (!page) return std::unexpected(page.error());
    const auto& letters = (*page)["dead"];
    for (const auto& letter : letters) each(letter);
    if (letters.empty() || !page->value("more", false)) return {};
    params["after"] = letters.back()["id"];
  }
}

struct List {};
void declare_list(CLI::App& command, List&) {
  command.footer(
      "Notifications that were given up, oldest first: REASON is what the provider said last.\n"
      "With the cause mended, `parleyctl notify dead retry` sends them after all; otherwise they go by "
      "themselves "
      "(notify.keep_days).");
}
Outcome<> list(Context& context, const List&) {
  Table table({"ID", "WHEN", "USER", "PROVIDER", "ROOM", "SEQ", "ATTEMPTS", "REASON"});
  auto done = each_letter(context, [&](const Json& letter) {
    if (context.json) return context.json_line(letter);
    table.add({cell(letter, "id"), time_cell(letter, "at"), cell(letter, "user"), cell(letter, "provider"),
               cell(letter, "room"), cell(letter, "seq"), cell(letter, "attempts"), cell(letter, "reason")});
  });
  if (done && !context.json) table.print(context.out);
  return done;
}

struct Retry {
  std::vector<std::uint64_t> ids;
  bool all = false;
};
void declare_retry(CLI::App& command, Retry& o) {
  auto* ids = command.add_option("ID", o.ids, "Which, as `notify dead list` shows them");
  command.add_flag("--all", o.all, "All there are now")->excludes(ids);
  command.footer(
      "Each is sent as it was to be sent, with the same id; of what has been read since, nothing is told.\n"
      "Example: parleyctl notify dead retry 17 18");
}
Outcome<> retry(Context& context, const Retry& o) {
  if (!o.all && o.ids.empty()) return usage("Which? Give ids, or --all.");
  auto ids = o.ids;
  if (o.all) {
    auto listed = each_letter(
        context, [&](const Json& letter) { ids.push_back(letter.value("id", std::uint64_t{0})); });
    if (!listed) return listed;
  }
  std::uint64_t retried = 0;
  for (std::size_t at = 0; at < ids.size(); at += kRetriedAtOnce) {
    const auto end = std::min(at + kRetriedAtOnce, ids.size());
    auto result =
        context.call("notify.retry", {{"ids", Json(std::vector(ids.begin() + at, ids.begin() + end))}});
    if (!result) return std::unexpected(result.error());
    retried += result->value("retried", std::uint64_t{0});
  }
  context.done({{"retried", retried}}, "To be sent after all: " + std::to_string(retried) + ".");
  return {};
}

}  // namespace

void add_dead_letter_commands(CLI::App& notify, Context& context) {
  auto* dead = add_group(notify, "dead", "Notifications that were given up: list, retry");
  add_command(*dead, context, "list", "List them, and why", declare_list, list);
  add_command(*dead, context, "retry", "Send them after all", declare_retry, retry);
}

}  // namespace parley::ctl
