#include "plugin/acl/acl.h"

#include "plugin/directory/test_world.h"

namespace parley::plugin {
namespace {

using wire::Code;
using wire::MemberPut;
using wire::Role;
using wire::RoomKind;
using wire::RoomPut;
using wire::UserPut;

constexpr auto kAllow = AclDecision::allow;
constexpr auto kDeny = AclDecision::deny;
constexpr auto kDefer = AclDecision::defer;

class Acl : public ::testing::Test {
 protected:
  Acl() {
    for (const char* user : {"alice", "bob", "rita", "mona", "sam", "ben"}) put(UserPut{user});
    put(UserPut{"root", true});
    put(UserPut{"dora", false, true});
    put(RoomPut{1, "lab", RoomKind::group, "e", 0});
    put(RoomPut{2, "news", RoomKind::channel, "e", 0});
    put(MemberPut{1, "alice", Role::member});
    put(MemberPut{1, "rita", Role::reader});
    put(MemberPut{1, "dora", Role::member});
    put(MemberPut{1, "ben", Role::none, true});
    put(MemberPut{2, "alice", Role::member});
    put(MemberPut{2, "mona", Role::moderator});
  }
  void put(const wire::DirectoryChange& change) { testing::apply(d, change); }

  AclDecision ask(Access access, std::string_view user, std::string_view topic,
                  std::string_view device = "phone") {
    return decide(d, {.access = access, .user = user, .topic = topic, .device = device});
  }
  AclDecision read(std::string_view user, std::string_view topic) { return ask(Access::read, user, topic); }
  AclDecision write(std::string_view user, std::string_view topic) { return ask(Access::write, user, topic); }
  AclDecision subscribe(std::string_view user, std::string_view filter) {
    return ask(Access::subscribe, user, filter);
  }
  AclDecision backend(Access access, std::string_view topic) {
    return decide(d, {.access = access, .user = wire::kBackendUser, .backend = true, .topic = topic});
  }
  Code why(Access access, std::string_view user, std::string_view topic) {
    const AclQuery query{.access = access, .user = user, .topic = topic, .device = "phone"};
    EXPECT_EQ(decide(d, query), kDeny) << user << ' ' << topic;
    const auto refusal = explain(d, query);
    EXPECT_FALSE(refusal.reason.empty());
    return refusal.code;
  }

