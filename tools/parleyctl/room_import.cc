#include <fstream>
#include <set>

#include "tools/parleyctl/imported_refs.h"
#include "tools/parleyctl/room_archive.h"
#include "wire/erasure.h"
#include "wire/names.h"

namespace parley::ctl {
namespace {

constexpr std::size_t kLineMax = 1 << 20;  // bytes; an envelope has at most half of it

// Calls `each` with every line; a Failure it gives ends it.
Outcome<> each_line(const std::filesystem::path& file,
                    const std::function<Outcome<>(std::uint64_t line, Json json)>& each) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return usage(file.string() + " can't be read.");
  std::string text;
  for (std::uint64_t line = 1; std::getline(in, text); ++line) {
    const auto where = file.string() + ", line " + std::to_string(line);
    if (text.size() > kLineMax) return usage(where + " is longer than any line of an export.");
    auto json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return usage(where + " is not a JSON object.");
    if (auto ok = each(line, std::move(json)); !ok) return ok;
  }
  return {};
}

struct Check {
  ArchiveHead head;
  ArchiveCount seen;
  std::uint64_t seq = 0;
  bool ended = false;

  Outcome<> line(std::uint64_t number, const Json& json) {
    if (number == 1) return first(json);
    if (ended) return wrong(number, "comes after the end");
    if (json.contains("member")) return member(number, json["member"]);
    if (json.contains("message")) return message(number, json["message"]);
    if (json.contains("held")) {
      ++seen.held;
      return {};
    }
    if (!json.contains("end")) return wrong(number, "is none that this version knows");
    ended = true;
    const auto& end = json["end"];
    if (end.value("members", std::uint64_t{0}) != seen.members ||
        end.value("messages", std::uint64_t{0}) != seen.messages ||
        end.value("held", std::uint64_t{0}) != seen.held)
      return wrong(number, "counts other lines than there are");
    head.count = seen;
    return {};
  }

 private:
  static Outcome<> wrong(std::uint64_t number, const std::string& what) {
    return usage("This is no whole export of a room: line " + std::to_string(number) + " " + what + ".");
  }
  Outcome<> first(const Json& json) {
    if (json.value("parley", Json()) != "room" || !json.contains("room") || !json["room"].is_object())
      return wrong(1, "does not say that it is one");
    if (json.value("version", Json()) != kArchiveVersion)
      return usage("The export has version " + json.value("version", Json()).dump() +
                   "; this parleyctl reads " + std::to_string(kArchiveVersion) + ".");
    head.room = json["room"];
    if (!head.room.value("epoch", Json()).is_string()) return wrong(1, "has no epoch");
    return {};
  }
  Outcome<> member(std::uint64_t number, const Json& member) {
    if (!member.is_object() || !member.value("user", Json()).is_string() ||
        !wire::valid_name(member["user"].get<std::string>()))
      return wrong(number, "is no member");
    ++seen.members;
    return {};
  }
  Outcome<> message(std::uint64_t number, const Json& message) {
    const bool whole = message.is_object() && message.value("from", Json()).is_string() &&
                       (wire::valid_name(message["from"].get<std::string>()) ||
                        wire::is_pseudonym(message["from"].get<std::string>())) &&
                       message.value("seq", Json()).is_number_unsigned() &&
                       message.value("at", Json()).is_number_unsigned() &&
                       message.value("type", Json()).is_string() &&
                       message.value("content", Json()).is_object();
    if (!whole) return wrong(number, "is no message");
    if (message["seq"] <= seq) return wrong(number, "is out of order");
    seq = message["seq"];
    ++seen.messages;
    return {};
  }
};

// With this content, which is what becomes of the message's own.
bool clients_may_send(const Json& message, const Json& content) {
  const auto& type = message["type"].get_ref<const std::string&>();
  const bool speaks_of_another = type == "edit" || type == "delete" || type == "reaction";
  return !message.contains("deleted") && !message["content"].empty() && type != "member" && type != "room" &&
         type != "data" && (!speaks_of_another || content.contains("target"));
}

class Import {
 public:
  Import(Requests& requests, const ArchiveHead& head, std::string room, const ArchiveProgress& progress,
         const ImportWait& wait)
      : requests_(requests),
        head_(head),
        room_(std::move(room)),
        prefix_("archive:" + head.room["epoch"].get<std::string>() + ":"),
        batch_(requests, room_, wait, [this, &progress](const std::vector<std::uint64_t>& seqs) -> Outcome<> {
          for (std::size_t i = 0; i < seqs.size(); ++i) seqs_[waiting_[i]] = seqs[i];
          count_.imported += seqs.size();
          waiting_.clear();
          if (progress(count_.imported + count_.already_there, head_.count.messages)) return {};
          return refused("interrupted", "Stopped; the same command goes on where it stopped.");
        }) {}

