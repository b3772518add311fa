#include <map>

#include "plugin/acl/reference.h"
#include "plugin/directory/test_world.h"

// decide() against the slow reference over every topic and filter of up to five levels of small alphabets,
// for every sort of user.
namespace parley::plugin {
namespace {

using reference::Levels;
using reference::Reference;
using reference::World;
using wire::MemberPut;
using wire::Role;

using Alphabet = std::vector<std::string>;

// One alphabet a level: what matters there, a wrong word, and a word of no legal name.
const std::vector<Alphabet> kTopicWords{{"rooms", "users", "$parley", "$CONTROL", "other"},
                                        {"lab", "news", "nowhere", "alice", "root", "zoe", "parley", "a b"},
                                        {"messages", "send", "state", "typing", "presence", "inbox",
                                         "replies", "requests", "devices", "v1", "mesages", ""},
                                        {"alice", "mona", "root", "phone", "a b"},
                                        {"status", "x"}};

std::vector<Alphabet> filter_words() {
  std::vector<Alphabet> words = kTopicWords;
  for (Alphabet& alphabet : words) {
    alphabet.push_back("+");
    alphabet.push_back("#");
  }
  return words;
}

void each(const std::vector<Alphabet>& words, std::size_t level, const std::string& prefix,
          const std::function<void(const std::string&)>& visit) {
  for (const std::string& word : words[level]) {
    const std::string text = level == 0 ? word : prefix + "/" + word;
    visit(text);
    if (word != "#" && level + 1 < words.size()) each(words, level + 1, text, visit);
  }
}

std::vector<std::string> all(const std::vector<Alphabet>& words) {
  std::vector<std::string> texts;
  each(words, 0, "", [&](const std::string& text) { texts.push_back(text); });
  return texts;
}

struct Asker {
  const char* what;
  std::string user;
  bool backend = false;
};
const std::vector<Asker> kAskers{{"member", "alice"},
                                 {"reader", "rita"},
                                 {"moderator", "mona"},
                                 {"owner", "olga"},
                                 {"banned", "ben"},
                                 {"disabled", "dora"},
                                 {"administrator", "root"},
                                 {"account in no room", "sam"},
                                 {"provisional", "zoe"},
                                 {"unknown", "ghost"},
                                 {"nobody", ""},
                                 {"in other case", "ALICE"},
                                 {"backend", "$parleyd", true}};

class AclReference : public ::testing::Test {
 protected:
  AclReference() : topics(all(kTopicWords)), reference(make_world(), topics) {
    for (const auto& [name, rights] : make_world().users) {
      if (name != "zoe") put(wire::UserPut{name, rights.admin, rights.disabled});
    }
    EXPECT_TRUE(directory.add_provisional("zoe"));
    std::uint64_t id = 0;
    for (const auto& [name, room] : make_world().rooms) {
      put(wire::RoomPut{++id, name, room.channel ? wire::RoomKind::channel : wire::RoomKind::group, "e", 0});
      for (const auto& [user, role] : room.roles) put(MemberPut{id, user, wire::parse_role(role)});
      for (const std::string& user : room.banned) put(MemberPut{id, user, Role::none, true});
    }
  }
  static World make_world() {
    World world;
    for (const char* user : {"alice", "rita", "mona", "olga", "ben", "sam", "zoe"}) world.users[user] = {};
    world.users["root"] = {.admin = true};
    world.users["dora"] = {.disabled = true};
    world.rooms["lab"] = {.roles = {{"alice", "member"},
                                    {"rita", "reader"},
                                    {"mona", "moderator"},
                                    {"olga", "owner"},
                                    {"dora", "member"}},
                          .banned = {"ben"}};
    world.rooms["news"] = {.channel = true, .roles = {{"alice", "member"}, {"mona", "moderator"}}};
    return world;
  }
  void put(const wire::DirectoryChange& change) { testing::apply(directory, change); }

  // True when both say the same; what was said is counted.
  bool agree(const Asker& asker, const AclQuery& query) {
    const AclDecision fast = decide(directory, query), slow = reference.decide(query);
    if (query.other_topics == AclDecision::defer) ++said[{asker.what, fast}];
    if (fast == slow) return true;
    ADD_FAILURE() << asker.what << ", access " << static_cast<int>(query.access) << ", '" << query.topic
                  << "', device '" << query.device << "', other topics "
                  << static_cast<int>(query.other_topics) << ": decided " << static_cast<int>(fast)
                  << ", reference " << static_cast<int>(slow);
    return ++failures < 20;
  }
  bool all_agree(Access access, const std::string& topic, std::string_view device = "") {
    for (const Asker& asker : kAskers) {
      if (!agree(asker, {access, asker.user, asker.backend, topic, device})) return false;
    }
    // What holds outside Parley's topics does not depend on who asks, but for the disabled.
    for (const auto setting : {AclDecision::allow, AclDecision::deny}) {
      for (const std::size_t i : {0, 5, 9}) {
        if (!agree(kAskers[i], {access, kAskers[i].user, false, topic, device, setting})) return false;
      }
    }
    return true;
  }

  std::vector<std::string> topics;
  Reference reference;
  Directory directory;
  std::map<std::pair<std::string, AclDecision>, int> said;
  int failures = 0;
};

TEST_F(AclReference, agrees_on_every_topic_read_and_written) {
  for (const std::string& topic : topics) {
    ASSERT_TRUE(all_agree(Access::read, topic));
    ASSERT_TRUE(all_agree(Access::write, topic, "phone"));
    ASSERT_TRUE(all_agree(Access::write, topic, "tablet"));
  }
  // The comparison is not of nothing with nothing.
  EXPECT_GT((said[{"member", AclDecision::allow}]), 30);
  EXPECT_GT((said[{"backend", AclDecision::allow}]), 100);
  EXPECT_GT((said[{"nobody", AclDecision::defer}]), 1000);
  EXPECT_EQ((said[{"disabled", AclDecision::allow}]), 0);
  EXPECT_EQ((said[{"unknown", AclDecision::allow}]), 0);
}

TEST_F(AclReference, agrees_on_every_filter_shared_or_not) {
  for (const std::string& filter : all(filter_words())) {
    ASSERT_TRUE(all_agree(Access::subscribe, filter));
    ASSERT_TRUE(all_agree(Access::subscribe, "$share/g/" + filter));
    ASSERT_TRUE(agree(kAskers[0], {Access::unsubscribe, kAskers[0].user, false, filter}));
    ASSERT_TRUE(agree(kAskers[5], {Access::unsubscribe, kAskers[5].user, false, "$share/g/" + filter}));
  }
  EXPECT_GT((said[{"member", AclDecision::allow}]), 100);
  EXPECT_GT((said[{"administrator", AclDecision::allow}]), 1000);
}

TEST_F(AclReference, what_an_ordinary_user_may_subscribe_to_is_within_one_room_or_one_user) {
  for (const std::string& filter : all(filter_words())) {
    for (const Asker& asker : kAskers) {
      if (asker.backend || asker.user == "root") continue;
      if (decide(directory, {.access = Access::subscribe, .user = asker.user, .topic = filter}) !=
          AclDecision::allow) {
        continue;
      }
      std::set<std::pair<std::string, std::string>> spaces;
      for (const Levels& topic : reference.matched(filter)) spaces.insert({topic[0], topic[1]});
      ASSERT_EQ(spaces.size(), 1u) << asker.what << ' ' << filter;
    }
  }
}

}  // namespace
}  // namespace parley::plugin
