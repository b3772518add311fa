#include "backend/requests/fake_notify.h"
#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NotifyRequests : public RequestsTest {
 protected:
  void SetUp() override {
    RequestsTest::SetUp();
    auto deliveries = std::make_unique<FakeDeliveries>();
    deliveries_ = deliveries.get();
    stores_.deliveries = std::move(deliveries);
  }
  DispatcherOptions options() override {
    auto options = RequestsTest::options();
    options.notify = &desk_;
    return options;
  }
  static Json quiet(const std::string& from, const std::string& to, const Json& zone = "Europe/Berlin") {
    Json hours{{"from", from}, {"to", to}};
    if (!zone.is_null()) hours["zone"] = zone;
    return {{"quiet", hours}};
  }

  FakeNotifyDesk desk_;
  FakeDeliveries* deliveries_ = nullptr;
};

TEST_F(NotifyRequests, quiet_hours_are_set_told_and_taken_back) {
  EXPECT_EQ(ok("alice", "notify.get"), (Json{{"blocked", Json::array()}}));
  const Json hours{{"from", "22:00"}, {"to", "07:30"}, {"zone", "Europe/Berlin"}};
  EXPECT_EQ(ok("alice", "notify.set", quiet("22:00", "07:30")),
            (Json{{"quiet", hours}, {"blocked", Json::array()}}));
  EXPECT_THAT(desk_.take(), ElementsAre("forget alice"));
  EXPECT_EQ(*stores_.push->quiet_hours("alice"), (QuietHours{22 * 60, 7 * 60 + 30, "Europe/Berlin"}));
  EXPECT_EQ(ok("alice", "notify.get")["quiet"], hours);
  EXPECT_EQ(ok("alice", "notify.set", {{"quiet", nullptr}}), (Json{{"blocked", Json::array()}}));
  EXPECT_EQ(*stores_.push->quiet_hours("alice"), QuietHours{});
}

TEST_F(NotifyRequests, quiet_hours_without_a_zone_are_UTCs) {
  EXPECT_EQ(ok("alice", "notify.set", quiet("00:00", "23:59", nullptr))["quiet"],
            (Json{{"from", "00:00"}, {"to", "23:59"}, {"zone", "UTC"}}));
  EXPECT_EQ(ok("alice", "notify.set", quiet("00:00", "23:59", "UTC"))["quiet"]["zone"], "UTC");
}

TEST_F(NotifyRequests, quiet_hours_that_are_none_are_refused) {
  for (const auto& params :
       {quiet("24:00", "07:00"), quiet("22:60", "07:00"), quiet("2:00", "07:00"), quiet("22:00", ""),
        quiet("22:00", "07-00"), quiet("22:00", "07:0a"), quiet("22:00", "-1:00"), quiet("22:00", "22:00"),
        quiet("22:00", "07:00", "Europe/Atlantis"), quiet("22:00", "07:00", ""),
        quiet("22:00", "07:00", "../../etc/passwd"), quiet("22:00", "07:00", 1),
        Json{{"quiet", {{"from", "22:00"}}}}, Json{{"quiet", {{"from", 1320}, {"to", 420}}}},
        Json{{"quiet", {{"from", "22:00"}, {"to", "07:00"}, {"days", "all"}}}},
        Json{{"quiet", "22:00-07:00"}}, Json{{"quiet", true}}, Json::object(),
        Json{{"quiet", nullptr}, {"zone", "UTC"}}})
    EXPECT_EQ(refused("alice", "notify.set", params), "invalid_argument") << params;
  EXPECT_THAT(call("alice", "notify.set", quiet("22:00", "07:00", "Mars")).message,
              HasSubstr("Europe/Berlin"));
  EXPECT_THAT(desk_.take(), IsEmpty());
}

TEST_F(NotifyRequests, administrators_see_and_set_anybodys_wishes) {
  ok("root", "notify.set", {{"quiet", {{"from", "22:00"}, {"to", "07:00"}}}, {"user", "alice"}});
  EXPECT_EQ(ok("root", "notify.get", {{"user", "alice"}}), ok("alice", "notify.get"));
  for (const auto* method : {"notify.get", "notify.set"}) {
    Json params{{"user", "alice"}};
    if (method == std::string("notify.set")) params["quiet"] = nullptr;
    EXPECT_EQ(refused("bob", method, params), "not_allowed");
    params["user"] = "nobody";
    EXPECT_EQ(refused("root", method, params), "not_found");
  }
  ok("alice", "notify.set", {{"quiet", nullptr}});
  const auto acts = ok("root", "audit.list")["acts"];
  ASSERT_EQ(acts.size(), 2u) << "what users wish for themselves is their own affair";
  EXPECT_EQ(acts[0]["outcome"], "not_allowed");
  EXPECT_EQ(acts[1]["action"], "notify.set");
  EXPECT_EQ(acts[1]["outcome"], "ok");
}

