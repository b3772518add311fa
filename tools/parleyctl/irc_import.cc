#include "tools/parleyctl/irc_import.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/file.h"
#include "tools/parleyctl/irc_nick.h"
#include "wire/limits.h"

namespace parley::ctl {
namespace {

constexpr std::size_t kBatchBytes =
    200 * 1024;  // below wire::kRequestMax, with room for the request around it

bool try_again(const std::string& code) {
  return code == "unavailable" || code == "timeout" || code == "in_doubt" || code == "backlog_full" ||
         code == "rate_limited";
}

std::string ref_prefix(const std::filesystem::path& path, std::string_view bytes, const IrcLog& log) {
  std::string identity = path.filename().string();
  identity += '\n';
  if (!log.said.empty()) {
    const auto& first = log.said.front();
    const char* end = first.text.data() + first.text.size();
    const auto nick_at = static_cast<std::size_t>(first.nick.data() - bytes.data());
    identity += bytes.substr(nick_at, static_cast<std::size_t>(end - first.nick.data()));
  }
  return "irc:" + hex_encode(as_view(sha256(identity)).substr(0, 4)) + ":";
}

// The line a ref of ours names; 0 when it is not of `prefix`.
std::uint64_t line_of(std::string_view ref, std::string_view prefix) {
  if (!ref.starts_with(prefix)) return 0;
  ref.remove_prefix(prefix.size());
  std::uint64_t line = 0;
  auto [end, ec] = std::from_chars(ref.data(), ref.data() + ref.size(), line);
  return ec == std::errc{} && end == ref.data() + ref.size() ? line : 0;
}

void note_imported(const Json& message, std::map<std::string, std::uint64_t>& found) {
  if (!message.value("imported", false)) return;
  const auto ref = message.value("ref", std::string{});
  for (auto& [prefix, line] : found) line = std::max(line, line_of(ref, prefix));
}

Outcome<> append(Requests& requests, const std::string& room, const Json& entries, const ImportWait& wait) {
  for (int tries = 1;; ++tries) {
    auto result = requests.call("append", {{"room", room}, {"entries", entries}});
    if (result && result->value("seqs", Json::array()).size() == entries.size()) return {};
    if (result)
      return refused("internal", "The server took an append but did not number all of its entries.");
    // A repeat is harmless: the refs keep the entries single.
    if (!try_again(result.error().code) || !wait(tries)) return std::unexpected(result.error());
  }
}

}  // namespace

Outcome<ImportFile> open_import(const std::filesystem::path& path,
                                std::optional<std::chrono::year_month_day> date) {
  if (!date) date = date_in_name(path.filename().string());
  if (!date) return usage(path.string() + ": no date (YYYY-MM-DD) in the file's name; give it by --date");
  auto bytes = read_file(path, kImportFileMax);
  if (!bytes) return usage(bytes.error().message);
  auto held = std::make_unique<const std::string>(std::move(*bytes));
  auto log = parse_irc_log(*held, *date);
  auto prefix = ref_prefix(path, *held, log);
  return ImportFile{path, std::move(held), std::move(prefix), std::move(log)};
}

Json import_entry(const IrcLine& line, std::string_view from, std::string_view ref_prefix) {
  auto text = repair_utf8(line.text);
  const bool blank = text.find_first_not_of(" \t\r\n\v\f") == std::string::npos;
  Json content{{"text", std::move(text)}};
  if (line.action) content["action"] = true;
  if (line.nick != from) content["nick"] = repair_utf8(line.nick);
  return {{"from", from},
          {"type", blank ? "x.irc.blank" : "text"},
          {"ref", std::string(ref_prefix) + std::to_string(line.line)},
          {"sent_at", line.sent_at_ms},
          {"content", std::move(content)}};
}

Outcome<std::map<std::string, std::uint64_t>> find_imported(Requests& requests, const std::string& room,
                                                            const std::vector<ImportFile>& files) {
  std::map<std::string, std::uint64_t> found;
  for (const auto& file : files) found[file.ref_prefix] = 0;
  Json params{{"room", room}, {"limit", wire::kHistoryLimitMax}};
  for (;;) {
    auto page = requests.call("history", params);
    if (!page) return std::unexpected(page.error());
    const auto messages = page->value("messages", Json::array());
    for (const auto& message : messages) note_imported(message, found);
    const bool all = std::ranges::all_of(found, [](const auto& f) { return f.second > 0; });
    if (all || messages.empty() || !page->value("more", false)) return found;
    params["before"] = messages.front().value("seq", std::uint64_t{0});
  }
}

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

void Speakers::make_all(const IrcLog& log, std::uint64_t after_line) {
  std::set<std::string> wanted;  // folded
  std::vector<std::string> names;
  std::vector<Json> accounts;
  for (const auto& line : log.said) {
    auto name = nick_to_name(line.nick);
    auto folded = fold_case(name);
    if (line.line <= after_line || names_.contains(folded) || !wanted.insert(std::move(folded)).second)
      continue;
    accounts.push_back(account(name, line.nick));
    names.push_back(std::move(name));
  }
  const auto results = requests_.call_all("user.create", std::move(accounts));
  for (std::size_t i = 0; i < results.size(); ++i) (void)note(names[i], results[i]);
}

Outcome<std::string> Speakers::name_of(std::string_view nick) {
  auto name = nick_to_name(nick);
  if (auto known = names_.find(fold_case(name)); known != names_.end()) return known->second;
  if (auto made = note(name, requests_.call("user.create", account(name, nick))); !made)
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

Json Speakers::account(const std::string& name, std::string_view nick) {
  Json params{{"user", name}};
  if (name != nick) params["title"] = repair_utf8(nick.substr(0, wire::kDisplayNameMax / 3));
  return params;
}

Outcome<ImportCount> import_file(Requests& requests, const std::string& room, const ImportFile& file,
                                 std::uint64_t after_line, Speakers& speakers, const ImportProgress& progress,
                                 const ImportWait& wait) {
  ImportCount count;
  Json batch = Json::array();
  std::size_t bytes = 0;
  const auto flush = [&](std::uint64_t line) -> Outcome<> {
    if (batch.empty()) return {};
    if (auto ok = append(requests, room, batch, wait); !ok) return ok;
    count.imported += batch.size();
    batch = Json::array();
    bytes = 0;
    if (!progress(file, line))
      return refused("interrupted", "Stopped; the same command goes on where it stopped.");
    return {};
  };
  speakers.make_all(file.log, after_line);
  std::uint64_t previous = 0;
  for (const auto& line : file.log.said) {
    if (line.line <= after_line) {
      ++count.already_there;
      continue;
    }
    auto from = speakers.name_of(line.nick);
    if (!from) return std::unexpected(from.error());
    auto entry = import_entry(line, *from, file.ref_prefix);
    const auto size = entry.dump().size() + 1;
    if (batch.size() == wire::kAppendMax || bytes + size > kBatchBytes) {
      if (auto ok = flush(previous); !ok) return std::unexpected(ok.error());
    }
    batch.push_back(std::move(entry));
    bytes += size;
    previous = line.line;
  }
  if (auto ok = flush(file.log.lines); !ok) return std::unexpected(ok.error());
  return count;
}

}  // namespace parley::ctl
