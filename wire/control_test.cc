#include "wire/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/json_members.h"
#include "wire/limits.h"

namespace parley::wire {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

AppendEntry entry() {
  AppendEntry e;
  e.room = 42;
  e.from = "alice";
  e.role = "owner";
  e.type = "member";
  e.ref = "d42.0";
  e.content = R"({"action":"added","user":"b\u00f6b"})";
  return e;
}

AppendEntry imported_entry() {
  AppendEntry e;
  e.room = 42;
  e.from = "carol";
  e.type = "x.poll";
  e.ref = "irc:9f2c:12";
  e.content = R"({"a":[[[]]],"n":-1.5,"text":"say \"hi\""})";
  e.sent_at = 1'149'498'000'000;
  e.imported = true;
  return e;
}

std::vector<DirectoryChange> changes() {
  return {UserPut{"alice", true, false, "s"}, RoomPut{42, "lab", RoomKind::group, "k3x9", 17},
          MemberPut{42, "alice", Role::owner, false}};
}

std::vector<Command> examples() {
  return {
      {"c1", 0, Attach{"j3k", "d9x", 7, 1234}},
      {"c1", 0, Attach{"", "d9x", 0, 0}},
      {"c2", 3, DirectoryApply{7, 8, changes(), {entry(), imported_entry()}}},
      {"c2", 3, DirectoryApply{7, 7, {}, {}}},
      {"c3", 3, DirectoryReplace{"d9x", 8, 1, true, changes()}},
      {"c4", 3, FeedStart{1234}},
      {"", 3, FeedAck{(std::uint64_t{1} << 63) - 1}},
      {"c5", 3, Append{{entry()}}},
      {"c6", 3, Kick{"bob", "bob-phone"}},
      {"c6", 3, Kick{"bob", ""}},
      {"c7", 3, Sessions{"", "bob-phone", 500}},
      {"c7", 3, Sessions{"bob", "", 1}},
      {"c8", 3, Stats{}},
      {"c9", 3, Drain{.on = true, .over_s = 60, .server = "mqtts://b", .stop = true}},
      {"c9", 3, Drain{.on = false}},
      {"c9", 3, BanAdd{BanKind::network, "192.0.2.0/24", "flood", "root", 3600}},
      {"c9", 3, BanAdd{BanKind::user, "mallory", "", "root", 0}},
      {"c9", 3, BanRemove{BanKind::client, "x-1"}},
      {"c9", 3, BanList{"user:mallory", 250}},
      {"c9", 3, JwtRevoke{"a9f", "", 0, 1795314673123}},
      {"c9", 3, JwtRevoke{"", "bob", 1795314673000, 1795314673123}},
      {"c9", 3, JwtRevoked{"", 500}},
      {"c9", 3, JwtRevoked{"jti:a9f", 1}},
  };
}

std::string complaint_of(std::string_view json) {
  const Result<Command> command = parse_command(json);
  if (command) return "none";
  EXPECT_EQ(command.error().code, Errc::invalid_argument);
  return command.error().message;
}

TEST(Command, comes_back_as_it_was_written) {
  for (const Command& command : examples()) {
    const std::string text = format_command(command);
    const Result<Command> back = parse_command(text);
    ASSERT_TRUE(back) << text << back.error().message;
    EXPECT_EQ(back->id, command.id);
    EXPECT_EQ(back->generation, command.generation);
    EXPECT_EQ(back->body.index(), command.body.index());
    EXPECT_EQ(format_command(*back), text);
  }
}

TEST(Command, attach_keeps_what_the_store_knows) {
  const Attach attach = std::get<Attach>(parse_command(format_command(examples()[0]))->body);
  EXPECT_EQ(attach.journal, "j3k");
  EXPECT_EQ(attach.directory, "d9x");
  EXPECT_EQ(attach.directory_version, 7U);
  EXPECT_EQ(attach.offset, 1234U);
}

TEST(Command, attach_of_another_release_is_read_as_far_as_it_can_be) {
  const auto attach = [](std::string_view text) { return std::get<Attach>(parse_command(text)->body); };
  const auto later =
      attach(R"({"cmd":"attach","id":"c1","version":2,"oldest":1,"release":"0.2.0","mood":"good",
      "store":{"journal":"x","directory":"y","directory_version":7,"offset":1234,"shards":3}})");
  EXPECT_EQ(later.speaks, (Speaks{1, 2, "0.2.0"}));
  EXPECT_EQ(later.offset, 1234U);
  // Of one that shares no version only that is read.
  const auto foreign =
      attach(R"({"cmd":"attach","id":"c1","version":900,"oldest":800,"release":"9","store":7})");
  EXPECT_EQ(foreign.speaks, (Speaks{800, 900, "9"}));
  const auto silent = attach(R"({"cmd":"attach","id":"c1","version":1,
      "store":{"journal":"x","directory":"y","directory_version":7,"offset":1234}})");
  EXPECT_EQ(silent.speaks, (Speaks{1, 1, ""}));
}

