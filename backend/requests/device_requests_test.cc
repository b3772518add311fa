#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class DeviceRequests : public RequestsTest {
 protected:
  void came(const std::string& user, const std::string& device, const std::string& token = "") {
    std::vector<DeviceSeen> seen{
        {.user = user, .device = device, .token = token, .at = from_ms(17), .connected = true}};
    ASSERT_TRUE(stores_.devices->seen(seen));
  }
};

TEST_F(DeviceRequests, one_sees_all_ones_devices_and_which_are_connected) {
  came("alice", "pad");
  came("alice", "phone");
  came("bob", "pc");
  presence_.set_devices("alice", {{"new", true, ""}, {"phone", true, "away"}, {"stranger", false, "online"}});
  const auto list = ok("alice", "device.list");
  const auto one = [](const char* name, bool connected) {
    return Json{{"device", name}, {"first_seen", 17}, {"last_seen", 17}, {"connected", connected}};
  };
  auto phone = one("phone", true);
  phone["status"] = "away";
  EXPECT_EQ(list["devices"],
            Json::array({{{"device", "new"}, {"connected", true}}, one("pad", false), phone}));
  EXPECT_EQ(list["more"], false);
  EXPECT_EQ(ok("root", "device.list", {{"user", "bob"}})["devices"], Json::array({one("pc", false)}));
  EXPECT_EQ(refused("alice", "device.list", {{"user", "bob"}}), "not_allowed");
}

TEST_F(DeviceRequests, a_forgotten_device_is_put_out_after_its_tokens_are_refused) {
  const auto token = ok("alice", "token.create")["id"].get<std::string>();
  came("alice", "phone", token);
  const auto before = broker_.versions().size();
  EXPECT_EQ(ok("alice", "device.forget", {{"device", "phone"}}), Json({{"kicked", 1}, {"revoked", 1}}));
  EXPECT_EQ(broker_.versions().size(), before + 1);
  EXPECT_THAT(broker_.forgotten(), ElementsAre(Pair("alice", "phone")));
  EXPECT_THAT(presence_.take(), ElementsAre("alice forgets phone"));
  EXPECT_EQ(ok("alice", "token.list")["tokens"], Json::array());
  EXPECT_EQ(ok("alice", "device.list")["devices"], Json::array());
  const auto published = publisher_.take();
  const auto cleared = std::ranges::find(published, "users/alice/devices/phone/status", &Publication::topic);
  ASSERT_NE(cleared, published.end());
  EXPECT_TRUE(cleared->retain && cleared->payload.empty());
}

TEST_F(DeviceRequests, a_device_seen_a_moment_ago_is_forgotten_with_its_token) {
  const auto token = ok("alice", "token.create")["id"].get<std::string>();
  presence_.unwritten = {
      {.user = "alice", .device = "phone", .token = token, .at = from_ms(17), .connected = true}};
  EXPECT_EQ(ok("alice", "device.forget", {{"device", "phone"}})["revoked"], 1);
  EXPECT_EQ(ok("alice", "device.list")["devices"], Json::array());
}

TEST_F(DeviceRequests, nobody_forgets_what_is_not_theirs) {
  came("bob", "pc");
  EXPECT_EQ(refused("alice", "device.forget", {{"device", "pc"}}), "not_found");
  EXPECT_EQ(refused("alice", "device.forget", {{"device", "pc"}, {"user", "bob"}}), "not_allowed");
  EXPECT_EQ(refused("alice", "device.forget"), "invalid_argument");
  EXPECT_THAT(broker_.forgotten(), IsEmpty());
  EXPECT_EQ(ok("root", "device.forget", {{"device", "pc"}, {"user", "bob"}}),
            Json({{"kicked", 1}, {"revoked", 0}}));
}

TEST_F(DeviceRequests, a_broker_that_is_away_is_told_of) {
  came("bob", "pc");
  broker_.fail_with(Error{Errc::unavailable, "away"});
  EXPECT_EQ(refused("bob", "device.forget", {{"device", "pc"}}), "unavailable");
}

}  // namespace
}  // namespace parley::backend
