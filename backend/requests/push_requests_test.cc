#include "backend/requests/fake_notify.h"
#include "backend/requests/requests_test.h"
#include "base/encoding.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kApnsToken(64, 'a');

class PushRequests : public RequestsTest {
 protected:
  DispatcherOptions options() override {
    auto options = RequestsTest::options();
    options.notify = &desk_;
    return options;
  }
  // As from a connected device.
  wire::Reply call_from(const std::string& device, const std::string& user, const std::string& method,
                        Json params = Json::object()) {
    params["id"] = "r1";
    return *wire::parse_reply(send(user, method, wire::with_origin(params.dump(), device, "10.0.0.7")).get());
  }
  static Json fcm(const std::string& address = "token-1") {
    return {{"provider", "fcm"}, {"address", address}};
  }
  static Json with(Json params, const Json& more) {
    params.update(more);
    return params;
  }
  std::vector<std::string> registered(const std::string& user) {
    std::vector<std::string> lines;
    const auto list = stores_.push->list(user);
    for (const auto& one : *list) lines.push_back(one.device + " " + one.provider + " " + one.address);
    return lines;
  }
  void came(const std::string& user, const std::string& device) {
    std::vector<DeviceSeen> seen{{.user = user, .device = device, .at = from_ms(17), .connected = true}};
    ASSERT_TRUE(stores_.devices->seen(seen));
  }

  FakeNotifyDesk desk_;
};

TEST_F(PushRequests, a_device_registers_itself_and_learns_everything_but_the_address) {
  const auto reply = call_from("phone", "alice", "push.register", fcm());
  ASSERT_TRUE(reply.ok) << reply.message;
  const auto kept = stores_.push->list("alice")->at(0);
  EXPECT_EQ(reply.result,
            (Json{{"id", kept.id}, {"device", "phone"}, {"provider", "fcm"}, {"at", to_ms(clock_.wall())}}));
  EXPECT_EQ(kept.address, "token-1");
  EXPECT_EQ(kept.keys, "{}");
  EXPECT_THAT(desk_.take(), ElementsAre("forget alice"));
}

TEST_F(PushRequests, a_new_address_of_a_device_takes_the_place_of_its_old_one) {
  const auto first = call_from("phone", "alice", "push.register", fcm("old")).result;
  const auto second = call_from("phone", "alice", "push.register", fcm("new")).result;
  EXPECT_EQ(first["id"], second["id"]);
  EXPECT_THAT(registered("alice"), ElementsAre("phone fcm new"));
}

TEST_F(PushRequests, keys_are_kept_in_one_form) {
  const Json keys{{"p256dh", base64url_encode("\x04" + std::string(64, 'x'))},
                  {"auth", base64url_encode(std::string(16, 'a'))}};
  ASSERT_TRUE(call_from("web", "alice", "push.register",
                        {{"provider", "webpush"}, {"address", "https://push.example.org/a"}, {"keys", keys}})
                  .ok);
  ASSERT_TRUE(call_from("phone", "alice", "push.register",
                        {{"provider", "apns"}, {"address", kApnsToken}, {"keys", {{"sandbox", true}}}})
                  .ok);
  const auto list = *stores_.push->list("alice");
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(Json::parse(list[0].keys), (Json{{"sandbox", true}}));
  EXPECT_EQ(Json::parse(list[1].keys), keys);
}

TEST_F(PushRequests, another_device_of_ones_own_can_be_named_a_strangers_can_not) {
  came("alice", "pad");
  came("bob", "pc");
  presence_.set_devices("alice", {{"new", true, ""}, {"gone", false, ""}});
  EXPECT_EQ(
      call_from("phone", "alice", "push.register", with(fcm("t1"), {{"device", "pad"}})).result["device"],
      "pad");
  EXPECT_EQ(
      call_from("phone", "alice", "push.register", with(fcm("t2"), {{"device", "new"}})).result["device"],
      "new");
  EXPECT_EQ(
      call_from("phone", "alice", "push.register", with(fcm("t3"), {{"device", "phone"}})).result["device"],
      "phone");
  for (const auto* device : {"pc", "gone", "nowhere"})
    EXPECT_EQ(call_from("phone", "alice", "push.register", with(fcm("t4"), {{"device", device}})).code,
              "not_found");
  EXPECT_THAT(registered("alice"), ElementsAre("new fcm t2", "pad fcm t1", "phone fcm t3"));
}

TEST_F(PushRequests, a_request_that_does_not_say_from_which_device_must_name_one) {
  const auto reply = call("alice", "push.register", fcm());
  EXPECT_EQ(reply.code, "invalid_argument");
  EXPECT_THAT(reply.message, HasSubstr("`device` is missing"));
}

