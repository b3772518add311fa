#include <gmock/gmock.h>

#include "tests/contract/store_contract.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using wire::Role;

class AdmissionStoreContract : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    if (IsSkipped()) return;
    for (const char* name : {"alice", "bob", "carol"}) add_user(name);
    lab_ = add_room("lab", "alice").id;
    hall_ = add_room("hall", "alice").id;
  }

  AdmissionStore& admissions() { return *stores_.admissions; }
  std::optional<Errc> invite(std::uint64_t room, const std::string& user, Role role = Role::member,
                             std::chrono::seconds life = std::chrono::hours(1)) {
    return code_of(admissions().invite(
        {.room_id = room, .user = user, .role = role, .by = "alice", .expires_at = clock_.wall() + life}));
  }
  std::string add_link(const std::string& id, std::optional<std::uint32_t> uses = {},
                       std::optional<std::chrono::seconds> life = {}) {
    std::optional<WallTime> end;
    if (life) end = clock_.wall() + *life;
    auto made = admissions().create_link(
        {.id = id, .room_id = lab_, .by = "alice", .sha256 = secret(id), .expires_at = end, .uses = uses});
    EXPECT_TRUE(made) << made.error().message;
    return id;
  }
  static std::string secret(const std::string& id) { return id + std::string(32 - id.size(), '\1'); }
  std::optional<Errc> join(const std::string& user, Ticket ticket) {
    return code_of(rooms().change_member(
        {.room_id = lab_, .user = user, .role = Role::member, .ticket = std::move(ticket)}));
  }
  std::optional<Errc> join_by(const std::string& user, const std::string& link) {
    return join(user, {.kind = Ticket::Kind::link, .link = link});
  }
  void put(const std::string& user, Role role, bool banned = false) {
    ASSERT_TRUE(rooms().change_member({.room_id = lab_, .user = user, .role = role, .banned = banned}));
  }
  std::vector<std::string> rooms_of(const std::string& user, const std::string& after = "",
                                    std::uint32_t limit = 100) {
    std::vector<std::string> names;
    auto list = admissions().invitations_of(user, after, limit);
    for (const auto& one : *list) names.push_back(one.room);
    return names;
  }
  std::vector<std::string> guests(const std::string& after = "", std::uint32_t limit = 100) {
    std::vector<std::string> names;
    auto list = admissions().invitations_to(lab_, after, limit);
    for (const auto& one : *list) names.push_back(one.user);
    return names;
  }
  std::vector<std::string> link_ids() {
    std::vector<std::string> ids;
    auto list = admissions().links(lab_);
    for (const auto& one : *list) ids.push_back(one.id);
    return ids;
  }

  std::uint64_t lab_ = 0, hall_ = 0;
};

TEST_P(AdmissionStoreContract, an_invitation_is_found_as_it_was_made) {
  ASSERT_EQ(invite(lab_, "bob", Role::moderator), std::nullopt);
  reopen();
  auto found = admissions().invitation(lab_, "bob");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->room, "lab");
  EXPECT_EQ(found->room_id, lab_);
  EXPECT_EQ(found->user, "bob");
  EXPECT_EQ(found->role, Role::moderator);
  EXPECT_EQ(found->by, "alice");
  EXPECT_EQ(found->at, clock_.wall());
  EXPECT_EQ(found->expires_at, clock_.wall() + std::chrono::hours(1));
  EXPECT_EQ(code_of(admissions().invitation(hall_, "bob")), Errc::not_found);
  EXPECT_EQ(code_of(admissions().invitation(lab_, "carol")), Errc::not_found);
  EXPECT_EQ(invite(lab_ + 1, "bob"), Errc::not_found);
  EXPECT_EQ(invite(lab_, "zoe"), Errc::not_found);
}

TEST_P(AdmissionStoreContract, a_later_invitation_takes_the_place_of_the_first) {
  invite(lab_, "bob");
  ASSERT_EQ(invite(lab_, "bob", Role::reader, std::chrono::hours(2)), std::nullopt);
  EXPECT_EQ(admissions().invitation(lab_, "bob")->role, Role::reader);
  EXPECT_THAT(guests(), ElementsAre("bob"));
}

