#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "tests/contract/store_contract.h"
#include "wire/entry.h"

// What is unread, against a recount.
namespace parley::backend {
namespace {

using Said = Records::Said;
using Json = nlohmann::json;

class UnreadStoreContract : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    if (IsSkipped()) return;
    for (const char* user : {"alice", "Bob"}) add_user(user);
    lab_ = add_room("lab", "alice").id;
    ASSERT_TRUE(messages().begin(1, "journal-a", std::nullopt));
  }
  void store(const std::vector<Said>& said, std::uint64_t room = 0) {
    Records records;
    for (const auto& one : said) records.say(room ? room : lab_, one);
    auto at = messages().position()->offset;
    ASSERT_TRUE(messages().store(1, at, at + 1, records.span()));
  }
  Unread of(const std::string& user, std::uint64_t read) {
    return ask(user, {{.room_id = lab_, .read = read, .last_message = rooms().get(lab_)->last_message}})[0];
  }
  std::vector<Unread> ask(const std::string& user, std::vector<UnreadQuery::Room> asked) {
    auto unread = stores_.unread->unread(
        {.user = user, .user_key = user == "Bob" ? "bob" : user, .rooms = std::move(asked)});
    if (!unread) throw std::runtime_error(unread.error().message);
    return *unread;
  }

  std::uint64_t lab_ = 0;
};

Said text(std::uint64_t seq, const std::string& from, const std::string& text = "hi",
          const std::string& role = "member") {
  return {.seq = seq, .from = from, .content = Json{{"text", text}}.dump(), .role = role};
}
Said about(std::uint64_t seq, const std::string& from, const std::string& type, std::uint64_t target) {
  Json content{{"type", type}, {"target", target}, {"text", "new"}, {"key", "+1"}};
  return {.seq = seq, .from = from, .type = type, .content = content.dump()};
}

TEST_P(UnreadStoreContract, an_empty_room_has_nothing) {
  auto unread = of("alice", 0);
  EXPECT_EQ(unread.messages, 0u);
  EXPECT_EQ(unread.mentions, 0u);
  EXPECT_EQ(unread.last, "");
  EXPECT_EQ(rooms().get(lab_)->last_message, 0u);
}

TEST_P(UnreadStoreContract, only_what_others_wrote_above_the_mark_counts) {
  store({{.seq = 1, .type = "room", .content = R"({"action":"created"})"},
         text(2, "alice"),
         text(3, "Bob"),
         about(4, "Bob", "reaction", 2),
         about(5, "alice", "edit", 2),
         text(6, "alice"),
         {.seq = 7, .from = "alice", .flags = wire::kRecordImported},
         {.seq = 8, .type = "member", .content = R"({"action":"joined","user":"zoe"})"}});
  EXPECT_EQ(of("Bob", 0).messages, 2u);
  EXPECT_EQ(of("Bob", 2).messages, 1u);
  EXPECT_EQ(of("Bob", 6).messages, 0u);
  EXPECT_EQ(of("alice", 0).messages, 1u);
  EXPECT_EQ(of("alice", 3).messages, 0u);
  EXPECT_EQ(of("zoe", 0).messages, 3u);
  EXPECT_EQ(of("zoe", 1000).messages, 0u);
  EXPECT_EQ(rooms().get(lab_)->last_message, 7u);
}

TEST_P(UnreadStoreContract, what_was_deleted_is_not_unread) {
  store({text(1, "alice", "@bob one"), text(2, "Bob"), text(3, "alice", "@bob two"),
         about(4, "alice", "delete", 1)});
  EXPECT_EQ(of("Bob", 0).messages, 1u);
  EXPECT_EQ(of("Bob", 0).mentions, 1u);
  store({about(5, "Bob", "delete", 2), about(6, "alice", "delete", 3)});
  EXPECT_EQ(of("Bob", 0).messages, 0u);
  EXPECT_EQ(of("Bob", 0).mentions, 0u);
  EXPECT_EQ(of("alice", 0).messages, 0u);
}

TEST_P(UnreadStoreContract, a_mention_counts_once_however_it_is_made) {
  store({text(1, "alice", "@bob @Bob @room", "owner"), text(2, "alice", "@room", "member"),
         text(3, "alice", "all: @room", "moderator"), text(4, "Bob", "@bob @room", "owner")});
  EXPECT_EQ(of("Bob", 0).mentions, 2u);
  EXPECT_EQ(of("Bob", 1).mentions, 1u);
  EXPECT_EQ(of("zoe", 0).mentions, 3u);
}