TEST(Command, directory_changes_and_entries_come_back_whole) {
  const DirectoryApply apply = std::get<DirectoryApply>(parse_command(format_command(examples()[2]))->body);
  EXPECT_EQ(apply.from, 7U);
  EXPECT_EQ(apply.to, 8U);
  EXPECT_EQ(apply.changes, changes());
  ASSERT_EQ(apply.entries.size(), 2U);
  EXPECT_EQ(Json::parse(apply.entries[0].content), Json::parse(entry().content));
  EXPECT_EQ(apply.entries[1], imported_entry());

  const DirectoryReplace replace =
      std::get<DirectoryReplace>(parse_command(format_command(examples()[4]))->body);
  EXPECT_EQ(replace.directory, "d9x");
  EXPECT_EQ(replace.to, 8U);
  EXPECT_EQ(replace.part, 1U);
  EXPECT_TRUE(replace.last);
  EXPECT_EQ(replace.changes, changes());
}

TEST(Command, short_ones_keep_their_members) {
  const auto body_of = [](std::size_t i) { return parse_command(format_command(examples()[i]))->body; };
  EXPECT_EQ(std::get<FeedStart>(body_of(5)).offset, 1234U);
  EXPECT_EQ(std::get<FeedAck>(body_of(6)).offset, (std::uint64_t{1} << 63) - 1);
  EXPECT_EQ(std::get<Kick>(body_of(8)).user, "bob");
  EXPECT_EQ(std::get<Kick>(body_of(8)).device, "bob-phone");
  EXPECT_EQ(std::get<Sessions>(body_of(10)).after, "bob-phone");
  EXPECT_EQ(std::get<Sessions>(body_of(11)).user, "bob");
  EXPECT_EQ(std::get<Sessions>(body_of(11)).limit, 1U);
  const auto drain = std::get<Drain>(body_of(13));
  EXPECT_TRUE(drain.on && drain.stop);
  EXPECT_EQ(drain.over_s, 60U);
  EXPECT_EQ(drain.server, "mqtts://b");
  EXPECT_FALSE(std::get<Drain>(body_of(14)).on);
}

TEST(Command, is_read_as_its_header_states) {
  EXPECT_TRUE(parse_command(R"({"cmd":"attach","id":"c1","version":1,
      "store":{"journal":"x","directory":"y","directory_version":7,"offset":1234}})"));
  EXPECT_TRUE(parse_command(
      R"({"cmd":"directory.apply","id":"c","gen":3,"from":7,"to":8,"changes":[],"entries":[]})"));
  EXPECT_TRUE(parse_command(
      R"({"cmd":"directory.replace","id":"c","gen":3,"directory":"y","to":8,"part":0,"last":false,"changes":[]})"));
  EXPECT_TRUE(parse_command(R"({"cmd":"feed.ack","gen":3,"offset":1234})"));
  EXPECT_TRUE(parse_command(R"({"cmd":"append","id":"c","gen":3,"entries":[]})"));
  EXPECT_TRUE(parse_command(R"({"cmd":"sessions","id":"c","gen":3,"after":"","limit":500})"));
  EXPECT_TRUE(parse_command(R"({"cmd":"kick","id":"c","gen":3,"user":"bob","device":""})"));
}