TEST_P(AdmissionStoreContract, lists_are_in_order_and_paged) {
  for (auto room : {lab_, hall_}) {
    invite(room, "bob");
    invite(room, "carol");
  }
  EXPECT_THAT(rooms_of("bob"), ElementsAre("hall", "lab"));
  EXPECT_THAT(rooms_of("bob", "hall"), ElementsAre("lab"));
  EXPECT_THAT(rooms_of("bob", "", 1), ElementsAre("hall"));
  EXPECT_THAT(guests(), ElementsAre("bob", "carol"));
  EXPECT_THAT(guests("bob"), ElementsAre("carol"));
  EXPECT_THAT(guests("", 1), ElementsAre("bob"));
  EXPECT_THAT(rooms_of("alice"), IsEmpty());
}

TEST_P(AdmissionStoreContract, an_invitation_lets_in_once) {
  invite(lab_, "bob");
  EXPECT_EQ(join("carol", {.kind = Ticket::Kind::invitation}), Errc::not_found);
  EXPECT_EQ(join("bob", {.kind = Ticket::Kind::invitation}), std::nullopt);
  EXPECT_EQ(rooms().member(lab_, "bob")->role, Role::member);
  EXPECT_THAT(rooms_of("bob"), IsEmpty());
  put("bob", Role::none);
  auto version = directory().version();
  EXPECT_EQ(join("bob", {.kind = Ticket::Kind::invitation}), Errc::not_found);
  EXPECT_EQ(rooms().member(lab_, "bob")->role, Role::none);
  EXPECT_EQ(directory().version(), version);
}

TEST_P(AdmissionStoreContract, an_invitation_ends_by_itself) {
  invite(lab_, "bob", Role::member, std::chrono::seconds(10));
  clock_.advance(std::chrono::seconds(10));
  EXPECT_EQ(code_of(admissions().invitation(lab_, "bob")), Errc::not_found);
  EXPECT_THAT(rooms_of("bob"), IsEmpty());
  EXPECT_THAT(guests(), IsEmpty());
  EXPECT_EQ(join("bob", {.kind = Ticket::Kind::invitation}), Errc::not_found);
  EXPECT_EQ(code_of(admissions().withdraw(lab_, "bob")), Errc::not_found);
}

TEST_P(AdmissionStoreContract, an_invitation_ends_with_a_ban_a_membership_or_the_room) {
  invite(lab_, "bob");
  put("bob", Role::none, /*banned=*/true);
  put("bob", Role::none);
  EXPECT_EQ(join("bob", {.kind = Ticket::Kind::invitation}), Errc::not_found);
  invite(lab_, "carol");
  put("carol", Role::reader);
  EXPECT_THAT(guests(), IsEmpty());
  invite(lab_, "bob");
  ASSERT_TRUE(rooms().erase(lab_));
  EXPECT_THAT(rooms_of("bob"), IsEmpty());
  EXPECT_EQ(code_of(admissions().invitation(lab_, "bob")), Errc::not_found);
}

TEST_P(AdmissionStoreContract, an_invitation_is_withdrawn_once) {
  invite(lab_, "bob");
  EXPECT_TRUE(admissions().withdraw(lab_, "bob"));
  EXPECT_EQ(code_of(admissions().withdraw(lab_, "bob")), Errc::not_found);
}

TEST_P(AdmissionStoreContract, a_user_and_a_room_have_so_many_invitations_and_no_more) {
  for (std::uint32_t i = 0; i < kInvitationsOfUserMax; ++i)
    ASSERT_EQ(invite(add_room("r" + std::to_string(i), "alice").id, "bob"), std::nullopt);
  EXPECT_EQ(invite(lab_, "bob"), Errc::invalid_argument);
  clock_.advance(std::chrono::hours(2));  // now they have ended
  EXPECT_EQ(invite(lab_, "bob"), std::nullopt);
}

