#include "tools/parleyctl/user_archive.h"
#include "wire/limits.h"

namespace parley::ctl {
namespace {

class Export {
 public:
  Export(Requests& requests, const std::string& user, const ArchiveLine& out)
      : requests_(requests), user_(user), out_(out) {}

  Outcome<> head(std::int64_t now_ms) {
    auto user = requests_.call("user.get", {{"user", user_}});
    if (!user) return std::unexpected(user.error());
    auto begun =
        line({{"parley", "user"}, {"version", kArchiveVersion}, {"exported_at", now_ms}, {"user", *user}});
    if (!begun) return begun;
    auto presence = requests_.call("presence.get", {{"user", user_}});
    if (!presence) return std::unexpected(presence.error());
    return line({{"presence", *presence}});
  }

  Outcome<> devices() { return list("device.list", "devices", "device", count_.devices); }
  Outcome<> tokens() { return list("token.list", "tokens", "token", count_.tokens); }

  Outcome<> registrations() {
    return list("push.list", "registrations", "registration", count_.registrations);
  }
  Outcome<> wishes() {
    auto wishes = requests_.call("notify.get", {{"user", user_}});
    if (!wishes) return std::unexpected(wishes.error());
    return line({{"wishes", *wishes}});
  }

  Outcome<> memberships() {
    return pages("rooms", {{"user", user_}}, "rooms", [this](const Json& room) {
      ++count_.rooms;
      rooms_.push_back(room.value("room", std::string()));
      auto shown = room;
      shown.erase("last");  // it may be anybody's
      return line({{"room", shown}});
    });
  }
  Outcome<> all_rooms() {
    rooms_.clear();
    return pages("room.list", {{"all", true}}, "rooms", [this](const Json& room) -> Outcome<> {
      rooms_.push_back(room.value("room", std::string()));
      return {};
    });
  }

  Outcome<> messages(const std::function<bool(std::uint64_t, const UserCount&)>& room_done) {
    std::uint64_t done = 0;
    for (const auto& room : rooms_) {
      if (auto read = messages_of(room); !read) return read;
      if (!room_done(++done, count_)) return refused("interrupted", "Stopped; the file is not whole.");
    }
    return {};
  }

  // Those by them, then those of others on them.
  Outcome<> acts() {
    if (auto by = acts({{"actor", user_}}, ""); !by) return by;
    return acts({{"user", user_}}, user_);
  }

  Outcome<UserCount> end() {
    if (auto ok = line({{"end", to_json(count_)}}); !ok) return std::unexpected(ok.error());
    return count_;
  }

 private:
  Outcome<> line(const Json& json) {
    if (out_(json.dump() + "\n")) return {};
    return refused("output", "The file can't be written: is the disk full?");
  }

  // All at once: the server bounds these.
  Outcome<> list(const char* method, const char* name, const char* one, std::uint64_t& count) {
    auto found = requests_.call(method, {{"user", user_}});
    if (!found) return std::unexpected(found.error());
    for (const auto& item : found->value(name, Json::array())) {
      if (auto ok = line({{one, item}}); !ok) return ok;
      ++count;
    }
    return {};
  }

  // Pages after the last room's name.
  Outcome<> pages(const char* method, Json params, const char* name,
                  const std::function<Outcome<>(const Json&)>& each) {
    params["limit"] = wire::kListLimitMax;
    for (;;) {
      auto page = requests_.call(method, params);
      if (!page) return std::unexpected(page.error());
      const auto items = page->value(name, Json::array());
      for (const auto& item : items)
        if (auto ok = each(item); !ok) return ok;
      if (items.empty() || !page->value("more", false)) return {};
      params["after"] = items.back().value("room", std::string());
    }
  }

  Outcome<> messages_of(const std::string& room) {
    std::uint64_t since = 0;
    std::string epoch;
    for (;;) {
      auto result = requests_.call("sync", {{"rooms", {{room, {{"epoch", epoch}, {"since", since}}}}},
                                            {"limit", wire::kHistoryLimitMax}});
      if (!result) return std::unexpected(result.error());
      const auto page = result->value("rooms", Json::object()).value(room, Json::object());
      if (page.contains("error")) return {};  // deleted meanwhile, or left
      if (since > 0 && page.value("reset", false))
        return refused("interrupted", "The room's data were put back meanwhile: export again.");
      epoch = page.value("epoch", std::string());
      for (const auto& message : page.value("messages", Json::array())) {
        since = message.value("seq", since);
        if (message.value("from", "") != user_) continue;
        if (auto ok = line({{"message", message}}); !ok) return ok;
        ++count_.messages;
      }
      if (!page.value("more", false)) return {};
    }
  }

  Outcome<> acts(Json params, const std::string& not_by) {
    params["limit"] = wire::kListLimitMax;
    for (;;) {
      auto page = requests_.call("audit.list", params);
      if (!page) return std::unexpected(page.error());
      const auto acts = page->value("acts", Json::array());
      for (const auto& act : acts) {
        params["before"] = act.value("id", std::uint64_t{0});
        if (!not_by.empty() && act.value("actor", "") == not_by) continue;
        if (auto ok = line({{"act", act}}); !ok) return ok;
        ++count_.acts;
      }
      if (acts.empty() || !page->value("more", false)) return {};
    }
  }

  Requests& requests_;
  const std::string& user_;
  const ArchiveLine& out_;
  std::vector<std::string> rooms_;
  UserCount count_;
};

}  // namespace

Json to_json(const UserCount& count) {
  return {{"devices", count.devices}, {"tokens", count.tokens},     {"registrations", count.registrations},
          {"rooms", count.rooms},     {"messages", count.messages}, {"acts", count.acts}};
}

Outcome<UserCount> export_user(Requests& requests, const std::string& user, bool all, std::int64_t now_ms,
                               const ArchiveLine& out,
                               const std::function<bool(std::uint64_t, const UserCount&)>& room_done) {
  Export exported(requests, user, out);
  auto ok = exported.head(now_ms);
  if (ok) ok = exported.devices();
  if (ok) ok = exported.tokens();
  if (ok) ok = exported.registrations();
  if (ok) ok = exported.wishes();
  if (ok) ok = exported.memberships();
  if (ok && all) ok = exported.all_rooms();
  if (ok) ok = exported.messages(room_done);
  if (ok && all) ok = exported.acts();
  if (!ok) return std::unexpected(ok.error());
  return exported.end();
}

}  // namespace parley::ctl