TEST(Command, with_a_wrong_member_is_refused_by_its_name) {
  const std::pair<std::string_view, std::string_view> wrong[] = {
      {R"({"cmd":"dance","id":"c","gen":3})", "`cmd` is no command"},
      {R"({"cmd":7,"id":"c","gen":3})", "`cmd`"},
      {R"({"id":"c","gen":3})", "`cmd` is missing"},
      {R"({"cmd":"stats","id":"c","gen":3,"loud":true})", "`loud` is not known"},
      {R"({"cmd":"stats","gen":3})", "`id` is missing"},
      {R"({"cmd":"stats","id":"","gen":3})", "`id` is empty"},
      {R"({"cmd":"stats","id":"c"})", "`gen` is missing"},
      {R"({"cmd":"stats","id":"c","gen":0})", "`gen`"},
      {R"({"cmd":"stats","id":"c","gen":-3})", "`gen`"},
      {R"({"cmd":"stats","id":"c","gen":9223372036854775808})", "`gen`"},
      {R"({"cmd":"attach","id":"c","store":{}})", "`version` is missing"},
      {R"({"cmd":"attach","id":"c","version":0,"store":{}})", "`version`"},
      {R"({"cmd":"attach","id":"c","version":1,"oldest":2,"store":{}})", "`oldest` is above"},
      {R"({"cmd":"attach","id":"c","version":1,"release":7,"store":{}})", "`release`"},
      {R"({"cmd":"attach","id":"c","version":1,"store":{"journal":""}})", "`directory` is missing"},
      {R"({"cmd":"attach","id":"c","version":1})", "`store` is missing"},
      {R"({"cmd":"attach","id":"c","version":1,"store":[]})", "`store` must be an object"},
      {R"({"cmd":"directory.apply","id":"c","gen":3,"from":8,"to":7,"changes":[]})", "`to`"},
      {R"({"cmd":"directory.apply","id":"c","gen":3,"from":7,"to":8})", "`changes` is missing"},
      {R"({"cmd":"directory.apply","id":"c","gen":3,"from":7,"to":8,"changes":{}})",
       "`changes` must be an array"},
      {R"({"cmd":"directory.apply","id":"c","gen":3,"from":7,"to":8,"changes":[{"drop":"room","id":1},{}]})",
       "`changes` item 1"},
      {R"({"cmd":"feed.start","id":"c","gen":3,"offset":1.5})", "`offset`"},
      {R"({"cmd":"feed.ack","gen":3})", "`offset` is missing"},
      {R"({"cmd":"kick","id":"c","gen":3})", "`user` is missing"},
      {R"({"cmd":"kick","id":"c","gen":3,"user":""})", "`user`"},
      {R"({"cmd":"kick","id":"c","gen":3,"user":"bob","device":"a/b"})", "`device`"},
      {R"({"cmd":"ban.add","id":"c","gen":3,"kind":"room","target":"lab","by":"root"})", "`kind`"},
      {R"({"cmd":"ban.add","id":"c","gen":3,"kind":"user","target":"$parleyd","by":"root"})", "`target`"},
      {R"({"cmd":"ban.add","id":"c","gen":3,"kind":"network","target":"192.0.2.1/24","by":"root"})",
       "`target`"},
      {R"({"cmd":"ban.add","id":"c","gen":3,"kind":"network","target":"0.0.0.0/0","by":"root"})", "`target`"},
      {R"({"cmd":"ban.add","id":"c","gen":3,"kind":"user","target":"bob","by":""})", "`by`"},
      {R"({"cmd":"ban.add","id":"c","gen":3,"kind":"user","target":"bob","by":"root","reason":"a\nb"})",
       "`reason`"},
      {R"({"cmd":"ban.list","id":"c","gen":3,"after":"bob","limit":250})", "`after`"},
      {R"({"cmd":"ban.list","id":"c","gen":3,"limit":251})", "`limit`"},
      {R"({"cmd":"sessions","id":"c","gen":3,"limit":0})", "`limit`"},
      {R"({"cmd":"sessions","id":"c","gen":3,"limit":1001})", "`limit`"},
      {R"({"cmd":"jwt.revoke","id":"c","gen":3,"until":5})", "`jti`"},
      {R"({"cmd":"jwt.revoke","id":"c","gen":3,"jti":"x","user":"bob","until":5})", "`jti`"},
      {R"({"cmd":"jwt.revoke","id":"c","gen":3,"jti":"x"})", "`until` is missing"},
      {R"({"cmd":"jwt.revoke","id":"c","gen":3,"user":"b b","until":5})", "`user`"},
      {R"([])", "object"},
      {"", "not JSON"},
      {"{", "not JSON"},
      {"{\"cmd\":\"\xff\"}", "not JSON"},
      {R"({"cmd":"stats","id":"c","gen":3} x)", "not JSON"},
      {R"({"cmd":"stats","id":"c","gen":1e999})", "not JSON"},
  };
  for (const auto& [json, complaint] : wrong) EXPECT_THAT(complaint_of(json), HasSubstr(complaint)) << json;
}

std::string append_of(Json entry) {
  return Json{{"cmd", "append"}, {"id", "c"}, {"gen", 3}, {"entries", Json::array({std::move(entry)})}}
      .dump();
}

