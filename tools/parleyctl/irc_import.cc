#include "tools/parleyctl/irc_import.h"

#include <algorithm>
#include <charconv>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/file.h"
#include "tools/parleyctl/irc_nick.h"
#include "wire/limits.h"

namespace parley::ctl {
namespace {

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

Outcome<ImportCount> import_file(Requests& requests, const std::string& room, const ImportFile& file,
                                 std::uint64_t after_line, Speakers& speakers, const ImportProgress& progress,
                                 const ImportWait& wait) {
  ImportCount count;
  std::uint64_t taken = 0, previous = 0;  // lines
  AppendBatch batch(requests, room, wait, [&](const std::vector<std::uint64_t>& seqs) -> Outcome<> {
    count.imported += seqs.size();
    if (progress(file, taken)) return {};
    return refused("interrupted", "Stopped; the same command goes on where it stopped.");
  });
  std::vector<std::string_view> nicks;
  for (const auto& line : file.log.said)
    if (line.line > after_line) nicks.push_back(line.nick);
  speakers.make_all(nicks);
  for (const auto& line : file.log.said) {
    if (line.line <= after_line) {
      ++count.already_there;
      continue;
    }
    auto from = speakers.name_of(line.nick);
    if (!from) return std::unexpected(from.error());
    taken = previous;
    if (auto ok = batch.add(import_entry(line, *from, file.ref_prefix)); !ok)
      return std::unexpected(ok.error());
    previous = line.line;
  }
  taken = file.log.lines;
  if (auto ok = batch.flush(); !ok) return std::unexpected(ok.error());
  return count;
}

}  // namespace parley::ctl
