#include "tools/parleyctl/user_archive.h"

#include <gtest/gtest.h>

#include <map>

namespace parley::ctl {
namespace {

// A server with rooms `den` and `lab`; alice is in lab alone. Pages have two items.
class FakeServer final : public Requests {
 public:
  Outcome<Json> call(const std::string& method, Json params) override {
    calls.push_back(method);
    if (method == "user.get") return Json{{"user", params["user"]}, {"title", "Alice"}};
    if (method == "presence.get") return Json{{"user", params["user"]}, {"status", "offline"}};
    if (method == "device.list") return Json{{"devices", {{{"device", "phone"}}}}, {"more", false}};
    if (method == "token.list") return Json{{"tokens", Json::array()}};
    if (method == "push.list")
      return Json{{"registrations", {{{"id", "r1"}, {"device", "phone"}, {"provider", "fcm"}}}}};
    if (method == "notify.get") return Json{{"blocked", Json::array()}};
    if (method == "rooms")
      return Json{{"rooms", {{{"room", "lab"}, {"role", "member"}, {"last", {{"from", "bob"}}}}}},
                  {"more", false}};
    if (method == "room.list") {
      const bool first = !params.contains("after");
      return Json{{"rooms", {{{"room", first ? "den" : "lab"}}}}, {"more", first}};
    }
    if (method == "sync") return sync(params);
    if (method == "audit.list") {
      if (params.contains("before")) return Json{{"acts", Json::array()}, {"more", false}};
      return Json{{"acts", {{{"id", 7}, {"actor", params.value("actor", "root")}, {"action", "x"}}}},
                  {"more", true}};
    }
    return refused("unknown_method", method);
  }

  std::vector<std::string> calls;

 private:
  static Outcome<Json> sync(const Json& params) {
    const auto& rooms = params.at("rooms");
    const auto room = rooms.begin().key();
    const auto since = rooms.begin().value().at("since").get<std::uint64_t>();
    Json messages = Json::array();
    for (auto seq = since + 1; seq <= std::min<std::uint64_t>(since + 2, 5); ++seq)
      messages.push_back({{"seq", seq}, {"room", room}, {"from", seq % 2 ? "alice" : "bob"}});
    return Json{
        {"rooms",
         {{room, {{"epoch", "e"}, {"messages", messages}, {"more", since + 2 < 5}, {"reset", since == 0}}}}}};
  }
};

struct Written {
  std::string text;
  Outcome<UserCount> count;
  std::size_t lines(const std::string& begin) const {
    std::size_t found = 0;
    for (auto at = text.find("{\"" + begin + "\":"); at != std::string::npos;
         at = text.find("\n{\"" + begin + "\":", at + 1))
      ++found;
    return found;
  }
};
Written write(bool all, bool go_on = true) {
  FakeServer server;
  Written written{{}, refused("", "")};
  written.count = export_user(
      server, "alice", all, 17,
      [&](const std::string& line) {
        written.text += line;
        return true;
      },
      [&](std::uint64_t, const UserCount&) { return go_on; });
  return written;
}

TEST(UserArchive, an_administrator_gets_what_they_sent_in_all_rooms_and_acts) {
  const auto written = write(true);
  ASSERT_TRUE(written.count);
  EXPECT_EQ(
      to_json(*written.count),
      Json(
          {{"devices", 1}, {"tokens", 0}, {"registrations", 1}, {"rooms", 1}, {"messages", 6}, {"acts", 2}}));
  EXPECT_EQ(written.lines("registration"), 1u);
  EXPECT_EQ(written.lines("wishes"), 1u);
  EXPECT_EQ(written.text.find("bob"), std::string::npos);
  EXPECT_TRUE(written.text.ends_with(
      R"({"end":{"acts":2,"devices":1,"messages":6,"registrations":1,"rooms":1,"tokens":0}})"
      "\n"));
}

TEST(UserArchive, a_user_gets_their_own_of_the_rooms_they_are_in) {
  const auto written = write(false);
  ASSERT_TRUE(written.count);
  EXPECT_EQ(written.count->messages, 3u);
  EXPECT_EQ(written.count->acts, 0u);
  EXPECT_EQ(written.text.find("den"), std::string::npos);
}

TEST(UserArchive, one_that_is_stopped_has_no_end) {
  const auto written = write(true, false);
  EXPECT_FALSE(written.count);
  EXPECT_EQ(written.text.find("\"end\""), std::string::npos);
}

}  // namespace
}  // namespace parley::ctl
