#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

// Tells what it is told.
class FakeEraseWork final : public EraseWork {
 public:
  void begun() override { ++times_begun; }
  EraseProgress progress() override { return {.pseudonym = now, .stage = "messages", .changed = 17}; }

  std::atomic<int> times_begun = 0;
  std::string now;
};

class EraseRequests : public RequestsTest {
 protected:
  DispatcherOptions options() override {
    auto options = RequestsTest::options();
    options.erase_work = &work_;
    return options;
  }
  FakeEraseWork work_;
};

TEST_F(EraseRequests, an_erase_shuts_the_user_out_and_goes_on_by_itself) {
  const auto versions = broker_.versions().size();
  const auto begun = ok("root", "user.erase", {{"user", "bob"}, {"confirm", "bob"}});
  EXPECT_TRUE(begun["pseudonym"].get<std::string>().starts_with("~"));
  EXPECT_EQ(begun["user"], "bob");
  EXPECT_EQ(broker_.versions().size(), versions + 1);
  EXPECT_EQ(work_.times_begun, 1);
  EXPECT_EQ(refused("root", "user.get", {{"user", "bob"}}), "not_found");
  EXPECT_EQ(refused("root", "user.update", {{"user", "bob"}, {"admin", true}}), "not_found");
  EXPECT_EQ(refused("root", "user.create", {{"user", "BOB"}}), "already_exists");
  EXPECT_EQ(ok("root", "user.erase", {{"user", "bob"}, {"confirm", "bob"}})["pseudonym"], begun["pseudonym"]);
}

TEST_F(EraseRequests, erases_are_listed_with_how_far_they_are) {
  work_.now = ok("root", "user.erase", {{"user", "bob"}, {"confirm", "bob"}})["pseudonym"].get<std::string>();
  const auto list = ok("root", "user.erasures");
  ASSERT_EQ(list["erasures"].size(), 1u);
  const auto& one = list["erasures"][0];
  EXPECT_EQ(one["stage"], "messages");
  EXPECT_EQ(one["changed"], 17);
  EXPECT_FALSE(one.contains("done_at"));
  EXPECT_EQ(refused("alice", "user.erasures"), "not_allowed");
}

TEST_F(EraseRequests, only_administrators_erase_and_not_themselves_and_not_by_mistake) {
  EXPECT_EQ(refused("alice", "user.erase", {{"user", "bob"}, {"confirm", "bob"}}), "not_allowed");
  EXPECT_EQ(refused("root", "user.erase", {{"user", "root"}, {"confirm", "root"}}), "not_allowed");
  EXPECT_EQ(refused("root", "user.erase", {{"user", "bob"}}), "invalid_argument");
  EXPECT_EQ(refused("root", "user.erase", {{"user", "bob"}, {"confirm", "carol"}}), "invalid_argument");
  EXPECT_EQ(refused("root", "user.erase", {{"user", "nobody"}, {"confirm", "nobody"}}), "not_found");
  EXPECT_EQ(ok("alice", "user.get", {{"user", "bob"}})["disabled"], false);
}

TEST_F(EraseRequests, the_audit_log_does_not_keep_the_name) {
  const auto begun = ok("root", "user.erase", {{"user", "bob"}, {"confirm", "bob"}});
  const auto acts = ok("root", "audit.list", {{"limit", 1}})["acts"];
  EXPECT_EQ(acts[0]["action"], "user.erase");
  EXPECT_EQ(acts[0]["user"], begun["pseudonym"]);
  EXPECT_EQ(acts[0].dump().find("bob"), std::string::npos);
}

}  // namespace
}  // namespace parley::backend