  Outcome<RestoredCount> run(const std::filesystem::path& file) {
    if (auto ok = make_room(); !ok) return std::unexpected(ok.error());
    auto there = imported_refs(requests_, room_, prefix_);
    if (!there) return std::unexpected(there.error());
    seqs_ = std::move(*there);
    auto read = each_line(file, [this](std::uint64_t, Json json) -> Outcome<> {
      if (json.contains("member")) return member(json["member"]);
      return json.contains("message") ? message(json["message"]) : Outcome<>();
    });
    if (!read) return std::unexpected(read.error());
    if (auto ok = batch_.flush(); !ok) return std::unexpected(ok.error());
    return count_;
  }

 private:
  Outcome<> make_room() {
    Json params{{"room", room_}, {"public", head_.room.value("public", false)}};
    if (head_.room.value("kind", "") == "channel") params["kind"] = "channel";
    if (const auto title = head_.room.value("title", std::string()); !title.empty()) params["title"] = title;
    auto made = requests_.call("room.create", std::move(params));
    if (!made && made.error().code != "already_exists") return std::unexpected(made.error());
    return {};
  }

  Outcome<> account(const std::string& user) {
    if (!accounts_.insert(user).second) return {};
    auto made = requests_.call("user.create", {{"user", user}});
    if (!made && made.error().code != "already_exists") return std::unexpected(made.error());
    return {};
  }

  Outcome<> member(const Json& member) {
    const auto user = member["user"].get<std::string>();
    if (auto ok = account(user); !ok) return ok;
    auto added = requests_.call("member.add",
                                {{"room", room_}, {"user", user}, {"role", member.value("role", "member")}});
    if (added) ++count_.members;
    if (added || added.error().code == "already_exists" || added.error().code == "banned") return {};
    return std::unexpected(added.error());
  }

  Outcome<> message(const Json& message) {
    const auto ref = prefix_ + message["seq"].dump();
    if (seqs_.contains(ref)) {
      ++count_.already_there;
      return {};
    }
    auto content = content_of(message);
    if (!content) return std::unexpected(content.error());
    const auto type = message["type"].get<std::string>();
    Json entry{{"from", message["from"]},
               {"type", clients_may_send(message, *content) ? type : "x.parley." + type},
               {"ref", ref},
               {"sent_at", message.value("sent_at", message["at"])},
               {"content", *std::move(content)}};
    if (auto ok = batch_.add(std::move(entry)); !ok) return ok;
    waiting_.push_back(ref);
    return {};
  }

  // What an entry says of others says it of their new numbers; of one that is not in the file, nothing.
  Outcome<Json> content_of(const Json& message) {
    auto content = message["content"];
    content.erase("ref");
    content.erase("type");
    if (message.contains("deleted")) content = {{"deleted", true}};
    for (const char* key : {"target", "thread", "reply_to"}) {
      if (!content.contains(key) || !content[key].is_number_unsigned()) continue;
      auto seq = new_seq(content[key].get<std::uint64_t>());
      if (!seq) return std::unexpected(seq.error());
      if (*seq > 0)
        content[key] = *seq;
      else
        content.erase(key);
    }
    if (content.empty()) content = {{"empty", true}};
    return content;
  }

  Outcome<std::uint64_t> new_seq(std::uint64_t old) {
    const auto ref = prefix_ + std::to_string(old);
    if (!seqs_.contains(ref))
      if (auto ok = batch_.flush(); !ok) return std::unexpected(ok.error());
    const auto found = seqs_.find(ref);
    return found == seqs_.end() ? 0 : found->second;
  }

  Requests& requests_;
  const ArchiveHead& head_;
  const std::string room_, prefix_;
  AppendBatch batch_;
  std::vector<std::string> waiting_;  // refs of what is in batch_
  RefSeqs seqs_;
  std::set<std::string> accounts_;
  RestoredCount count_;
};

}  // namespace

Outcome<ArchiveHead> check_archive(const std::filesystem::path& file) {
  Check check;
  if (auto ok = each_line(file, [&](std::uint64_t line, Json json) { return check.line(line, json); }); !ok)
    return std::unexpected(ok.error());
  if (!check.ended) return usage(file.string() + " is cut short: its last line is not the end of an export.");
  return check.head;
}

Outcome<RestoredCount> import_room(Requests& requests, const std::filesystem::path& file,
                                   const ArchiveHead& head, const std::string& room,
                                   const ArchiveProgress& progress, const ImportWait& wait) {
  return Import(requests, head, room, progress, wait).run(file);
}

}  // namespace parley::ctl