TEST_P(AdmissionStoreContract, a_link_is_found_by_its_secret_as_it_was_made) {
  add_link("l1", 3, std::chrono::seconds(60));
  reopen();
  auto link = admissions().find_link(secret("l1"));
  ASSERT_TRUE(link);
  EXPECT_EQ(link->id, "l1");
  EXPECT_EQ(link->room_id, lab_);
  EXPECT_EQ(link->by, "alice");
  EXPECT_EQ(link->uses_left, 3u);
  EXPECT_EQ(link->uses, 0u);
  EXPECT_EQ(link->expires_at, clock_.wall() + std::chrono::seconds(60));
  EXPECT_EQ(code_of(admissions().find_link(secret("l2"))), Errc::not_found);
  EXPECT_EQ(code_of(admissions().create_link(
                {.id = "l3", .room_id = lab_ + 1, .by = "alice", .sha256 = secret("l3")})),
            Errc::not_found);
}

TEST_P(AdmissionStoreContract, a_link_lets_in_as_often_as_it_says) {
  add_link("l1", 2);
  EXPECT_EQ(join_by("bob", "l1"), std::nullopt);
  EXPECT_EQ(admissions().find_link(secret("l1"))->uses_left, 1u);
  EXPECT_EQ(admissions().find_link(secret("l1"))->uses, 1u);
  EXPECT_EQ(join_by("carol", "l1"), std::nullopt);
  EXPECT_EQ(code_of(admissions().find_link(secret("l1"))), Errc::not_found);
  put("carol", Role::none);
  EXPECT_EQ(join_by("carol", "l1"), Errc::not_found);
  EXPECT_EQ(rooms().member(lab_, "carol")->role, Role::none);
  EXPECT_THAT(link_ids(), IsEmpty());
}

TEST_P(AdmissionStoreContract, a_link_without_a_limit_counts_only) {
  add_link("l1");
  for (const char* user : {"bob", "carol"}) EXPECT_EQ(join_by(user, "l1"), std::nullopt);
  auto link = admissions().find_link(secret("l1"));
  ASSERT_TRUE(link);
  EXPECT_EQ(link->uses_left, std::nullopt);
  EXPECT_EQ(link->expires_at, std::nullopt);
  EXPECT_EQ(link->uses, 2u);
}

TEST_P(AdmissionStoreContract, what_changes_nothing_uses_nothing_up) {
  add_link("l1", 1);
  put("bob", Role::member);
  EXPECT_EQ(join_by("bob", "l1"), std::nullopt);
  EXPECT_EQ(admissions().find_link(secret("l1"))->uses_left, 1u);
}

TEST_P(AdmissionStoreContract, a_link_ends_by_its_time_by_being_revoked_or_with_its_room) {
  add_link("l1", {}, std::chrono::seconds(10));
  add_link("l2");
  add_link("l3");
  clock_.advance(std::chrono::seconds(10));
  EXPECT_THAT(link_ids(), ElementsAre("l2", "l3"));
  EXPECT_EQ(join_by("bob", "l1"), Errc::not_found);
  EXPECT_EQ(code_of(admissions().revoke_link(hall_, "l2")), Errc::not_found);
  EXPECT_TRUE(admissions().revoke_link(lab_, "l2"));
  EXPECT_EQ(code_of(admissions().revoke_link(lab_, "l2")), Errc::not_found);
  EXPECT_EQ(join_by("bob", "l2"), Errc::not_found);
  ASSERT_TRUE(rooms().erase(lab_));
  EXPECT_EQ(code_of(admissions().find_link(secret("l3"))), Errc::not_found);
}

TEST_P(AdmissionStoreContract, a_link_is_of_no_use_for_another_room) {
  add_link("l1");
  EXPECT_EQ(code_of(rooms().change_member({.room_id = hall_,
                                           .user = "bob",
                                           .role = Role::member,
                                           .ticket = {.kind = Ticket::Kind::link, .link = "l1"}})),
            Errc::not_found);
}

TEST_P(AdmissionStoreContract, a_room_has_so_many_links_and_no_more) {
  for (std::uint32_t i = 0; i < kLinksOfRoomMax; ++i)
    add_link("l" + std::to_string(i), {}, std::chrono::hours(1));
  NewJoinLink more{.id = "more", .room_id = lab_, .by = "alice", .sha256 = secret("more")};
  EXPECT_EQ(code_of(admissions().create_link(more)), Errc::invalid_argument);
  clock_.advance(std::chrono::hours(1));
  EXPECT_TRUE(admissions().create_link(more));
  EXPECT_THAT(link_ids(), ElementsAre("more"));
}

INSTANTIATE_TEST_SUITE_P(Stores, AdmissionStoreContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
