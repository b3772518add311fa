#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PresenceRequests : public RequestsTest {
 protected:
  void show(const std::string& user, PresenceStatus status, std::int64_t last_seen) {
    std::vector<PresenceRow> rows{{.user = user, .status = status, .last_seen = from_ms(last_seen)}};
    ASSERT_TRUE(stores_.presence->put(rows));
  }
};

TEST_F(PresenceRequests, one_sees_those_one_shares_a_room_with) {
  make_lab();
  show("bob", PresenceStatus::away, 17);
  EXPECT_EQ(ok("alice", "presence.get", {{"user", "bob"}}),
            Json({{"user", "bob"}, {"status", "away"}, {"last_seen", 17}}));
  EXPECT_EQ(ok("alice", "presence.get", {{"user", "carol"}}),
            Json({{"user", "carol"}, {"status", "offline"}}));
  EXPECT_EQ(refused("dave", "presence.get", {{"user", "bob"}}), "not_allowed");
  EXPECT_EQ(refused("alice", "presence.get", {{"user", "nobody"}}), "not_found");
  EXPECT_EQ(refused("alice", "presence.get", {{"user", "a b"}}), "invalid_name");
}

TEST_F(PresenceRequests, one_sees_ones_own_devices_and_an_administrator_everybodys) {
  presence_.set_devices("alice", {{"alice-pad", true, "away"}, {"alice-phone", false, ""}});
  show("alice", PresenceStatus::away, 17);
  const Json whole{{"user", "alice"},
                   {"status", "away"},
                   {"last_seen", 17},
                   {"invisible", false},
                   {"devices",
                    {{{"device", "alice-pad"}, {"connected", true}, {"status", "away"}},
                     {{"device", "alice-phone"}, {"connected", false}}}}};
  EXPECT_EQ(ok("alice", "presence.get"), whole);
  EXPECT_EQ(ok("root", "presence.get", {{"user", "alice"}}), whole);
}

TEST_F(PresenceRequests, who_wants_to_be_invisible_is_written_down_and_told) {
  EXPECT_EQ(ok("alice", "presence.set", {{"invisible", true}}), Json({{"invisible", true}}));
  EXPECT_THAT(presence_.take(), ElementsAre("alice"));
  EXPECT_EQ(ok("alice", "presence.get")["invisible"], true);
  ok("alice", "presence.set", {{"invisible", false}});
  EXPECT_THAT(presence_.take(), ElementsAre("alice -"));
  EXPECT_EQ(ok("alice", "presence.get")["invisible"], false);
  EXPECT_EQ(refused("alice", "presence.set"), "invalid_argument");
  EXPECT_EQ(refused("alice", "presence.set", {{"invisible", "yes"}}), "invalid_argument");
  EXPECT_EQ(refused("alice", "presence.set", {{"invisible", true}, {"user", "bob"}}), "invalid_argument");
  EXPECT_THAT(presence_.take(), IsEmpty());
}

TEST_F(PresenceRequests, a_rooms_members_are_listed_in_pages) {
  make_lab();
  show("alice", PresenceStatus::online, 10);
  show("carol", PresenceStatus::offline, 20);
  const auto page = ok("bob", "presence.list", {{"room", "lab"}, {"limit", 2}});
  EXPECT_EQ(page["presence"], Json::array({{{"user", "alice"}, {"status", "online"}, {"last_seen", 10}},
                                           {{"user", "bob"}, {"status", "offline"}}}));
  EXPECT_EQ(page["more"], true);
  const auto rest = ok("bob", "presence.list", {{"room", "lab"}, {"after", "bob"}});
  EXPECT_EQ(rest["presence"], Json::array({{{"user", "carol"}, {"status", "offline"}, {"last_seen", 20}}}));
  EXPECT_EQ(rest["more"], false);
  EXPECT_EQ(refused("dave", "presence.list", {{"room", "lab"}}), "not_a_member");
}

}  // namespace
}  // namespace parley::backend