TEST_F(NotifyRequests, a_member_sets_a_rooms_level_and_mutes_it) {
  make_lab();
  EXPECT_EQ(ok("carol", "notify.room", {{"room", "lab"}}), (Json{{"room", "lab"}, {"level", "default"}}));
  EXPECT_THAT(desk_.take(), IsEmpty());
  EXPECT_EQ(ok("carol", "notify.room", {{"room", "lab"}, {"level", "mentions"}}),
            (Json{{"room", "lab"}, {"level", "mentions"}}));
  EXPECT_THAT(desk_.take(), ElementsAre("forget carol"));
  const auto now = to_ms(clock_.wall());
  const Json muted{{"room", "lab"}, {"level", "mentions"}, {"muted_until", now + 60'000}};
  EXPECT_EQ(ok("carol", "notify.room", {{"room", "lab"}, {"mute_s", 60}}), muted);
  EXPECT_EQ(ok("carol", "notify.room", {{"room", "lab"}}), muted);
  EXPECT_EQ(ok("bob", "notify.room", {{"room", "lab"}})["level"], "default");
  clock_.advance(std::chrono::seconds(60));
  EXPECT_FALSE(ok("carol", "notify.room", {{"room", "lab"}}).contains("muted_until"));
  EXPECT_EQ(
      ok("carol", "notify.room", {{"room", "lab"}, {"level", "none"}, {"muted_until", to_ms(kForever)}}),
      (Json{{"room", "lab"}, {"level", "none"}, {"muted_until", to_ms(kForever)}}));
  for (const auto& unmuted : {Json{{"mute_s", 0}}, Json{{"muted_until", 0}}, Json{{"muted_until", now}}}) {
    ok("carol", "notify.room", {{"room", "lab"}, {"mute_s", 5}});
    auto params = unmuted;
    params["room"] = "lab";
    EXPECT_FALSE(ok("carol", "notify.room", params).contains("muted_until")) << unmuted;
  }
  ok("carol", "notify.room", {{"room", "lab"}, {"level", "default"}});
  EXPECT_EQ(*stores_.push->room("carol", room("lab").id), RoomNotify{});
}

TEST_F(NotifyRequests, a_rooms_wishes_are_its_members_and_well_formed) {
  make_lab();
  EXPECT_EQ(refused("dave", "notify.room", {{"room", "lab"}}), "not_a_member");
  EXPECT_EQ(refused("dave", "notify.room", {{"room", "nowhere"}}), "not_a_member");
  EXPECT_EQ(refused("root", "notify.room", {{"room", "lab"}, {"level", "all"}}), "not_a_member");
  ok("alice", "member.ban", {{"room", "lab"}, {"user", "carol"}});
  EXPECT_EQ(refused("carol", "notify.room", {{"room", "lab"}}), "banned");
  for (const auto& wrong : {Json{{"level", "loud"}}, Json{{"level", 1}}, Json{{"mute_s", -1}},
                            Json{{"mute_s", 1}, {"muted_until", 1}}, Json{{"mute_s", 1'000'000'000}},
                            Json{{"muted_until", to_ms(kForever) + 1}}, Json{{"volume", 3}}}) {
    auto params = wrong;
    params["room"] = "lab";
    EXPECT_EQ(refused("bob", "notify.room", params), "invalid_argument") << wrong;
  }
}

TEST_F(NotifyRequests, whoever_is_blocked_is_listed_until_they_are_not) {
  for (const auto* whom : {"dave", "bob", "bob"})
    EXPECT_EQ(ok("alice", "notify.block", {{"user", whom}}), Json::object());
  EXPECT_THAT(desk_.take(), ElementsAre("forget alice", "forget alice", "forget alice"));
  EXPECT_EQ(ok("alice", "notify.get")["blocked"], (Json{"bob", "dave"}));
  EXPECT_EQ(ok("bob", "notify.get")["blocked"], Json::array());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ok("alice", "notify.unblock", {{"user", "bob"}}), Json::object());
  EXPECT_EQ(ok("alice", "notify.get")["blocked"], Json{"dave"});
  EXPECT_EQ(refused("alice", "notify.block", {{"user", "nobody"}}), "not_found");
  EXPECT_EQ(refused("alice", "notify.block", {{"user", "alice"}}), "invalid_argument");
  EXPECT_EQ(refused("alice", "notify.block"), "invalid_argument");
  EXPECT_EQ(refused("alice", "notify.unblock", {{"user", "a b"}}), "invalid_name");
}

TEST_F(NotifyRequests, the_log_is_for_administrators_and_pages_backwards) {
  deliveries_->rows = {{.id = 9,
                        .at = from_ms(90),
                        .user = "alice",
                        .provider = "fcm",
                        .target = "r1",
                        .room = "lab",
                        .seq = 17,
                        .outcome = "retry",
                        .reason = "HTTP 500 \xff",
                        .notice = "01NOTICE",
                        .attempts = 2,
                        .took = std::chrono::milliseconds(35)},
                       {.id = 8, .at = from_ms(80), .user = "bob", .provider = "email", .outcome = "sent"}};
  const auto page = ok("root", "notify.log", {{"limit", 1}});
  EXPECT_EQ(page, (Json{{"log",
                         {{{"id", 9},
                           {"at", 90},
                           {"user", "alice"},
                           {"provider", "fcm"},
                           {"target", "r1"},
                           {"room", "lab"},
                           {"seq", 17},
                           {"outcome", "retry"},
                           {"reason", "HTTP 500 \xef\xbf\xbd"},
                           {"notice", "01NOTICE"},
                           {"attempts", 2},
                           {"ms", 35}}}},
                        {"more", true}}));
  const auto all =
      ok("root", "notify.log",
         {{"user", "alice"}, {"provider", "fcm"}, {"outcome", "sent"}, {"before", 10}, {"limit", 2}});
  EXPECT_EQ(all["more"], false);
  EXPECT_FALSE(all["log"][1].contains("room"));
  EXPECT_EQ(deliveries_->asked.user, "alice");
  EXPECT_EQ(deliveries_->asked.provider, "fcm");
  EXPECT_EQ(deliveries_->asked.outcome, "sent");
  EXPECT_EQ(deliveries_->asked.before, 10u);
  EXPECT_EQ(deliveries_->asked.limit, 3u);
}

TEST_F(NotifyRequests, dead_letters_are_listed_and_retried_by_administrators) {
  for (std::uint64_t id : {3, 5, 8})
    deliveries_->letters.push_back({.id = id,
                                    .at = from_ms(90),
                                    .user = "alice",
                                    .provider = "fcm",
                                    .target = "r1",
                                    .room = "lab",
                                    .seq = 17,
                                    .reason = "refused",
                                    .notice = "01N",
                                    .attempts = 12});
  const auto page = ok("root", "notify.dead", {{"after", 3}, {"limit", 1}});
  EXPECT_EQ(page["more"], true);
  EXPECT_EQ(page["dead"], (Json{{{"id", 5},
                                 {"at", 90},
                                 {"user", "alice"},
                                 {"provider", "fcm"},
                                 {"target", "r1"},
                                 {"room", "lab"},
                                 {"seq", 17},
                                 {"reason", "refused"},
                                 {"notice", "01N"},
                                 {"attempts", 12}}}));
  EXPECT_EQ(ok("root", "notify.retry", {{"ids", {3, 8, 99}}}), (Json{{"retried", 2}}));
  EXPECT_THAT(desk_.take(), ElementsAre("jobs ready"));
  EXPECT_EQ(ok("root", "notify.retry", {{"all", true}}), (Json{{"retried", 1}}));
  desk_.take();
  EXPECT_EQ(ok("root", "notify.retry", {{"all", true}}), (Json{{"retried", 0}}));
  EXPECT_THAT(desk_.take(), IsEmpty());
  EXPECT_EQ(ok("root", "audit.list")["acts"][2]["details"], (Json{{"ids", {3, 8, 99}}}));
}

TEST_F(NotifyRequests, a_retry_says_which_letters) {
  deliveries_->letters.push_back({.id = 3});
  for (const auto& params :
       {Json::object(), Json{{"all", false}}, Json{{"ids", Json::array()}}, Json{{"ids", {3}}, {"all", true}},
        Json{{"ids", {0}}}, Json{{"ids", {-3}}}, Json{{"ids", {"3"}}}, Json{{"ids", 3}},
        Json{{"ids", Json(std::vector<int>(1001, 3))}}})
    EXPECT_EQ(refused("root", "notify.retry", params), "invalid_argument") << params;
  EXPECT_EQ(deliveries_->letters.size(), 1u);
}

TEST_F(NotifyRequests, a_test_tells_what_became_of_each_target) {
  desk_.tested = std::vector<NotifyDesk::Tested>{{.provider = "fcm",
                                                  .device = "phone",
                                                  .outcome = "sent",
                                                  .reason = "",
                                                  .took = std::chrono::milliseconds(12)},
                                                 {.provider = "webhook",
                                                  .device = "",
                                                  .outcome = "retry",
                                                  .reason = "HTTP 503",
                                                  .took = std::chrono::milliseconds(7)}};
  EXPECT_EQ(ok("root", "notify.test", {{"user", "alice"}})["results"],
            (Json{{{"provider", "fcm"}, {"device", "phone"}, {"outcome", "sent"}, {"ms", 12}},
                  {{"provider", "webhook"}, {"outcome", "retry"}, {"reason", "HTTP 503"}, {"ms", 7}}}));
  EXPECT_THAT(desk_.take(), ElementsAre("test alice"));
  EXPECT_EQ(refused("root", "notify.test", {{"user", "nobody"}}), "not_found");
  EXPECT_EQ(refused("alice", "notify.test", {{"user", "alice"}}), "not_allowed");
  EXPECT_THAT(desk_.take(), IsEmpty());
  desk_.tested = fail(Errc::unavailable, "The store is away.");
  EXPECT_EQ(refused("root", "notify.test", {{"user", "alice"}}), "unavailable");
  restart_with(RequestsTest::options());
  EXPECT_EQ(refused("root", "notify.test", {{"user", "alice"}}), "unavailable");
  const auto acts = ok("root", "audit.list")["acts"];
  ASSERT_FALSE(acts.empty());
  EXPECT_EQ(acts.back()["action"], "notify.test");
  EXPECT_EQ(acts.back()["user"], "alice");
  EXPECT_EQ(acts.back()["outcome"], "asked");
}

TEST_F(NotifyRequests, the_status_tells_providers_and_queues) {
  deliveries_->there = {{.provider = "email", .waiting = 1, .shown = 4},
                        {.provider = "fcm",
                         .ready = 2,
                         .sending = 1,
                         .dead = 3,
                         .oldest = clock_.wall() - std::chrono::milliseconds(4'700)}};
  EXPECT_EQ(
      ok("root", "notify.status"),
      (Json{
          {"providers", {"apns", "email", "fcm", "stdout", "webpush"}},
          {"queues",
           {{{"provider", "email"}, {"waiting", 1}, {"ready", 0}, {"sending", 0}, {"shown", 4}, {"dead", 0}},
            {{"provider", "fcm"},
             {"waiting", 0},
             {"ready", 2},
             {"sending", 1},
             {"shown", 0},
             {"dead", 3},
             {"oldest_s", 4}}}}}));
  restart_with(RequestsTest::options());
  EXPECT_EQ(ok("root", "notify.status")["providers"], Json::array());
}

TEST_F(NotifyRequests, the_outbox_is_administrators_business) {
  for (const auto& [method, params] :
       std::vector<std::pair<const char*, Json>>{{"notify.log", Json::object()},
                                                 {"notify.dead", Json::object()},
                                                 {"notify.retry", {{"all", true}}},
                                                 {"notify.status", Json::object()}}) {
    EXPECT_EQ(refused("alice", method, params), "not_allowed") << method;
    deliveries_->failure = Error{Errc::unavailable, "The database is away."};
    EXPECT_EQ(refused("root", method, params), "unavailable") << method;
    deliveries_->failure.reset();
  }
  EXPECT_EQ(refused("root", "notify.log", {{"limit", 0}}), "invalid_argument");
  EXPECT_EQ(refused("root", "notify.dead", {{"before", 3}}), "invalid_argument");
}

}  // namespace
}  // namespace parley::backend