TEST(Command, with_a_wrong_entry_is_refused_by_its_place_and_member) {
  const Json good = Json::parse(
      R"({"room":1,"from":"alice","type":"text","ref":"r","content":{"text":"hi"},"sent_at":5,"imported":true})");
  ASSERT_TRUE(parse_command(append_of(good)));
  const std::pair<const char*, Json> wrong[] = {
      {"room", 0},
      {"room", "1"},
      {"from", ""},
      {"from", "a b"},
      {"role", "king"},
      {"type", ""},
      {"type", "x\"y"},
      {"type", "Text"},
      {"ref", ""},
      {"ref", "a\nb"},
      {"ref", Json(std::string(129, 'r'))},
      {"content", "{}"},
      {"content", Json::array()},
      {"sent_at", -1},
      {"imported", "yes"},
      {"extra", 1},
  };
  for (const auto& [member, value] : wrong) {
    Json entry = good;
    entry[member] = value;
    const std::string complaint = complaint_of(append_of(entry));
    EXPECT_THAT(complaint, HasSubstr("`entries` item 0")) << entry;
    EXPECT_THAT(complaint, HasSubstr("`" + std::string(member) + "`")) << entry;
  }
  for (const char* member : {"room", "from", "type", "ref", "content"}) {
    Json entry = good;
    entry.erase(member);
    EXPECT_THAT(complaint_of(append_of(entry)), HasSubstr("is missing")) << member;
  }
}

TEST(Command, may_append_in_the_backends_own_name) {
  AppendEntry e = entry();
  e.from = kBackendUser;
  e.role = "";
  EXPECT_TRUE(parse_command(format_command({"c", 3, Append{{e}}})));
}

TEST(Command, whose_content_is_not_an_object_is_refused_when_read) {
  AppendEntry e = entry();
  for (const char* content : {"", "{", "[]", "{\"a\":\"\xff\"}"}) {
    e.content = content;
    EXPECT_THAT(complaint_of(format_command({"c", 3, Append{{e}}})), HasSubstr("`content`")) << content;
  }
}

TEST(Command, above_its_limits_is_refused) {
  EXPECT_THAT(complaint_of(std::string(kControlMax + 1, ' ')), HasSubstr("too large"));
  Append append;
  append.entries.assign(kAppendMax, entry());
  EXPECT_TRUE(parse_command(format_command({"c", 3, append})));
  append.entries.push_back(entry());
  EXPECT_THAT(complaint_of(format_command({"c", 3, append})), HasSubstr("`entries` has more than 500"));

  AppendEntry e = entry();
  e.content = R"({"a":")" + std::string(kContentJsonMax, 'x') + R"("})";
  EXPECT_THAT(complaint_of(format_command({"c", 3, Append{{e}}})), HasSubstr("`content`"));
}

TEST(Command, may_nest_content_as_deep_as_content_goes_and_no_deeper) {
  const auto nested = [](std::size_t levels) {
    AppendEntry e = entry();
    e.content = R"({"a":)" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
    return format_command({"c", 3, Append{{e}}});
  };
  EXPECT_EQ(complaint_of(nested(kContentDepthMax)), "none");
  EXPECT_THAT(complaint_of(nested(kContentDepthMax + 1)), HasSubstr("deep"));
}

TEST(Command, of_nothing_but_brackets_is_refused_without_harm) {
  for (const char* piece : {"[", "{\"a\":", "[{\"a\":", "[]"}) {
    std::string text;
    while (text.size() + 8 < kControlMax) text += piece;
    EXPECT_NE(complaint_of(text), "none") << piece;
    EXPECT_NE(complaint_of(R"({"cmd":"append","id":"c","gen":3,"entries":)" + text.substr(100)), "none")
        << piece;
  }
}

TEST(Command, cut_off_anywhere_is_refused) {
  for (const Command& command : examples()) {
    const std::string text = format_command(command);
    for (std::size_t size = 0; size < text.size(); ++size) {
      EXPECT_FALSE(parse_command(std::string(text.data(), size))) << text.substr(0, size);
    }
  }
}

