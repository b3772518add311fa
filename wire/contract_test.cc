// topics.md and the code say the same: its examples go through the codecs, its tables equal the enums.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "source_dir.h"
#include "wire/content.h"
#include "wire/envelope.h"
#include "wire/erasure.h"
#include "wire/error_codes.h"
#include "wire/fold.h"
#include "wire/limits.h"
#include "wire/names.h"
#include "wire/request.h"
#include "wire/topics.h"

namespace parley::wire {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::vector<std::string> contract_lines() {
  std::ifstream file(PARLEY_SOURCE_DIR "/topics.md");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  EXPECT_FALSE(lines.empty()) << "no topics.md";
  return lines;
}

struct Example {
  std::string codec;
  std::string text;
  std::size_t line;
};

std::vector<Example> examples() {
  std::vector<Example> found;
  bool inside = false, taken = false;
  std::size_t number = 0;
  for (const std::string& line : contract_lines()) {
    ++number;
    if (!line.starts_with("```")) {
      if (taken) found.back().text += line + "\n";
      continue;
    }
    inside = !inside;
    taken = inside && line.starts_with("```json ");
    if (taken) found.push_back({line.substr(8), "", number});
  }
  return found;
}

// Rows of the tables between two headings, cells trimmed.
std::vector<std::vector<std::string>> table_rows(const std::string& heading) {
  std::vector<std::vector<std::string>> rows;
  bool inside = false;
  for (const std::string& line : contract_lines()) {
    if (line.starts_with("## ")) inside = line.starts_with(heading);
    if (!inside || !line.starts_with("| ") || line.starts_with("|-")) continue;
    std::vector<std::string> cells;
    for (std::size_t at = 1; at < line.size();) {
      const std::size_t bar = std::min(line.find('|', at), line.size());
      cells.push_back(std::regex_replace(line.substr(at, bar - at), std::regex("^ +| +$"), ""));
      at = bar + 1;
    }
    rows.push_back(cells);
  }
  return rows;
}

std::vector<std::string> code_spans(const std::string& cell) {
  std::vector<std::string> spans;
  const std::regex span("`([^`]*)`");
  for (std::sregex_iterator it(cell.begin(), cell.end(), span), end; it != end; ++it)
    spans.push_back((*it)[1]);
  return spans;
}

void check_send(const std::string& text) {
  const auto content = parse_content(text, kContentMaxDefault);
  ASSERT_TRUE(content) << content.error().reason;
  const auto json = OrderedJson::parse(text);
  EXPECT_EQ(OrderedJson::parse(content->json), json);
  EXPECT_EQ(content->type, json.value("type", "text"));
  EXPECT_EQ(content->ref, json.value("ref", ""));
}

// As a store and RoomFold give it: with the same notes, the codec's own bytes.
void check_folded(const std::string& text) {
  const auto json = OrderedJson::parse(text);
  auto stored = json;
  for (const char* note : {"edited", "reactions", "thread"}) stored.erase(note);
  Notes notes;
  if (json.contains("edited")) {
    notes.edit_seq = json["edited"]["seq"];
    notes.edit_at_ms = json["edited"]["at"];
    notes.edit_content = json["content"].dump();
    stored["content"] = {{"text", "hi"}};
  }
  for (const auto& one : json.value("reactions", OrderedJson::array()))
    notes.reactions.push_back({one["key"], one["count"], one["users"]});
  if (json.contains("thread")) {
    notes.replies = json["thread"]["replies"];
    notes.last_reply = json["thread"]["last_seq"];
  }
  EXPECT_EQ(folded(stored.dump(), notes), json.dump());
  if (json.contains("deleted")) {
    stored.erase("deleted");
    const Deletion deletion{json["deleted"]["seq"], json["deleted"]["at"], json["deleted"]["by"]};
    EXPECT_EQ(erased(stored.dump(), deletion, json["deleted"].value("thread", std::uint64_t{0})),
              json.dump());
  }
}

void check_envelope(const std::string& text) {
  const auto envelope = parse_envelope(text);
  ASSERT_TRUE(envelope) << envelope.error().message;
  EXPECT_EQ(format_envelope(*envelope), OrderedJson::parse(text).dump());
  EXPECT_TRUE(valid_name(envelope->room) && (valid_name(envelope->from) || is_pseudonym(envelope->from)));
  EXPECT_TRUE(envelope->role.empty() || parse_role(envelope->role) != Role::none);
}

void check_request(const std::string& text) {
  const auto request = parse_request("alice", "history", text);
  ASSERT_TRUE(request) << request.error().message;
  Json whole = request->params;
  whole["id"] = request->id;
  EXPECT_EQ(whole, Json::parse(text));
}

void check_reply(const std::string& text) {
  const auto reply = parse_reply(text);
  ASSERT_TRUE(reply);
  ASSERT_TRUE(reply->ok);
  EXPECT_EQ(Json::parse(format_reply(reply->id, reply->result)), Json::parse(text));
}

void check_failure(const std::string& text) {
  const auto reply = parse_reply(text);
  ASSERT_TRUE(reply);
  ASSERT_FALSE(reply->ok);
  const auto code = parse_code(reply->code);
  ASSERT_TRUE(code) << reply->code;
  EXPECT_EQ(OrderedJson::parse(format_failure(reply->id, {*code, reply->message})).dump(),
            OrderedJson::parse(text).dump());
}

// The backend writes it; here only that it is what the page says of it.
void check_state(const std::string& text) {
  const auto state = Json::parse(text);
  std::set<std::string> names;
  for (const auto& [name, value] : state.items()) names.insert(name);
  EXPECT_EQ(names.erase("online"), names.erase("away"));
  names.erase("first_seq");
  EXPECT_EQ(names, (std::set<std::string>{"room", "kind", "title", "members", "last_seq", "epoch"}));
  RoomKind kind{};
  EXPECT_TRUE(parse_kind(state["kind"].get<std::string>(), kind));
  EXPECT_TRUE(valid_name(state["room"].get<std::string>()));
  EXPECT_TRUE(state["last_seq"].is_number_unsigned() && state["members"].is_number_unsigned());
}

// The backend writes it; backend/presence compares its own with this one.
void check_presence(const std::string& text) {
  const auto presence = Json::parse(text);
  EXPECT_EQ(presence.size(), 2u);
  EXPECT_TRUE(presence["last_seen"].is_number_unsigned());
  EXPECT_TRUE(std::set<std::string>({"online", "away", "offline"}).contains(presence["status"]));
}

void check_refused(const std::string& text) {
  const auto notice = Json::parse(text);
  const auto code = parse_code(notice.value("code", ""));
  ASSERT_TRUE(code);
  EXPECT_EQ(Json::parse(format_refused({*code, notice.value("reason", "")}, notice.value("room", ""),
                                       notice.value("ref", ""), notice.value("method", ""),
                                       notice.value("id", ""), notice.value("wait_s", std::uint64_t{0}))),
            notice);
}

void check_duplicate(const std::string& text) {
  const auto notice = Json::parse(text);
  EXPECT_EQ(Json::parse(format_duplicate(notice.value("room", ""), notice.value("ref", ""), notice["seq"])),
            notice);
}

void check_login(const std::string& text) {
  const auto notice = Json::parse(text);
  EXPECT_EQ(Json::parse(format_login_notice(notice.value("type", ""), notice.value("device", ""),
                                            notice.value("at", std::int64_t{0}))),
            notice);
}

// The backend writes it; backend/requests compares its own with this one.
void check_status(const std::string& text) {
  const auto status = Json::parse(text);
  for (const auto* name : {"version", "uptime_s", "users", "rooms", "messages", "directory_version", "feed",
                           "retention", "broker"})
    EXPECT_TRUE(status.contains(name)) << name;
  for (const auto* name : {"store", "cache", "broker"})
    EXPECT_TRUE(status["dependencies"].contains(name)) << name;
}

void check_stats(const std::string& text) {
  const auto stats = Json::parse(text);
  for (const auto* name : {"version", "at", "uptime_s", "queues", "presence", "busy_rooms", "dependencies"})
    EXPECT_TRUE(stats.contains(name)) << name;
  for (const auto* name : {"attached", "counters", "gauges", "queues", "plugin"})
    EXPECT_TRUE(stats["broker"].contains(name)) << name;
}

TEST(Contract, every_example_passes_its_codec) {
  const std::map<std::string, std::function<void(const std::string&)>> codecs{
      {"send", check_send},       {"envelope", check_envelope}, {"folded", check_folded},
      {"request", check_request}, {"reply", check_reply},       {"failure", check_failure},
      {"state", check_state},     {"refused", check_refused},   {"duplicate", check_duplicate},
      {"status", check_status},   {"presence", check_presence}, {"login", check_login},
      {"stats", check_stats}};
  std::set<std::string> seen;
  for (const Example& example : examples()) {
    SCOPED_TRACE("topics.md:" + std::to_string(example.line) + " " + example.codec);
    const auto codec = codecs.find(example.codec);
    ASSERT_NE(codec, codecs.end()) << "no codec of this name";
    ASSERT_TRUE(Json::accept(example.text)) << example.text;
    codec->second(example.text);
    seen.insert(example.codec);
  }
  for (const auto& [name, codec] : codecs) EXPECT_TRUE(seen.contains(name)) << "no example of " << name;
}

TEST(Contract, the_refusal_of_the_example_is_the_one_clients_get) {
  for (const Example& example : examples()) {
    if (example.codec != "refused") continue;
    const auto notice = Json::parse(example.text);
    if (notice["code"] != "too_large") continue;
    const auto refused = parse_content(std::string(70000, 'x'), kContentMaxDefault);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, notice["reason"]);
    EXPECT_EQ(code_name(refused.error().code), notice["code"]);
  }
}

