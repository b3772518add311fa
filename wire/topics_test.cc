#include "wire/topics.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/limits.h"
#include "wire/topic_reference.h"

namespace parley::wire {
namespace {

using Reach = Filter::Reach;

TEST(Topics, a_rooms_topics_are_told_apart) {
  EXPECT_EQ(parse_topic("rooms/lab/send").kind, TopicKind::room_send);
  EXPECT_EQ(parse_topic("rooms/lab/messages").kind, TopicKind::room_messages);
  EXPECT_EQ(parse_topic("rooms/lab/state").kind, TopicKind::room_state);
  const Topic typing = parse_topic("rooms/lab/typing/bob");
  EXPECT_EQ(typing.kind, TopicKind::room_typing);
  EXPECT_EQ(typing.room, "lab");
  EXPECT_EQ(typing.user, "bob");
  EXPECT_EQ(parse_topic("rooms/lab/receipts/bob").kind, TopicKind::room_receipts);
  EXPECT_EQ(parse_topic("rooms/lab/presence/bob").kind, TopicKind::room_presence);
}

TEST(Topics, a_users_topics_are_told_apart) {
  const Topic request = parse_topic("users/alice/requests/room.create");
  EXPECT_EQ(request.kind, TopicKind::user_request);
  EXPECT_EQ(request.user, "alice");
  EXPECT_EQ(request.method, "room.create");
  const Topic status = parse_topic("users/alice/devices/phone-1/status");
  EXPECT_EQ(status.kind, TopicKind::device_status);
  EXPECT_EQ(status.user, "alice");
  EXPECT_EQ(status.device, "phone-1");
  EXPECT_EQ(parse_topic("users/alice/inbox").kind, TopicKind::user_inbox);
  for (const char* reply : {"users/alice/replies", "users/alice/replies/", "users/alice/replies/a/b c"}) {
    EXPECT_EQ(parse_topic(reply).kind, TopicKind::user_reply) << reply;
    EXPECT_EQ(parse_topic(reply).user, "alice") << reply;
  }
}

TEST(Topics, what_the_contract_does_not_name_is_unknown) {
  for (const char* topic : {"rooms",
                            "rooms/",
                            "rooms/lab",
                            "rooms/lab/",
                            "rooms/lab/sent",
                            "rooms/lab/send/",
                            "rooms/lab/send/x",
                            "rooms/lab/typing",
                            "rooms/lab/typing/",
                            "rooms/lab/typing/bob/x",
                            "rooms/l ab/send",
                            "rooms//send",
                            "rooms/lab/typing/b ob",
                            "users",
                            "users/",
                            "users/alice",
                            "users/alice/",
                            "users/alice/inbox/x",
                            "users/alice/requests",
                            "users/alice/requests/",
                            "users/alice/requests/a/b",
                            "users/alice/repliesx",
                            "users/alice/devices/phone",
                            "users/alice/devices/phone/",
                            "users/alice/devices/phone/status/x",
                            "users/alice/devices//status",
                            "users/.alice/inbox",
                            "$parley",
                            "$CONTROL/parley"}) {
    const Topic parsed = parse_topic(topic);
    EXPECT_EQ(parsed.kind, TopicKind::unknown) << topic;
    EXPECT_TRUE(parsed.room.empty() && parsed.user.empty() && parsed.device.empty() && parsed.method.empty());
  }
  const std::string longest = "users/alice/replies/" + std::string(kTopicMax - 20, 'x');
  EXPECT_EQ(parse_topic(longest).kind, TopicKind::user_reply);
  EXPECT_EQ(parse_topic(longest + "x").kind, TopicKind::unknown);
}

TEST(Topics, topics_of_others_are_left_to_them) {
  for (const char* topic : {"", "/", "sensors/1", "Rooms/lab/send", "roomsx/lab/send", "/rooms/lab/send",
                            "room", "$SYS/uptime", "$CONTROL", "$CONTROL/", "$CONTROL/dynamic-security/v1",
                            "$CONTROL/parleyx/v1", "$parleyx/feed", "parley/feed"}) {
    EXPECT_EQ(parse_topic(topic).kind, TopicKind::other) << topic;
  }
}

TEST(Topics, what_plugin_and_backend_say_is_internal) {
  EXPECT_EQ(parse_topic(kControlTopic).kind, TopicKind::control);
  EXPECT_EQ(parse_topic("$CONTROL/parley/").kind, TopicKind::control);
  for (std::string_view topic :
       {kFeedTopic, kControlReplyTopic, kEventsTopic, std::string_view("$parley/")}) {
    EXPECT_EQ(parse_topic(topic).kind, TopicKind::parley_internal) << topic;
  }
}

TEST(Topics, formatted_topics_read_back) {
  for (TopicKind kind : {TopicKind::room_send, TopicKind::room_messages, TopicKind::room_state}) {
    const std::string topic = room_topic(kind, "lab");
    EXPECT_EQ(parse_topic(topic).kind, kind) << topic;
    EXPECT_EQ(parse_topic(topic).room, "lab");
  }
  for (TopicKind kind : {TopicKind::room_typing, TopicKind::room_receipts, TopicKind::room_presence}) {
    const std::string topic = room_topic(kind, "lab", "bob");
    EXPECT_EQ(parse_topic(topic).kind, kind) << topic;
    EXPECT_EQ(parse_topic(topic).user, "bob");
  }
  EXPECT_EQ(user_topic(TopicKind::user_request, "alice", "sync"), "users/alice/requests/sync");
  EXPECT_EQ(user_topic(TopicKind::user_reply, "alice"), "users/alice/replies");
  EXPECT_EQ(user_topic(TopicKind::user_reply, "alice", "x/1"), "users/alice/replies/x/1");
  EXPECT_EQ(user_topic(TopicKind::user_inbox, "alice"), "users/alice/inbox");
  EXPECT_EQ(device_status_topic("alice", "phone"), "users/alice/devices/phone/status");
}

TEST(Topics, share_prefix_is_taken_off_once) {
  EXPECT_EQ(strip_share("$share/g/rooms/lab/#"), "rooms/lab/#");
  EXPECT_EQ(strip_share("$share//rooms/lab/#"), "rooms/lab/#");
  EXPECT_EQ(strip_share("$share/g/"), "");
  EXPECT_EQ(strip_share("$share/g/$share/h/a"), "$share/h/a");
  for (const char* filter : {"$share", "$share/g", "$shared/g/a", "rooms/lab/#", ""}) {
    EXPECT_EQ(strip_share(filter), filter);
  }
}

TEST(Topics, matching_follows_the_standards_examples) {
  // MQTT 5 §4.7.1.2, §4.7.1.3, §4.7.2
  EXPECT_TRUE(matches("sport/tennis/player1/#", "sport/tennis/player1"));
  EXPECT_TRUE(matches("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"));
  EXPECT_TRUE(matches("sport/tennis/+", "sport/tennis/player1"));
  EXPECT_FALSE(matches("sport/tennis/+", "sport/tennis/player1/ranking"));
  EXPECT_FALSE(matches("sport/+", "sport"));
  EXPECT_TRUE(matches("sport/+", "sport/"));
  EXPECT_TRUE(matches("+/+", "/finance"));
  EXPECT_FALSE(matches("+", "/finance"));
  EXPECT_FALSE(matches("#", "$SYS/uptime"));
  EXPECT_FALSE(matches("+/monitor/Clients", "$SYS/monitor/Clients"));
  EXPECT_TRUE(matches("$SYS/#", "$SYS/uptime"));
}

TEST(Topics, matching_equals_the_obvious_reference_up_to_four_levels) {
  const std::vector<std::string> filters = all_level_strings({"a", "$x", "", "+", "#"}, 4);
  const std::vector<std::string> topics = all_level_strings({"a", "$x", ""}, 4);
  ASSERT_EQ(filters.size(), 5u + 25 + 125 + 625);
  for (const std::string& filter : filters) {
    for (const std::string& topic : topics) {
      ASSERT_EQ(matches(filter, topic), reference_matches(filter, topic)) << filter << " on " << topic;
    }
  }
}

TEST(Filters, one_room_or_one_user_named_literally) {
  const Filter room = parse_filter("rooms/lab/+/bob");
  EXPECT_EQ(room.reach, Reach::room);
  EXPECT_EQ(room.name, "lab");
  EXPECT_EQ(room.rest, "+/bob");
  EXPECT_EQ(parse_filter("rooms/lab/#").rest, "#");
  EXPECT_EQ(parse_filter("rooms/lab").reach, Reach::room);
  EXPECT_EQ(parse_filter("rooms/lab").rest, "");
  const Filter user = parse_filter("users/alice/#");
  EXPECT_EQ(user.reach, Reach::user);
  EXPECT_EQ(user.name, "alice");
  EXPECT_EQ(user.rest, "#");
}

TEST(Filters, wildcards_over_rooms_and_users_reach_many) {
  for (const char* filter : {"#",
                             "+/#",
                             "rooms/#",
                             "rooms/+",
                             "rooms/+/messages",
                             "+/lab/#",
                             "+/lab/messages",
                             "+/+/messages",
                             "+/+/+",
                             "+/+/+/+/status",
                             "users/+/inbox",
                             "users/#",
                             "rooms",
                             "rooms/",
                             "users",
                             "rooms/a b/#",
                             "rooms//messages",
                             "+/alice/replies/x/y",
                             "+/+/devices/#",
                             "+/lab/typing/+",
                             "#/x"}) {
    EXPECT_EQ(parse_filter(filter).reach, Reach::many) << filter;
  }
  EXPECT_EQ(parse_filter("rooms/lab/" + std::string(kTopicMax, 'x')).reach, Reach::many);
}

TEST(Filters, an_operators_own_filters_reach_nothing_of_ours) {
  for (const char* filter :
       {"", "+", "+/+", "+/lab", "sensors/#", "+/sensor/temp", "+/sensor/temp/#", "$SYS/#", "/#", "/rooms/#",
        "Rooms/#", "roomsx/#", "+/a b/messages", "+/+/requests", "$CONTROL/dynamic-security/#", "$CONTROL/+",
        "$share/g/rooms/lab/#"}) {
    EXPECT_EQ(parse_filter(filter).reach, Reach::none) << filter;
  }
}

TEST(Filters, what_could_hear_plugin_and_backend_is_internal) {
  for (const char* filter : {"$parley", "$parley/#", "$parley/feed", "$CONTROL/#", "$CONTROL/parley",
                             "$CONTROL/+/v1", "$CONTROL/+/#", "$CONTROL/parley/#"}) {
    EXPECT_EQ(parse_filter(filter).reach, Reach::internal) << filter;
  }
}

TEST(Filters, a_filter_and_a_pattern_overlap_when_one_topic_matches_both) {
  for (const char* filter : {"#", "+/#", "rooms/lab/+", "rooms/+/messages/#", "+/+/messages"}) {
    EXPECT_TRUE(overlaps(filter, "rooms/+/messages")) << filter;
  }
  for (const char* filter : {"+", "rooms/lab", "rooms/lab/state", "rooms/a b/messages", "rooms/lab/messages/x"}) {
    EXPECT_FALSE(overlaps(filter, "rooms/+/messages")) << filter;
  }
  EXPECT_TRUE(overlaps("users/alice/replies", "users/+/replies/#"));
  EXPECT_TRUE(overlaps("$parley/#", "$parley/feed"));
  EXPECT_FALSE(overlaps("#", "$parley/feed"));
}

TEST(Filters, reach_holds_for_every_topic_a_filter_matches) {
  const std::vector<std::string> levels{"rooms",   "users",   "lab", "typing", "inbox",
                                        "replies", "$parley", "+",   "#"};
  const std::vector<std::string> topics = sample_parley_topics();
  for (const std::string& filter : all_level_strings(levels, 4)) {
    for (const std::string& topic : topics) {
      ASSERT_TRUE(reach_holds(parse_filter(filter), filter, topic)) << filter << " on " << topic;
    }
  }
}

}  // namespace
}  // namespace parley::wire
