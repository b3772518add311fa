#include <map>

#include "plugin/directory/test_world.h"

// The Directory against an obvious one made of maps, under random changes.
namespace parley::plugin {
namespace {

struct Model {
  struct Token {
    std::string user, sha256;
    std::int64_t expires_ms;
  };
  std::map<std::string, wire::UserPut> users;  // folded
  std::map<std::string, Token> tokens;
  std::map<std::uint64_t, wire::RoomPut> rooms;
  std::map<std::pair<std::uint64_t, std::string>, Standing> members;

  std::map<std::pair<std::uint64_t, std::string>, std::int64_t> mutes;

  bool has_user(const std::string& name) const {
    const auto it = users.find(fold_case(name));
    return it != users.end() && it->second.name == name;
  }

  // False: refused.
  bool operator()(const wire::UserPut& c) {
    if (users.contains(fold_case(c.name)) && !has_user(c.name)) return false;
    users[fold_case(c.name)] = c;
    return true;
  }
  bool operator()(const wire::TokenPut& c) {
    for (const auto& [id, token] : tokens) {
      if (id != c.id && token.sha256 == c.sha256) return false;
    }
    if (!has_user(c.user)) return false;
    tokens[c.id] = {c.user, c.sha256, c.expires_ms};
    return true;
  }
  bool operator()(const wire::TokenDrop& c) {
    tokens.erase(c.id);
    return true;
  }
  bool operator()(const wire::RoomPut& c) {
    for (const auto& [id, room] : rooms) {
      if (id != c.id && fold_case(room.name) == fold_case(c.name)) return false;
    }
    rooms[c.id] = c;
    return true;
  }
  bool operator()(const wire::RoomDrop& c) {
    rooms.erase(c.id);
    std::erase_if(members, [&](const auto& entry) { return entry.first.first == c.id; });
    std::erase_if(mutes, [&](const auto& entry) { return entry.first.first == c.id; });
    return true;
  }
  bool operator()(const wire::MemberPut& c) {
    const bool removal = c.role == wire::Role::none && !c.banned;
    if (!removal && (!rooms.contains(c.room) || !has_user(c.user))) return false;
    if (removal) {
      members.erase({c.room, c.user});
    } else {
      members[{c.room, c.user}] = {c.role, c.banned};
    }
    return true;
  }

  bool operator()(const wire::NameBlock&) { return true; }

  bool operator()(const wire::MutePut& c) {
    if (c.until_ms != 0 && (!rooms.contains(c.room) || !has_user(c.user))) return false;
    mutes.erase({c.room, c.user});
    if (c.until_ms != 0) mutes[{c.room, c.user}] = c.until_ms;
    return true;
  }

  std::set<std::string> contents() const {
    std::set<std::string> all;
    const auto add = [&](const wire::DirectoryChange& change) {
      std::string bytes;
      wire::append_change(bytes, change);
      all.insert(hex_encode(bytes));
    };
    for (const auto& [folded, user] : users) add(user);
    for (const auto& [id, token] : tokens)
      add(wire::TokenPut{id, token.user, token.sha256, token.expires_ms});
    for (const auto& [id, room] : rooms) add(room);
    for (const auto& [key, s] : members) add(wire::MemberPut{key.first, key.second, s.role, s.banned});
    for (const auto& [key, until] : mutes) add(wire::MutePut{key.first, key.second, until});
    return all;
  }
};

void compare_lookups(const Directory& directory, const Model& model) {
  for (const auto& [folded, user] : model.users) {
    const auto found = directory.find_user(user.name);
    ASSERT_TRUE(found);
    EXPECT_EQ(directory.scram(found->ref), user.scram);
    for (const auto& [id, room] : model.rooms) {
      const auto standing = model.members.find({id, user.name});
      const Standing expected = standing == model.members.end() ? Standing{} : standing->second;
      const auto ref = directory.find_room(room.name)->ref;
      ASSERT_EQ(directory.standing(found->ref, ref), expected);
      const auto mute = model.mutes.find({id, user.name});
      ASSERT_EQ(directory.muted_until_ms(found->ref, ref), mute == model.mutes.end() ? 0 : mute->second);
    }
  }
  for (const auto& [id, token] : model.tokens) EXPECT_EQ(directory.find_token(token.sha256)->id, id);
  for (const auto& [id, room] : model.rooms) {
    const auto members = std::count_if(model.members.begin(), model.members.end(), [&](const auto& entry) {
      return entry.first.first == id && entry.second.role != wire::Role::none;
    });
    EXPECT_EQ(directory.find_room(id)->members, members);
    EXPECT_EQ(directory.find_room(id)->slow_s, room.slow_s);
  }
  EXPECT_EQ(directory.user_count(), model.users.size());
  EXPECT_EQ(directory.token_count(), model.tokens.size());
  EXPECT_EQ(directory.room_count(), model.rooms.size());
}

TEST(DirectoryModel, random_changes_leave_what_maps_would_hold) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  testing::RandomChanges random(seed);
  Directory directory;
  Model model;
  for (int round = 0; round < 20'000; ++round) {
    const auto change = random.next();
    Effects effects;
    const bool checked = directory.check({&change, 1}).has_value();
    const bool applied = directory.apply(change, effects).has_value();
    ASSERT_EQ(applied, std::visit(model, change)) << round;
    ASSERT_EQ(checked, applied) << round;
    if (round % 500 == 0) {
      ASSERT_EQ(testing::contents(directory), model.contents()) << round;
      compare_lookups(directory, model);
    }
  }
}

TEST(DirectoryModel, check_of_several_agrees_with_doing_them) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  testing::RandomChanges random(seed);
  Model model;
  Directory directory;
  for (int round = 0; round < 4'000; ++round) {
    testing::Changes changes;
    for (auto n = random.below(6); n > 0; --n) changes.push_back(random.next());
    Model after = model;
    bool all = true;
    for (const auto& change : changes) all = all && std::visit(after, change);
    ASSERT_EQ(directory.check(changes).has_value(), all) << round;
    if (!all) continue;
    for (const auto& change : changes) testing::apply(directory, change);
    model = after;
  }
}

}  // namespace
}  // namespace parley::plugin