TEST_P(UnreadStoreContract, the_last_message_is_told_as_history_has_it) {
  store({text(1, "alice"), text(2, "Bob", "last"), about(3, "Bob", "edit", 2),
         about(4, "alice", "reaction", 2)});
  auto last = Json::parse(of("alice", 0).last);
  EXPECT_EQ(last["seq"], 2);
  EXPECT_EQ(last["content"]["text"], "new");
  EXPECT_EQ(last["edited"]["seq"], 3);
  store({about(5, "Bob", "delete", 2)});
  last = Json::parse(of("alice", 0).last);
  EXPECT_EQ(last["seq"], 2);
  EXPECT_EQ(last["content"], Json::object());
  EXPECT_EQ(last["deleted"]["seq"], 5);
}

TEST_P(UnreadStoreContract, many_rooms_are_answered_in_their_order) {
  std::vector<UnreadQuery::Room> asked;
  for (std::uint64_t n = 0; n < 20; ++n) {
    auto room = add_room("room" + std::to_string(n), "alice").id;
    std::vector<Said> said;
    for (std::uint64_t seq = 1; seq <= n; ++seq) said.push_back(text(seq, "alice"));
    if (n > 0) store(said, room);
    asked.push_back({.room_id = room, .read = n / 2, .last_message = n});
  }
  asked.push_back({.room_id = 12345, .read = 0, .last_message = 3});
  auto unread = ask("Bob", asked);
  ASSERT_EQ(unread.size(), 21u);
  for (std::uint64_t n = 0; n < 20; ++n) {
    EXPECT_EQ(unread[n].messages, n - n / 2) << n;
    EXPECT_EQ(unread[n].last.empty(), n == 0) << n;
  }
  EXPECT_EQ(unread[20].messages, 0u);
  EXPECT_EQ(unread[20].last, "");
}

// The rule once more, in the plainest form, over all that was said.
struct Recount {
  std::vector<Said> said;

  bool deleted(const Said& message) const {
    for (const auto& one : said)
      if (one.type == "delete" && one.seq > message.seq &&
          Json::parse(one.content)["target"] == message.seq &&
          (one.from == message.from || one.role == "moderator"))
        return true;
    return false;
  }
  Unread of(const std::string& user, std::uint64_t read) const {
    Unread unread;
    for (const auto& one : said) {
      if (one.seq <= read || one.from == user || one.flags != 0 || !wire::is_message(one.type) ||
          deleted(one))
        continue;
      ++unread.messages;
      const auto text = Json::parse(one.content)["text"].get<std::string>();
      unread.mentions += text.find(user == "Bob" ? "@bob" : "@" + user) != std::string::npos ||
                         (text.find("@room") != std::string::npos && one.role == "moderator");
    }
    return unread;
  }
};

TEST_P(UnreadStoreContract, counters_are_what_a_recount_finds_after_anything) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::vector<std::string> users{"alice", "Bob", "carol"};
  Recount recount;
  std::vector<Said> batch;
  for (std::uint64_t seq = 1; seq <= 300; ++seq) {
    auto pick = [&](auto... of) {
      const std::vector<std::string> all{of...};
      return all[random() % all.size()];
    };
    auto said = random() % 3 == 0
                    ? about(seq, users[random() % 3], pick("edit", "delete", "delete", "reaction"),
                            random() % (seq + 3) + 1)
                    : text(seq, users[random() % 3], pick("x", "@bob!", "@alice @room", "@carol"));
    if (random() % 4 == 0) said.role = "moderator";
    if (said.type == "text" && random() % 10 == 0) said.flags = wire::kRecordImported;
    batch.push_back(said);
    recount.said.push_back(said);
    if (random() % 20 != 0 && seq != 300) continue;
    store(std::exchange(batch, {}));
    for (const auto& user : users) {
      const auto read = random() % (seq + 5);
      const auto told = of(user, read), found = recount.of(user, read);
      ASSERT_EQ(told.messages, found.messages) << user << " read " << read << " of " << seq;
      ASSERT_EQ(told.mentions, found.mentions) << user << " read " << read << " of " << seq;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, UnreadStoreContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