TEST(Contract, the_table_of_codes_equals_the_enum) {
  std::map<std::string, std::string> page, code;
  for (const auto& row : table_rows("## 6.")) {
    const auto spans = code_spans(row.at(0));
    if (spans.size() == 1) page[spans[0]] = row.at(1);
  }
  for (int i = 0; i <= static_cast<int>(Code::internal); ++i) {
    const auto value = static_cast<Code>(i);
    code[std::string(code_name(value))] = code_sentence(value);
    EXPECT_EQ(parse_code(code_name(value)), value);
  }
  EXPECT_EQ(page, code);
  EXPECT_FALSE(parse_code("no_such_code"));
}

TEST(Contract, every_error_of_ours_has_a_code_for_clients) {
  const std::map<Errc, Code> expected{{Errc::not_found, Code::not_found},
                                      {Errc::already_exists, Code::already_exists},
                                      {Errc::invalid_argument, Code::invalid_argument},
                                      {Errc::permission_denied, Code::not_allowed},
                                      {Errc::unavailable, Code::unavailable},
                                      {Errc::timeout, Code::timeout},
                                      {Errc::in_doubt, Code::in_doubt},
                                      {Errc::corrupt, Code::internal},
                                      {Errc::internal, Code::internal}};
  for (const auto& [errc, code] : expected) EXPECT_EQ(code_of(errc), code) << errc_name(errc);
}

