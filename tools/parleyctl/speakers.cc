#include "tools/parleyctl/speakers.h"

#include <set>
#include <vector>

#include "base/encoding.h"
#include "tools/parleyctl/irc_nick.h"
#include "wire/limits.h"

namespace parley::ctl {

Outcome<> Speakers::load() {
  Json params{{"limit", wire::kListLimitMax}};
  for (;;) {
    auto page = requests_.call("user.list", params);
    if (!page) return std::unexpected(page.error());
    const auto users = page->value("users", Json::array());
    for (const auto& user : users) {
      auto name = user.value("user", std::string{});
      names_[fold_case(name)] = name;
    }
    if (users.empty() || !page->value("more", false)) return {};
    params["after"] = users.back().value("user", std::string{});
  }
}

void Speakers::make_all(std::span<const std::string_view> nicks) {
  std::set<std::string> wanted;  // folded
  std::vector<std::string> names;
  std::vector<Json> accounts;
  for (const auto nick : nicks) {
    auto name = nick_to_name(nick);
    auto folded = fold_case(name);
    if (names_.contains(folded) || !wanted.insert(std::move(folded)).second) continue;
    accounts.push_back(account(name, nick, {}));
    names.push_back(std::move(name));
  }
  const auto results = requests_.call_all("user.create", std::move(accounts));
  for (std::size_t i = 0; i < results.size(); ++i) (void)note(names[i], results[i]);
}

Outcome<std::string> Speakers::name_of(std::string_view nick, std::string_view title) {
  auto name = nick_to_name(nick);
  if (auto known = names_.find(fold_case(name)); known != names_.end()) return known->second;
  if (auto made = note(name, requests_.call("user.create", account(name, nick, title))); !made)
    return std::unexpected(made.error());
  return name;
}

Outcome<> Speakers::note(const std::string& name, const Outcome<Json>& made) {
  // Someone else may have made it meanwhile, or our first try was done after all.
  if (!made && made.error().code != "already_exists") return std::unexpected(made.error());
  if (made) ++made_;
  names_.emplace(fold_case(name), name);
  return {};
}

Json Speakers::account(const std::string& name, std::string_view nick, std::string_view title) {
  Json params{{"user", name}};
  if (title.empty() && name != nick) title = nick;
  if (!title.empty()) params["title"] = imported_title(title);
  return params;
}

std::string imported_title(std::string_view text) {
  return repair_utf8(text.substr(0, wire::kDisplayNameMax / 3));
}

}  // namespace parley::ctl
