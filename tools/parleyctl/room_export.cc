#include "tools/parleyctl/room_archive.h"
#include "wire/limits.h"

namespace parley::ctl {
namespace {

class Export {
 public:
  Export(Requests& requests, const std::string& room, const ArchiveLine& out)
      : requests_(requests), room_(room), out_(out) {}

  Outcome<> head(std::int64_t now_ms) {
    auto room = requests_.call("room.get", {{"room", room_}});
    if (!room) return std::unexpected(room.error());
    room->erase("role");  // of whoever exports
    epoch_ = room->value("epoch", std::string());
    return line({{"parley", "room"}, {"version", kArchiveVersion}, {"exported_at", now_ms}, {"room", *room}});
  }

  Outcome<> members() {
    Json params{{"room", room_}, {"limit", wire::kListLimitMax}};
    for (;;) {
      auto page = requests_.call("member.list", params);
      if (!page) return std::unexpected(page.error());
      const auto members = page->value("members", Json::array());
      for (const auto& member : members) {
        if (auto ok = line({{"member", member}}); !ok) return ok;
        ++count_.members;
      }
      if (members.empty() || !page->value("more", false)) return {};
      params["after"] = members.back().value("user", std::string());
    }
  }

  // From sync, which gives every entry as it was delivered.
  Outcome<> messages(const ArchiveProgress& progress) {
    std::uint64_t last = 0, since = 0;
    for (;;) {
      auto result = requests_.call("sync", {{"rooms", {{room_, {{"epoch", epoch_}, {"since", since}}}}},
                                            {"limit", wire::kHistoryLimitMax}});
      if (!result) return std::unexpected(result.error());
      const auto page = result->value("rooms", Json::object()).value(room_, Json::object());
      if (page.contains("error"))
        return refused(page["error"].value("code", "internal"), page["error"].value("message", ""));
      if (page.value("reset", false))
        return refused("interrupted", "The room's data were put back meanwhile: export it again.");
      if (last == 0) last = page.value("through", std::uint64_t{0});
      for (const auto& message : page.value("messages", Json::array())) {
        since = message.value("seq", since);
        if (since > last) return {};
        if (auto ok = line({{"message", message}}); !ok) return ok;
        ++count_.messages;
      }
      if (!progress(since, last)) return refused("interrupted", "Stopped; the file is not whole.");
      if (since >= last || !page.value("more", false)) return {};
    }
  }

  // What was deleted while the room was held.
  Outcome<> held() {
    Json params{{"room", room_}, {"limit", wire::kHistoryLimitMax}};
    for (;;) {
      auto page = requests_.call("room.held", params);
      if (!page) return std::unexpected(page.error());
      const auto messages = page->value("messages", Json::array());
      for (const auto& message : messages) {
        if (auto ok = line({{"held", message}}); !ok) return ok;
        ++count_.held;
      }
      if (messages.empty() || !page->value("more", false)) return {};
      params["after"] = messages.back().value("seq", std::uint64_t{0});
    }
  }

  Outcome<ArchiveCount> end() {
    Json counts{{"members", count_.members}, {"messages", count_.messages}};
    if (count_.held > 0) counts["held"] = count_.held;
    if (auto ok = line({{"end", std::move(counts)}}); !ok) return std::unexpected(ok.error());
    return count_;
  }

 private:
  Outcome<> line(const Json& json) {
    if (out_(json.dump() + "\n")) return {};
    return refused("output", "The file can't be written: is the disk full?");
  }

  Requests& requests_;
  const std::string& room_;
  const ArchiveLine& out_;
  std::string epoch_;
  ArchiveCount count_;
};

}  // namespace

Outcome<ArchiveCount> export_room(Requests& requests, const std::string& room, std::int64_t now_ms,
                                  const ArchiveLine& out, const ArchiveProgress& progress, bool held) {
  Export exported(requests, room, out);
  if (auto ok = exported.head(now_ms); !ok) return std::unexpected(ok.error());
  if (auto ok = exported.members(); !ok) return std::unexpected(ok.error());
  if (auto ok = exported.messages(progress); !ok) return std::unexpected(ok.error());
  if (held)
    if (auto ok = exported.held(); !ok) return std::unexpected(ok.error());
  return exported.end();
}

}  // namespace parley::ctl
