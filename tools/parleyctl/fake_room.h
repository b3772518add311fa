#pragma once
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "tools/parleyctl/requests.h"

namespace parley::ctl {

// A backend with one room, lab, for tests: its messages, members and users. Not thread-safe.
class FakeRoom final : public Requests {
 public:
  explicit FakeRoom(std::uint64_t messages = 0) {
    for (std::uint64_t seq = 1; seq <= messages; ++seq)
      add("alice", "m" + std::to_string(seq), Json{{"text", "x"}}, false);
  }

  Outcome<Json> call(const std::string& method, Json params) override {
    ++calls;
    if (fail_next) {
      auto failure = *fail_next;
      fail_next.reset();
      return std::unexpected(failure);
    }
    if (method == "history") return history(params);
    if (method == "append") return append(params);
    if (method == "user.create") return create(params);
    if (method == "user.list") return list(params);
    if (method == "sync") return sync(params);
    if (method == "room.get")
      return Json{{"room", "lab"}, {"epoch", "e"}, {"kind", "group"}, {"public", true}, {"role", "owner"}};
    if (method == "room.create") return refused("already_exists", "lab");
    if (method == "member.list") return Json{{"members", members}, {"more", false}};
    if (method == "member.add") return add_member(params);
    if (method == "room.held") return Json{{"messages", held}, {"more", false}};
    return refused("unknown_method", method);
  }

  std::vector<Json> messages;  // [i] has seq i + 1
  std::size_t expired = 0;     // those before are gone
  std::vector<Json> held;      // kept aside
  std::set<std::string> users;
  std::vector<Json> members;
  std::size_t page_max = 500;
  std::size_t largest_append = 0;
  std::size_t calls = 0;
  std::optional<Failure> fail_next;  // the next call fails
  bool forget_answer = false;        // the next append is done, but its answer is lost

 private:
  void add(const std::string& from, const std::string& ref, Json content, bool imported) {
    Json m{{"seq", messages.size() + 1},
           {"at", 1700000000000 + messages.size()},
           {"from", from},
           {"ref", ref},
           {"type", "text"},
           {"content", std::move(content)}};
    if (imported) m["imported"] = true;
    messages.push_back(std::move(m));
  }

  Outcome<Json> history(const Json& params) {
    const auto last = messages.size();
    const auto limit = std::min<std::size_t>(params.value("limit", std::size_t{50}), page_max);
    std::size_t first = 0, end = 0;
    bool more = false;
    if (params.contains("after")) {
      first = std::min(std::max(params["after"].get<std::size_t>(), expired), last);
      end = std::min(first + limit, last);
      more = end < last;
    } else {
      end = params.contains("before") ? std::min<std::size_t>(params["before"].get<std::size_t>() - 1, last)
                                      : last;
      first = end - std::min(end, limit);
      more = first > 0;
    }
    Json page = Json::array();
    for (auto i = std::max(first, expired); i < end; ++i) page.push_back(messages[i]);
    return Json{{"room", "lab"},   {"epoch", "e"}, {"messages", page}, {"first_seq", expired + 1},
                {"through", last}, {"more", more}};
  }

  Outcome<Json> sync(const Json& params) {
    auto page = history({{"after", params["rooms"]["lab"]["since"]}, {"limit", params["limit"]}});
    page->erase("room");
    (*page)["reset"] = false;
    return Json{{"rooms", {{"lab", *page}}}};
  }

  Outcome<Json> add_member(const Json& params) {
    for (const auto& member : members)
      if (member["user"] == params["user"]) return refused("already_exists", "member");
    members.push_back({{"room", "lab"}, {"user", params["user"]}, {"role", params["role"]}, {"since", 1}});
    return members.back();
  }

  Outcome<Json> append(const Json& params) {
    largest_append = std::max(largest_append, params.dump().size());
    Json seqs = Json::array();
    for (const auto& entry : params["entries"]) {
      const auto ref = entry["ref"].get<std::string>();
      auto [known, fresh] = refs_.try_emplace(ref, messages.size() + 1);
      if (fresh) {
        add(entry["from"], ref, entry["content"], true);
        messages.back()["sent_at"] = entry["sent_at"];
        messages.back()["type"] = entry["type"];
      }
      seqs.push_back(known->second);
    }
    if (forget_answer) {
      forget_answer = false;
      return refused("in_doubt", "It may or may not have been done.");
    }
    return Json{{"seqs", seqs}};
  }

  Outcome<Json> create(const Json& params) {
    const auto name = params["user"].get<std::string>();
    for (const auto& user : users) {
      if (fold_case(user) == fold_case(name)) return refused("already_exists", name);
    }
    users.insert(name);
    return params;
  }

  Outcome<Json> list(const Json& params) {
    Json page = Json::array();
    const auto after = params.value("after", std::string{});
    auto it = users.upper_bound(after);
    for (; it != users.end() && page.size() < page_max; ++it) page.push_back({{"user", *it}});
    return Json{{"users", page}, {"more", it != users.end()}};
  }

  std::map<std::string, std::uint64_t> refs_;
};

}  // namespace parley::ctl