  Directory d;
};

TEST_F(Acl, members_send_and_read_what_they_are_to) {
  EXPECT_EQ(write("alice", "rooms/lab/send"), kAllow);
  EXPECT_EQ(read("alice", "rooms/lab/messages"), kAllow);
  EXPECT_EQ(read("rita", "rooms/lab/messages"), kAllow);
  EXPECT_EQ(read("alice", "rooms/lab/presence/bob"), kAllow);
  EXPECT_EQ(write("alice", "rooms/lab/typing/alice"), kAllow);
  EXPECT_EQ(write("rita", "rooms/lab/receipts/rita"), kAllow);
}

TEST_F(Acl, what_is_sent_to_a_room_is_read_by_nobody) {
  for (const char* user : {"alice", "root", "rita"}) {
    EXPECT_EQ(read(user, "rooms/lab/send"), kDeny) << user;
    EXPECT_EQ(subscribe(user, "rooms/lab/send"), kDeny) << user;
    EXPECT_EQ(subscribe(user, "rooms/+/send"), kDeny) << user;
  }
  EXPECT_EQ(backend(Access::read, "rooms/lab/send"), kDeny);
}

TEST_F(Acl, of_a_channel_one_reads_no_receipts_but_ones_own) {
  for (const char* what : {"receipts", "typing"}) {
    const std::string mine = std::string("rooms/news/") + what + "/alice",
                      monas = std::string("rooms/news/") + what + "/mona";
    EXPECT_EQ(write("alice", mine), kAllow);
    EXPECT_EQ(read("alice", mine), kAllow);
    EXPECT_EQ(read("mona", mine), kDeny);
    EXPECT_EQ(read("root", mine), kAllow);
    EXPECT_EQ(backend(Access::read, mine), kAllow);
    EXPECT_EQ(subscribe("alice", mine), kAllow);
    EXPECT_EQ(subscribe("alice", monas), kDeny);
    EXPECT_EQ(subscribe("alice", std::string("rooms/news/") + what + "/+"), kAllow);
  }
  EXPECT_EQ(subscribe("alice", "rooms/news/#"), kAllow);
  EXPECT_EQ(read("alice", "rooms/lab/receipts/rita"), kAllow);
}

TEST_F(Acl, readers_and_in_channels_members_do_not_send) {
  EXPECT_EQ(write("rita", "rooms/lab/send"), kDeny);
  EXPECT_EQ(write("alice", "rooms/news/send"), kDeny);
  EXPECT_EQ(write("mona", "rooms/news/send"), kAllow);
  EXPECT_EQ(write("root", "rooms/lab/send"), kDeny) << "an administrator is not a member";
}

TEST_F(Acl, members_do_not_write_what_the_server_says) {
  for (const char* topic :
       {"rooms/lab/messages", "rooms/lab/state", "rooms/lab/presence/alice", "rooms/lab/typing/bob",
        "rooms/lab/receipts/bob", "users/alice/inbox", "users/alice/replies", "users/bob/requests/history",
        "users/bob/devices/phone/status", "users/alice/devices/tablet/status", "$CONTROL/parley/v1",
        "$parley/feed", "rooms/lab", "rooms", "users/alice", "rooms/lab/topic"}) {
    EXPECT_EQ(write("alice", topic), kDeny) << topic;
    EXPECT_EQ(write("root", topic), kDeny) << topic;
  }
  EXPECT_EQ(write("alice", "users/alice/requests/history"), kAllow);
  EXPECT_EQ(write("alice", "users/alice/devices/phone/status"), kAllow);
}

TEST_F(Acl, strangers_reach_nothing_of_parleys) {
  for (const char* user : {"ghost", "", "ALICE", "$parleyd"}) {
    for (const char* filter :
         {"rooms/lab/messages", "rooms/#", "#", "rooms/+/messages", "$share/x/rooms/lab/messages",
          "+/+/messages", "users/alice/#", "users/ALICE/#", "$parley/#", "+/#", "$CONTROL/#"}) {
      EXPECT_EQ(subscribe(user, filter), kDeny) << user << ' ' << filter;
    }
    EXPECT_EQ(read(user, "rooms/lab/state"), kDeny);
    EXPECT_EQ(write(user, "rooms/lab/send"), kDeny);
    EXPECT_EQ(write(user, "users/ALICE/requests/history"), kDeny);
    EXPECT_EQ(read(user, "sensors/1"), kDefer);
    EXPECT_EQ(subscribe(user, "sensors/#"), kDefer);
  }
}

TEST_F(Acl, a_filter_names_its_room_or_user) {
  for (const char* filter : {"rooms/lab/#", "rooms/lab/messages", "rooms/lab/+/bob", "users/alice/#",
                             "$share/workers/rooms/lab/messages", "users/alice/devices/+/status"}) {
    EXPECT_EQ(subscribe("alice", filter), kAllow) << filter;
    EXPECT_EQ(subscribe("sam", filter), kDeny) << filter;
  }
  for (const char* filter :
       {"#", "+/#", "rooms/#", "rooms/+/messages", "+/lab/messages", "+/alice/inbox", "rooms/news/send",
        "rooms/lab/mesages", "rooms/lab", "users/bob/#", "users/alice/requests/#"}) {
    EXPECT_EQ(subscribe("alice", filter), kDeny) << filter;
  }
}

TEST_F(Acl, administrators_read_rooms_and_device_status_and_no_more) {
  for (const char* filter :
       {"#", "+/#", "rooms/#", "rooms/+/messages", "rooms/lab/#", "users/+/devices/+/status",
        "users/bob/devices/phone/status", "users/bob/#", "users/root/#"}) {
    EXPECT_EQ(subscribe("root", filter), kAllow) << filter;
  }
  for (const char* filter :
       {"users/bob/inbox", "users/bob/replies/#", "users/+/requests/+", "+/bob/inbox", "$parley/#"}) {
    EXPECT_EQ(subscribe("root", filter), kDeny) << filter;
  }
  EXPECT_EQ(read("root", "rooms/lab/messages"), kAllow);
  EXPECT_EQ(read("root", "users/bob/devices/phone/status"), kAllow);
  EXPECT_EQ(read("root", "users/bob/inbox"), kDeny);
  EXPECT_EQ(read("root", "users/bob/replies/x"), kDeny);
}

TEST_F(Acl, a_removal_or_ban_counts_from_the_next_question_on) {
  EXPECT_EQ(read("alice", "rooms/lab/messages"), kAllow);
  put(MemberPut{1, "alice"});
  EXPECT_EQ(read("alice", "rooms/lab/messages"), kDeny);
  EXPECT_EQ(write("alice", "rooms/lab/send"), kDeny);
  EXPECT_EQ(subscribe("alice", "rooms/lab/#"), kDeny);
  EXPECT_EQ(read("ben", "rooms/lab/state"), kDeny);
}

TEST_F(Acl, the_disabled_have_access_to_nothing) {
  EXPECT_EQ(read("dora", "rooms/lab/messages"), kDeny);
  EXPECT_EQ(read("dora", "users/dora/inbox"), kDeny);
  EXPECT_EQ(write("dora", "sensors/1"), kDeny);
  EXPECT_EQ(subscribe("dora", "sensors/#"), kDeny);
  EXPECT_EQ(ask(Access::unsubscribe, "dora", "rooms/lab/#"), kAllow);
}

TEST_F(Acl, a_provisional_user_has_their_own_space) {
  ASSERT_TRUE(d.add_provisional("zoe"));
  EXPECT_EQ(subscribe("zoe", "users/zoe/#"), kAllow);
  EXPECT_EQ(write("zoe", "users/zoe/requests/room.list"), kAllow);
  EXPECT_EQ(subscribe("zoe", "rooms/lab/#"), kDeny);
}

TEST_F(Acl, the_backend_reads_and_writes_its_part) {
  for (const char* filter :
       {"users/+/requests/#", "users/+/devices/+/status", "$parley/#", "$parley/feed", "rooms/+/messages"}) {
    EXPECT_EQ(backend(Access::subscribe, filter), kAllow) << filter;
  }
  for (const char* filter : {"$CONTROL/#", "users/+/inbox", "rooms/+/send"}) {
    EXPECT_EQ(backend(Access::subscribe, filter), kDeny) << filter;
  }
  for (const char* topic :
       {"rooms/lab/state", "rooms/gone/presence/bob", "rooms/lab/receipts/bob", "users/bob/inbox",
        "users/bob/replies/a", "users/bob/devices/phone/status", "$CONTROL/parley/v1"}) {
    EXPECT_EQ(backend(Access::write, topic), kAllow) << topic;
  }
  for (const char* topic : {"rooms/lab/messages", "rooms/lab/send", "users/bob/requests/x", "$parley/feed",
                            "$CONTROL/parley/v2"}) {
    EXPECT_EQ(backend(Access::write, topic), kDeny) << topic;
  }
  EXPECT_EQ(backend(Access::write, "sensors/1"), kDefer);
}

TEST_F(Acl, other_topics_are_as_the_operator_says_but_for_other_plugins_control) {
  const auto with = [&](AclDecision setting, Access access, std::string_view topic) {
    return decide(d, {.access = access, .user = "alice", .topic = topic, .other_topics = setting});
  };
  for (const auto setting : {kAllow, kDeny, kDefer}) {
    EXPECT_EQ(with(setting, Access::read, "$SYS/broker/uptime"), setting);
    EXPECT_EQ(with(setting, Access::write, "sensors/1"), setting);
    EXPECT_EQ(with(setting, Access::subscribe, "$share/g/sensors/#"), setting);
    EXPECT_EQ(with(setting, Access::subscribe, "#"), kDeny) << "it reaches Parley's topics";
  }
  EXPECT_EQ(with(kAllow, Access::write, "$CONTROL/dynamic-security/v1"), kDefer);
  EXPECT_EQ(with(kDeny, Access::write, "$CONTROL/dynamic-security/v1"), kDeny);
  EXPECT_EQ(with(kAllow, Access::unsubscribe, "sensors/#"), kAllow);
  EXPECT_EQ(with(kDeny, Access::unsubscribe, "sensors/#"), kDefer);
  EXPECT_EQ(with(kDeny, Access::unsubscribe, "$share/g/rooms/+/x"), kAllow);
}

TEST_F(Acl, a_refused_sender_learns_why) {
  EXPECT_EQ(why(Access::write, "sam", "rooms/lab/send"), Code::not_a_member);
  EXPECT_EQ(why(Access::write, "ben", "rooms/lab/send"), Code::banned);
  EXPECT_EQ(why(Access::write, "dora", "rooms/lab/send"), Code::disabled);
  EXPECT_EQ(why(Access::write, "rita", "rooms/lab/send"), Code::not_allowed);
  EXPECT_EQ(why(Access::write, "alice", "rooms/news/send"), Code::not_allowed);
  EXPECT_EQ(why(Access::write, "alice", "rooms/lab/messages"), Code::not_allowed);
  EXPECT_EQ(why(Access::write, "sam", "rooms/lab/messages"), Code::not_a_member);
  EXPECT_EQ(why(Access::write, "alice", "rooms/lab/typing/bob"), Code::not_allowed);
  EXPECT_EQ(why(Access::write, "alice", "users/bob/requests/history"), Code::not_allowed);
  EXPECT_EQ(why(Access::write, "alice", "$CONTROL/parley/v1"), Code::not_allowed);
  EXPECT_EQ(why(Access::write, "ghost", "rooms/lab/send"), Code::not_allowed);
  EXPECT_EQ(why(Access::read, "sam", "rooms/lab/messages"), Code::not_a_member);
  EXPECT_EQ(why(Access::read, "alice", "rooms/lab/send"), Code::not_allowed);
  EXPECT_EQ(why(Access::subscribe, "sam", "rooms/lab/#"), Code::not_a_member);
  EXPECT_EQ(why(Access::subscribe, "alice", "#"), Code::not_allowed);
}

TEST_F(Acl, whether_a_room_exists_is_not_told_to_those_outside) {
  for (const auto access : {Access::read, Access::write, Access::subscribe}) {
    for (const char* last : {"send", "messages", "state", "typing/sam", "presence/bob"}) {
      const auto ask_of = [&](std::string room) {
        const std::string topic = "rooms/" + room + "/" + last;
        const AclQuery query{.access = access, .user = "sam", .topic = topic};
        EXPECT_EQ(decide(d, query), kDeny) << topic;
        const auto refusal = explain(d, query);
        return std::pair(refusal.code, refusal.reason);
      };
      EXPECT_EQ(ask_of("lab"), ask_of("nowhere"));
    }
  }
}

}  // namespace
}  // namespace parley::plugin