TEST_F(PushRequests, administrators_register_anybody_and_name_the_device) {
  EXPECT_EQ(ok("root", "push.register", with(fcm(), {{"user", "alice"}, {"device", "kiosk"}}))["device"],
            "kiosk");
  EXPECT_EQ(call_from("desk", "root", "push.register", with(fcm(), {{"user", "alice"}})).code,
            "invalid_argument");
  EXPECT_EQ(refused("alice", "push.register", with(fcm(), {{"user", "bob"}, {"device", "x"}})),
            "not_allowed");
  EXPECT_EQ(refused("root", "push.register", with(fcm(), {{"user", "nobody"}, {"device", "x"}})),
            "not_found");
}

TEST_F(PushRequests, email_addresses_are_registered_by_administrators_alone) {
  const Json email{{"provider", "email"}, {"address", "alice@example.org"}};
  const auto reply = call_from("phone", "alice", "push.register", email);
  EXPECT_EQ(reply.code, "not_allowed");
  EXPECT_EQ(reply.message, "An administrator registers e-mail addresses.");
  EXPECT_EQ(ok("root", "push.register", with(email, {{"user", "alice"}}))["device"], "email");
  EXPECT_EQ(ok("root", "push.register", with(email, {{"user", "bob"}, {"device", "work"}}))["device"],
            "work");
}

TEST_F(PushRequests, a_provider_that_is_not_in_use_is_refused_with_those_that_are) {
  desk_.in_use = {"email", "fcm", "stdout"};
  for (const auto* provider : {"apns", "stdout", "pigeon"}) {
    const auto reply =
        call_from("phone", "alice", "push.register", {{"provider", provider}, {"address", kApnsToken}});
    EXPECT_EQ(reply.code, "invalid_argument");
    EXPECT_THAT(reply.message, HasSubstr("email, fcm."));
  }
  desk_.in_use = {"stdout"};
  const auto reply = call_from("phone", "alice", "push.register", fcm());
  EXPECT_EQ(reply.code, "invalid_argument");
  EXPECT_THAT(reply.message, HasSubstr("no provider"));
  desk_.in_use.clear();
  EXPECT_EQ(call_from("phone", "alice", "push.register", fcm()).code, "unavailable");
}

TEST_F(PushRequests, a_malformed_address_or_key_is_refused_without_being_repeated) {
  for (const auto& params :
       {fcm("two words"), fcm(""), fcm(std::string(2049, 'x')), with(fcm(), {{"keys", {{"sandbox", true}}}}),
        with(fcm(), {{"keys", "none"}}), Json{{"provider", "fcm"}}, Json{{"address", "x"}},
        with(fcm(), {{"adress", "x"}}), Json{{"provider", "apns"}, {"address", "secret-words"}},
        Json{{"provider", "webpush"}, {"address", "http://secret-words.example"}}}) {
    const auto reply = call_from("phone", "alice", "push.register", params);
    EXPECT_EQ(reply.code, "invalid_argument") << params;
    EXPECT_EQ(reply.message.find("words"), std::string::npos) << reply.message;
  }
  EXPECT_EQ(call_from("phone", "alice", "push.register", with(fcm(), {{"device", "a/b"}})).code,
            "invalid_name");
  EXPECT_THAT(registered("alice"), IsEmpty());
  EXPECT_THAT(desk_.take(), IsEmpty());
}

TEST_F(PushRequests, a_server_that_notifies_nobody_takes_no_registration_but_forgets_old_ones) {
  ASSERT_TRUE(call_from("phone", "alice", "push.register", fcm()).ok);
  restart_with(RequestsTest::options());
  const auto reply = call_from("phone", "alice", "push.register", fcm());
  EXPECT_EQ(reply.code, "unavailable");
  EXPECT_EQ(reply.message, "This server sends no notifications.");
  const auto list = ok("alice", "push.list");
  EXPECT_EQ(list["providers"], Json::array());
  EXPECT_EQ(list["registrations"].size(), 1u);
  EXPECT_FALSE(list.contains("webpush_key"));
  EXPECT_EQ(ok("alice", "push.unregister", {{"device", "phone"}})["removed"], 1);
}

TEST_F(PushRequests, the_list_tells_registrations_providers_and_the_browsers_key) {
  ASSERT_TRUE(call_from("phone", "alice", "push.register", fcm()).ok);
  const auto list = ok("alice", "push.list");
  ASSERT_EQ(list["registrations"].size(), 1u);
  EXPECT_EQ(list["registrations"][0], (Json{{"id", stores_.push->list("alice")->at(0).id},
                                            {"device", "phone"},
                                            {"provider", "fcm"},
                                            {"at", to_ms(clock_.wall())}}));
  EXPECT_EQ(list["providers"], (Json{"apns", "email", "fcm", "webpush"}));
  EXPECT_EQ(list["webpush_key"], "BKey");
  EXPECT_EQ(ok("root", "push.list", {{"user", "alice"}})["registrations"], list["registrations"]);
  EXPECT_EQ(refused("bob", "push.list", {{"user", "alice"}}), "not_allowed");
  desk_.key.clear();
  EXPECT_FALSE(ok("alice", "push.list").contains("webpush_key"));
}

