#include <atomic>
#include <thread>

#include "tests/contract/notify_contract.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PushStoreContract : public NotifyContract {
 protected:
  // As "phone fcm".
  std::vector<std::string> list(const std::string& user) {
    std::vector<std::string> out;
    for (const auto& one : ok(push().list(user))) out.push_back(one.device + " " + one.provider);
    return out;
  }
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const auto& job : waiting()) out.push_back(job.user);
    return out;
  }
};

TEST_P(PushStoreContract, a_registration_is_kept_as_it_was_given) {
  const Registration draft{.user = "bob",
                           .device = "phone",
                           .provider = "webpush",
                           .address = "https://push.example/" + std::string(2'000, 'x'),
                           .keys = R"({"auth":"Ä"})"};
  const auto made = ok(push().put(draft));
  EXPECT_FALSE(made.id.empty());
  EXPECT_EQ(made.at, now());
  reopen();
  const auto kept = ok(push().get(made.id));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->user, "bob");
  EXPECT_EQ(kept->device, "phone");
  EXPECT_EQ(kept->provider, "webpush");
  EXPECT_EQ(kept->address, draft.address);
  EXPECT_EQ(kept->keys, draft.keys);
  EXPECT_EQ(kept->at, now());
  EXPECT_FALSE(ok(push().get("nobody's")));
}

TEST_P(PushStoreContract, they_are_listed_by_device_and_then_provider) {
  reach("bob", "phone", "", "webpush");
  reach("bob", "phone", "", "email");
  reach("bob", "Pad");
  reach("carl", "phone");
  EXPECT_THAT(list("bob"), ElementsAre("Pad fcm", "phone email", "phone webpush"));
  EXPECT_THAT(list("alice"), IsEmpty());
}

TEST_P(PushStoreContract, a_new_address_keeps_the_id_and_the_jobs) {
  const auto id = reach("bob", "phone", "old");
  mark({to("bob", 1, 0, id)});
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(reach("bob", "phone", "new"), id);
  EXPECT_EQ(ok(push().get(id))->address, "new");
  EXPECT_EQ(ok(push().get(id))->at, now());
  EXPECT_THAT(told(), ElementsAre("bob"));
  EXPECT_NE(reach("carl", "phone", "old"), id);
  EXPECT_THAT(list("bob"), ElementsAre("phone fcm"));
}

TEST_P(PushStoreContract, an_address_has_one_owner) {
  const auto id = reach("bob", "phone", "token");
  mark({to("bob", 1, 0, id)});
  reach("bob", "phone", "token", "apns");  // of another provider
  const auto other = reach("carl", "pad", "token");
  EXPECT_NE(other, id);
  EXPECT_THAT(list("bob"), ElementsAre("phone apns"));
  EXPECT_THAT(list("carl"), ElementsAre("pad fcm"));
  EXPECT_THAT(told(), IsEmpty());
  reach("carl", "phone", "token");
  EXPECT_THAT(list("carl"), ElementsAre("phone fcm"));
}

TEST_P(PushStoreContract, of_too_many_the_oldest_goes) {
  for (std::uint32_t n = 0; n < kRegistrationsPerUserMax; ++n) {
    reach("bob", "d" + std::to_string(10 + n));
    clock_.advance(std::chrono::seconds(1));
  }
  const auto oldest = ok(push().list("bob"))[1].id;
  mark({to("bob", 1, 0, oldest)});
  reach("bob", "d10", "set anew");
  EXPECT_EQ(list("bob").size(), kRegistrationsPerUserMax);
  reach("bob", "d99");
  EXPECT_EQ(list("bob").size(), kRegistrationsPerUserMax);
  EXPECT_FALSE(ok(push().get(oldest)));
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_EQ(list("bob").front(), "d10 fcm");
  EXPECT_EQ(list("bob").back(), "d99 fcm");
}

TEST_P(PushStoreContract, nobody_who_is_not_there_has_any) {
  EXPECT_EQ(code_of(push().put({.user = "nobody", .device = "d", .provider = "fcm", .address = "a"})),
            Errc::not_found);
  EXPECT_EQ(code_of(push().set_quiet_hours("nobody", {1, 2, ""})), Errc::not_found);
  EXPECT_EQ(code_of(push().set_room("nobody", lab_, {NotifyLevel::all, {}})), Errc::not_found);
  EXPECT_EQ(code_of(push().set_room("bob", lab_ + 1, {NotifyLevel::all, {}})), Errc::not_found);
  EXPECT_EQ(code_of(push().set_blocked("nobody", "bob", true)), Errc::not_found);
  EXPECT_EQ(code_of(push().set_blocked("bob", "nobody", true)), Errc::not_found);
  EXPECT_EQ(code_of(push().set_blocked("bob", "nobody", false)), std::nullopt);
}