TEST(Nesting, counts_brackets_outside_of_strings) {
  EXPECT_FALSE(nested_deeper_than("", 0));
  EXPECT_TRUE(nested_deeper_than("[", 0));
  EXPECT_FALSE(nested_deeper_than("[[],[],{}]", 2));
  EXPECT_TRUE(nested_deeper_than("[[],[{}]]", 2));
  EXPECT_FALSE(nested_deeper_than(R"({"[[[":"[[\"[[[\\"})", 1));
  EXPECT_TRUE(nested_deeper_than(R"({"\\":[]})", 1));
  EXPECT_FALSE(nested_deeper_than("]]]]\"\\", 0));
}

TEST(AttachOk, comes_back_as_it_was_written) {
  AttachOk ok;
  ok.generation = 4;
  ok.journal = "j3k";
  ok.start = 100;
  ok.end = 900;
  ok.directory = "d9x";
  ok.directory_version = 8;
  ok.renewed = true;
  ok.lost_from = 50;
  ok.lost_to = 100;
  ok.reason = "The store was restored from a backup.";
  const Result<AttachOk> back = attach_ok_from_json(Json::parse(to_json(ok).dump()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), to_json(ok));
  EXPECT_EQ(back->generation, 4U);
  EXPECT_EQ(back->lost_to, 100U);
  EXPECT_TRUE(back->renewed);
}

TEST(AttachOk, of_a_later_release_may_have_more) {
  auto json = to_json(AttachOk{.generation = 1});
  json["mood"] = "good";
  ASSERT_TRUE(attach_ok_from_json(json));
  json["version"] = kControlVersion + 1;
  EXPECT_FALSE(attach_ok_from_json(json));
}

TEST(AttachOk, with_a_wrong_member_is_refused) {
  AttachOk ok;
  ok.generation = 1;
  const Json good = to_json(ok);
  ASSERT_TRUE(attach_ok_from_json(good));
  for (const auto& [name, value] : good.items()) {
    Json json = good;
    json.erase(name);
    EXPECT_THAT(attach_ok_from_json(json).error().message, HasSubstr("`" + name + "` is missing"));
    json[name] = Json::array();
    EXPECT_FALSE(attach_ok_from_json(json)) << name;
  }
  for (const char* name : {"start", "lost_from"}) {
    Json json = good;
    json[name] = 1;
    EXPECT_FALSE(attach_ok_from_json(json)) << name;
  }
  EXPECT_FALSE(attach_ok_from_json(Json::array()));
}

TEST(Event, comes_back_as_it_was_written) {
  const Event examples[] = {
      {.event = "connected",
       .user = "alice",
       .device = "alice-phone",
       .address = "127.0.0.1",
       .auth = "jwt",
       .token = "t1",
       .session = 17,
       .protocol = 5,
       .at = 9},
      {.event = "disconnected", .user = "alice", .device = "alice-phone", .session = 17, .at = 9},
      {.event = "user.new", .user = "zoe", .device = "", .address = "", .auth = ""},
      {.event = "draining"},
      {.event = "drain.ended"},
      {.event = "reset", .user = "", .device = "", .address = "", .auth = ""},
  };
  for (const Event& event : examples) {
    const Result<Event> back = parse_event(format_event(event));
    ASSERT_TRUE(back) << format_event(event) << back.error().message;
    EXPECT_EQ(format_event(*back), format_event(event));
    EXPECT_EQ(back->event, event.event);
    EXPECT_EQ(back->token, event.token);
    EXPECT_EQ(back->session, event.session);
    EXPECT_EQ(back->protocol, event.protocol);
    EXPECT_EQ(back->at, event.at);
  }
}

TEST(Event, with_a_wrong_member_is_refused) {
  for (const char* json :
       {R"({"event":"party"})", R"({})", R"({"event":"reset","user":"a"})", R"({"event":"user.new"})",
        R"({"event":"user.new","user":"a/b"})",
        R"({"event":"disconnected","session":1,"user":"a","device":"d"})",
        R"({"event":"disconnected","session":1,"user":"a","device":"d","at":0})",
        R"({"event":"disconnected","user":"a","device":"d","at":1})",
        R"({"event":"connected","session":1,"user":"a","device":"d","auth":"","protocol":5,"at":1})",
        R"({"event":"connected","session":1,"user":"a","device":"d","auth":"jwt","protocol":6,"at":1})",
        R"({"event":"connected","session":1,"user":"a","device":"d","auth":"jwt","protocol":"5","at":1})",
        "[[[[[[]]]]]]", "", "null"}) {
    const Result<Event> event = parse_event(json);
    ASSERT_FALSE(event) << json;
    EXPECT_EQ(event.error().code, Errc::invalid_argument);
    EXPECT_FALSE(event.error().message.empty());
  }
}

}  // namespace
}  // namespace parley::wire