TEST_F(PushRequests, a_device_unregisters_itself_and_no_other) {
  came("alice", "pad");
  for (const auto* device : {"phone", "pad"})
    ASSERT_TRUE(call_from(device, "alice", "push.register", fcm(device)).ok);
  ASSERT_TRUE(
      call_from("phone", "alice", "push.register", {{"provider", "apns"}, {"address", kApnsToken}}).ok);
  desk_.take();
  EXPECT_EQ(call_from("phone", "alice", "push.unregister", {{"provider", "apns"}}).result,
            (Json{{"removed", 1}}));
  EXPECT_THAT(desk_.take(), ElementsAre("forget alice"));
  EXPECT_EQ(call_from("phone", "alice", "push.unregister").result, (Json{{"removed", 1}}));
  EXPECT_THAT(registered("alice"), ElementsAre("pad fcm pad"));
  desk_.take();
  EXPECT_EQ(call_from("phone", "alice", "push.unregister").code, "not_found");
  EXPECT_THAT(desk_.take(), IsEmpty());
  EXPECT_EQ(call_from("phone", "alice", "push.unregister", {{"device", "pad"}}).result,
            (Json{{"removed", 1}}));
}

TEST_F(PushRequests, one_gives_up_ones_email_address_from_any_device) {
  ok("root", "push.register", {{"provider", "email"}, {"address", "alice@example.org"}, {"user", "alice"}});
  EXPECT_EQ(call_from("phone", "alice", "push.unregister", {{"provider", "email"}}).result,
            (Json{{"removed", 1}}));
}

TEST_F(PushRequests, all_registrations_of_a_named_user_go_or_those_with_one_provider) {
  for (const auto* device : {"phone", "pad"})
    ASSERT_TRUE(call_from(device, "alice", "push.register", fcm(device)).ok);
  ASSERT_TRUE(
      call_from("phone", "alice", "push.register", {{"provider", "apns"}, {"address", kApnsToken}}).ok);
  EXPECT_EQ(refused("bob", "push.unregister", {{"user", "alice"}}), "not_allowed");
  EXPECT_EQ(ok("root", "push.unregister", {{"user", "alice"}, {"provider", "fcm"}})["removed"], 2);
  EXPECT_THAT(registered("alice"), ElementsAre("phone apns " + kApnsToken));
  EXPECT_EQ(ok("root", "push.unregister", {{"user", "alice"}})["removed"], 1);
  EXPECT_EQ(refused("root", "push.unregister", {{"user", "alice"}}), "not_found");
}

TEST_F(PushRequests, what_administrators_do_to_others_is_in_the_audit_log_without_addresses) {
  ASSERT_TRUE(call_from("phone", "alice", "push.register", fcm("secret-token")).ok);
  ok("root", "push.register",
     {{"provider", "apns"},
      {"address", kApnsToken},
      {"keys", {{"sandbox", true}}},
      {"user", "alice"},
      {"device", "pad"}});
  ok("root", "push.unregister", {{"user", "alice"}, {"provider", "apns"}});
  refused("bob", "push.unregister", {{"user", "alice"}});
  const auto acts = ok("root", "audit.list")["acts"];
  ASSERT_EQ(acts.size(), 3u);
  EXPECT_EQ(acts[0]["outcome"], "not_allowed");
  EXPECT_EQ(acts[1]["action"], "push.unregister");
  EXPECT_EQ(acts[1]["outcome"], "ok");
  EXPECT_EQ(acts[2]["action"], "push.register");
  EXPECT_EQ(acts[2]["user"], "alice");
  EXPECT_EQ(acts[2]["details"], (Json{{"provider", "apns"}, {"device", "pad"}}));
}

TEST_F(PushRequests, a_forgotten_device_and_an_erased_user_are_forgotten_by_the_desk) {
  came("alice", "phone");
  ok("alice", "device.forget", {{"device", "phone"}});
  EXPECT_THAT(desk_.take(), ElementsAre("forget alice"));
  ok("root", "user.erase", {{"user", "bob"}, {"confirm", "bob"}});
  EXPECT_THAT(desk_.take(), ElementsAre("forget bob"));
}

}  // namespace
}  // namespace parley::backend