TEST_P(PushStoreContract, removed_ones_take_their_jobs_along) {
  mark({to("bob", 1, 0, reach("bob", "phone")), to("bob", 1, 0, reach("bob", "pad")), to("bob", 1)});
  reach("bob", "phone", "", "apns");
  EXPECT_EQ(ok(push().remove("bob", "phone", "webpush")), 0u);
  EXPECT_EQ(ok(push().remove("carl", "phone", "")), 0u);
  EXPECT_EQ(ok(push().remove("bob", "phone", "fcm")), 1u);
  EXPECT_EQ(waiting().size(), 2u);
  EXPECT_EQ(ok(push().remove("bob", "phone", "")), 1u);
  EXPECT_EQ(ok(push().remove("bob", "pad", "")), 1u);
  EXPECT_EQ(the_waiting().target, "@hook");
}

TEST_P(PushStoreContract, one_that_was_set_anew_is_not_pruned) {
  const auto id = reach("bob", "phone", "old");
  mark({to("bob", 1, 0, id)});
  reach("bob", "phone", "new");
  EXPECT_FALSE(ok(push().prune(id, "old")));
  EXPECT_EQ(waiting().size(), 1u);
  EXPECT_TRUE(ok(push().prune(id, "new")));
  EXPECT_FALSE(ok(push().prune(id, "new")));
  EXPECT_THAT(list("bob"), IsEmpty());
  EXPECT_THAT(waiting(), IsEmpty());
}

// Whoever marks has read the registration a moment before.
TEST_P(PushStoreContract, no_job_outlives_its_registration) {
  std::atomic<bool> stop = false;
  {
    std::jthread remover([&] {
      while (!stop) ok(push().remove("bob", "phone", ""));
    });
    std::vector<std::jthread> markers;
    for (const std::uint64_t seq : {1, 2})
      markers.emplace_back([&, seq] {
        for (int round = 0; round < 100; ++round) {
          const auto id = reach("bob", "phone");
          mark({to("bob", seq, 0, id)});
        }
      });
    markers.clear();
    stop = true;
  }
  ok(push().remove("bob", "phone", ""));
  EXPECT_THAT(waiting(), IsEmpty());
}

TEST_P(PushStoreContract, quiet_hours_are_kept) {
  EXPECT_EQ(ok(push().quiet_hours("bob")), QuietHours{});
  const QuietHours night{22 * 60, 7 * 60, "Europe/Berlin"};
  ok(push().set_quiet_hours("bob", {1, 2, ""}));
  ok(push().set_quiet_hours("bob", night));
  reopen();
  EXPECT_EQ(ok(push().quiet_hours("bob")), night);
  EXPECT_EQ(ok(push().quiet_hours("carl")), QuietHours{});
  ok(push().set_quiet_hours("bob", {}));
  EXPECT_EQ(ok(push().quiet_hours("bob")), QuietHours{});
}

TEST_P(PushStoreContract, wishes_about_a_room_stay_through_leaving_and_end_with_the_room) {
  EXPECT_EQ(ok(push().room("bob", lab_)), RoomNotify{});
  const RoomNotify wish{NotifyLevel::mentions, kForever};
  ok(push().set_room("bob", lab_, {NotifyLevel::none, {}}));
  ok(push().set_room("bob", lab_, wish));
  ok(rooms().change_member({.room_id = lab_, .user = "bob"}));
  join(lab_, "bob");
  reopen();
  EXPECT_EQ(ok(push().room("bob", lab_)), wish);
  EXPECT_EQ(ok(push().room("carl", lab_)), RoomNotify{});
  ok(push().set_room("carl", lab_, wish));
  ok(push().set_room("carl", lab_, {}));
  EXPECT_EQ(ok(push().room("carl", lab_)), RoomNotify{});
  ok(rooms().erase(lab_, std::nullopt));
  EXPECT_EQ(ok(push().room("bob", lab_)), RoomNotify{});
}

