#include <gmock/gmock.h>

#include "tests/contract/store_contract.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class UserStoreContract : public StoreContract {
 protected:
  NewToken token(int n, const std::string& user = "alice") {
    auto number = std::to_string(n);
    return {.id = "01JD8Z6V5T3Y0N7QF4R2W9" + std::string(4 - number.size(), '0') + number,
            .user = user,
            .label = "phone",
            .sha256 = std::string(28, '\0') + std::string(4 - number.size(), '0') + number};
  }
  void add_token(const NewToken& token) {
    auto made = users().create_token(token);
    ASSERT_TRUE(made) << made.error().message;
  }
};

TEST_P(UserStoreContract, an_account_is_found_as_it_was_made) {
  ASSERT_TRUE(users().create({.name = "Alice", .title = "Alice A.", .admin = true, .scram = "S"}));
  reopen();
  auto account = users().find("Alice");
  ASSERT_TRUE(account);
  EXPECT_EQ(account->title, "Alice A.");
  EXPECT_TRUE(account->admin);
  EXPECT_FALSE(account->disabled);
  EXPECT_EQ(account->scram, "S");
  EXPECT_EQ(account->created_at, clock_.wall());
  EXPECT_EQ(users().count(), 1u);
}

TEST_P(UserStoreContract, names_are_taken_whatever_their_case_and_used_as_written) {
  add_user("Alice");
  EXPECT_EQ(code_of(users().create({.name = "aLICE", .title = "", .scram = ""})), Errc::already_exists);
  EXPECT_EQ(code_of(users().find("alice")), Errc::not_found);
}

TEST_P(UserStoreContract, an_update_sets_what_is_given_and_tells_the_plugin_what_it_keeps) {
  add_user("alice");
  auto version = *directory().version();
  auto titled = users().update("alice", {.title = "A"});
  EXPECT_EQ(titled->version, 0u);
  EXPECT_EQ(titled->value.title, "A");
  EXPECT_EQ(directory().version(), version);
  auto disabled = users().update("alice", {.disabled = true, .scram = "S"});
  EXPECT_EQ(disabled->version, version + 1);
  EXPECT_THAT(steps_after(version)[0].changes,
              ElementsAre(wire::UserPut{.name = "alice", .disabled = true, .scram = "S"}));
  EXPECT_EQ(users().find("alice")->title, "A");
  EXPECT_TRUE(users().find("alice")->disabled);
  EXPECT_EQ(code_of(users().update("bob", {.title = "B"})), Errc::not_found);
}

TEST_P(UserStoreContract, accounts_are_listed_in_order_of_names) {
  for (const char* name : {"carol", "Bob", "alice"}) add_user(name);
  auto names = [&](const std::string& after, std::uint32_t limit) {
    std::vector<std::string> names;
    auto accounts = users().list(after, limit);
    for (const auto& account : *accounts) names.push_back(account.name);
    return names;
  };
  EXPECT_THAT(names("", 10), ElementsAre("Bob", "alice", "carol"));
  EXPECT_THAT(names("Bob", 1), ElementsAre("alice"));
  EXPECT_THAT(names("carol", 1), IsEmpty());
}

TEST_P(UserStoreContract, a_token_is_told_to_the_plugin_by_its_digest) {
  add_user("alice");
  auto draft = token(1);
  draft.expires_at = clock_.wall() + std::chrono::hours(1);
  auto made = users().create_token(draft);
  ASSERT_TRUE(made);
  EXPECT_THAT(
      steps_after(made->version - 1)[0].changes,
      ElementsAre(wire::TokenPut{
          .id = draft.id, .user = "alice", .sha256 = draft.sha256, .expires_ms = to_ms(*draft.expires_at)}));
  auto found = users().find_token(draft.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "alice");
  EXPECT_EQ(found->label, "phone");
  EXPECT_EQ(found->created_at, clock_.wall());
  EXPECT_EQ(found->expires_at, draft.expires_at);
}

TEST_P(UserStoreContract, a_revoked_token_is_gone) {
  add_user("alice");
  add_token(token(1));
  add_token(token(2));
  auto done = users().revoke_token(token(1).id);
  ASSERT_TRUE(done);
  EXPECT_THAT(steps_after(done->version - 1)[0].changes, ElementsAre(wire::TokenDrop{token(1).id}));
  EXPECT_EQ(code_of(users().find_token(token(1).id)), Errc::not_found);
  EXPECT_EQ(code_of(users().revoke_token(token(1).id)), Errc::not_found);
  EXPECT_EQ(users().tokens("alice")->size(), 1u);
  EXPECT_EQ(users().tokens("alice")->front().expires_at, std::nullopt);
}

TEST_P(UserStoreContract, nobody_unknown_gets_a_token) {
  EXPECT_EQ(code_of(users().create_token(token(1, "zoe"))), Errc::not_found);
  EXPECT_THAT(*users().tokens("zoe"), IsEmpty());
}

TEST_P(UserStoreContract, tokens_are_bounded_and_expired_ones_make_room) {
  add_user("alice");
  auto expiring = token(0);
  expiring.expires_at = clock_.wall() + std::chrono::seconds(10);
  add_token(expiring);
  for (int n = 1; n < static_cast<int>(kTokensPerUserMax); ++n) add_token(token(n));
  EXPECT_EQ(code_of(users().create_token(token(999))), Errc::invalid_argument);
  EXPECT_EQ(users().tokens("alice")->size(), kTokensPerUserMax);
  clock_.advance(std::chrono::seconds(10));
  auto made = users().create_token(token(999));
  ASSERT_TRUE(made);
  EXPECT_EQ(steps_after(made->version - 1)[0].changes.front(),
            wire::DirectoryChange(wire::TokenDrop{expiring.id}));
  EXPECT_EQ(users().tokens("alice")->size(), kTokensPerUserMax);
}

INSTANTIATE_TEST_SUITE_P(Stores, UserStoreContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