TEST(Contract, reason_codes_are_those_a_puback_may_carry) {
  const std::set<int> allowed{0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99};  // MQTT 5 §3.4.2.1
  for (int i = 0; i <= static_cast<int>(Code::internal); ++i) {
    EXPECT_TRUE(allowed.contains(mqtt_reason(static_cast<Code>(i)))) << code_name(static_cast<Code>(i));
  }
}

TEST(Contract, every_topic_of_the_table_is_of_its_kind) {
  const std::map<std::string, TopicKind> kinds{
      {"rooms/{room}/send", TopicKind::room_send},
      {"rooms/{room}/messages", TopicKind::room_messages},
      {"rooms/{room}/typing/{user}", TopicKind::room_typing},
      {"rooms/{room}/receipts/{user}", TopicKind::room_receipts},
      {"rooms/{room}/presence/{user}", TopicKind::room_presence},
      {"rooms/{room}/state", TopicKind::room_state},
      {"users/{user}/requests/{method}", TopicKind::user_request},
      {"users/{user}/replies", TopicKind::user_reply},
      {"users/{user}/replies/…", TopicKind::user_reply},
      {"users/{user}/inbox", TopicKind::user_inbox},
      {"users/{user}/devices/{device}/status", TopicKind::device_status},
      {"$parley/…", TopicKind::parley_internal},
      {"$CONTROL/parley/…", TopicKind::control}};
  std::set<std::string> on_page;
  for (const auto& row : table_rows("## 2.")) {
    for (const std::string& pattern : code_spans(row.at(0))) {
      on_page.insert(pattern);
      const auto kind = kinds.find(pattern);
      ASSERT_NE(kind, kinds.end()) << pattern;
      std::string topic = std::regex_replace(pattern, std::regex("\\{([a-z]+)\\}"), "the-$1");
      topic = std::regex_replace(topic, std::regex("…"), "any/thing");
      const Topic parsed = parse_topic(topic);
      EXPECT_EQ(parsed.kind, kind->second) << topic;
      EXPECT_EQ(parsed.room, pattern.find("{room}") != std::string::npos ? "the-room" : "") << topic;
      EXPECT_EQ(parsed.user, pattern.find("{user}") != std::string::npos ? "the-user" : "") << topic;
      EXPECT_EQ(parsed.device, pattern.find("{device}") != std::string::npos ? "the-device" : "") << topic;
      EXPECT_EQ(parsed.method, pattern.find("{method}") != std::string::npos ? "the-method" : "") << topic;
    }
  }
  for (const auto& [pattern, kind] : kinds) EXPECT_TRUE(on_page.contains(pattern)) << pattern;
}

}  // namespace
}  // namespace parley::wire