TEST_P(PushStoreContract, whom_one_blocks_is_told_in_byte_order) {
  ok(push().set_blocked("bob", "carl", true));
  ok(push().set_blocked("bob", "alice", true));
  ok(push().set_blocked("bob", "alice", true));
  ok(push().set_blocked("carl", "bob", true));
  EXPECT_THAT(ok(push().blocked("bob")), ElementsAre("alice", "carl"));
  ok(push().set_blocked("bob", "carl", false));
  ok(push().set_blocked("bob", "carl", false));
  EXPECT_THAT(ok(push().blocked("bob")), ElementsAre("alice"));
  EXPECT_THAT(ok(push().blocked("alice")), IsEmpty());
}

TEST_P(PushStoreContract, no_more_are_blocked_than_may_be) {
  for (std::uint32_t n = 0; n < kBlockedMax; ++n) {
    const auto name = "u" + std::to_string(n);
    add_user(name);
    ok(push().set_blocked("bob", name, true));
  }
  EXPECT_EQ(code_of(push().set_blocked("bob", "alice", true)), Errc::invalid_argument);
  EXPECT_EQ(code_of(push().set_blocked("bob", "u7", true)), std::nullopt);
  EXPECT_EQ(ok(push().blocked("bob")).size(), kBlockedMax);
}

TEST_P(PushStoreContract, a_forgotten_device_is_reached_no_more) {
  ok(devices().seen(
      std::vector{DeviceSeen{.user = "bob", .device = "phone", .at = now(), .connected = true}}));
  mark({to("bob", 1, 0, reach("bob", "phone")), to("bob", 1, 0, reach("bob", "browser"))});
  reach("carl", "phone");
  ok(devices().forget("bob", "phone"));
  EXPECT_THAT(list("bob"), ElementsAre("browser fcm"));
  EXPECT_EQ(waiting().size(), 1u);
  const auto only_registered = devices().forget("bob", "browser");
  ASSERT_TRUE(only_registered) << only_registered.error().message;
  EXPECT_EQ(only_registered->version, 0u);
  EXPECT_THAT(list("bob"), IsEmpty());
  EXPECT_THAT(waiting(), IsEmpty());
  EXPECT_EQ(code_of(devices().forget("bob", "browser")), Errc::not_found);
  EXPECT_THAT(list("carl"), ElementsAre("phone fcm"));
}

TEST_P(PushStoreContract, who_is_being_erased_is_told_nothing_and_later_nothing_is_left) {
  const auto phone = reach("bob", "phone");
  ok(push().set_quiet_hours("bob", {1, 2, "Asia/Tokyo"}));
  ok(push().set_room("bob", lab_, {NotifyLevel::none, {}}));
  ok(push().set_blocked("bob", "carl", true));
  ok(push().set_blocked("carl", "bob", true));
  for (const auto what : {What::dead, What::sent}) {
    mark_bob(1);
    make_ready();
    finish(ended(claim_one(), what, "over", ""));
  }
  mark({to("bob", 9), to("bob", 9, 0, phone), to("carl", 9)});
  const auto erasure = ok(stores_.erasures->begin("bob", std::nullopt)).value;
  EXPECT_THAT(list("bob"), IsEmpty());
  EXPECT_THAT(told(), ElementsAre("carl"));
  mark({to("bob", 10), to("bob", 10, 0, phone)});
  EXPECT_THAT(told(), ElementsAre("carl"));
  EXPECT_EQ(code_of(push().put({.user = "bob", .device = "d", .provider = "fcm", .address = "a"})),
            Errc::not_found);
  EXPECT_EQ(code_of(push().set_quiet_hours("bob", {1, 2, ""})), Errc::not_found);
  EXPECT_EQ(code_of(push().set_room("bob", lab_, {NotifyLevel::all, {}})), Errc::not_found);
  EXPECT_EQ(code_of(push().set_blocked("carl", "bob", true)), Errc::not_found);

  while (ok(stores_.erasures->leave_some(erasure)).more) {
  }
  ASSERT_TRUE(ok(stores_.erasures->forget(erasure)).value);
  EXPECT_EQ(ok(push().quiet_hours("bob")), QuietHours{});
  EXPECT_EQ(ok(push().room("bob", lab_)), RoomNotify{});
  EXPECT_THAT(ok(push().blocked("bob")), IsEmpty());
  EXPECT_THAT(ok(push().blocked("carl")), IsEmpty());
  EXPECT_THAT(ok(deliveries().log({})), IsEmpty());
  EXPECT_THAT(ok(deliveries().dead(0, 10)), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Stores, PushStoreContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
