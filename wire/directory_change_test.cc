#include "wire/directory_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/encoding.h"

namespace parley::wire {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

const std::string kTokenId = "01ARYZ6S41TSV4RRFFQ69G5FAV";
const std::string kDigest(32, '\xab');

std::vector<DirectoryChange> examples() {
  return {
      UserPut{"alice", true, false, "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy"},
      UserPut{"bob", false, true, ""},
      TokenPut{kTokenId, "alice", kDigest, 1'795'314'673'123},
      TokenPut{kTokenId, "alice", kDigest, 0},
      TokenDrop{kTokenId},
      RoomPut{(std::uint64_t{1} << 53) - 1, "lab", RoomKind::channel, "k3x97q2m", 17},
      RoomPut{1, "direct.1", RoomKind::direct, "a", 0},
      RoomDrop{42},
      MemberPut{42, "bob", Role::moderator, false},
      RoomPut{1, "slow", RoomKind::group, "a", 9, 30},
      MutePut{42, "bob", 1795314673123},
      MutePut{42, "bob", 0},
      MemberPut{42, "bob", Role::none, true},
      MemberPut{42, "bob", Role::none, false},
      NameBlock{std::string(32, 's'), std::string(64, 'd')},
  };
}

std::string binary(const DirectoryChange& change) {
  std::string out;
  append_change(out, change);
  return out;
}

std::string complaint_of(std::string_view json) {
  const Json parsed = Json::parse(json, nullptr, false);
  EXPECT_FALSE(parsed.is_discarded()) << json;
  const Result<DirectoryChange> change = change_from_json(parsed);
  if (change) return "none";
  EXPECT_EQ(change.error().code, Errc::invalid_argument);
  return change.error().message;
}

TEST(DirectoryChange, comes_back_from_JSON) {
  for (const DirectoryChange& change : examples()) {
    const Json json = change_to_json(change);
    const Result<DirectoryChange> back = change_from_json(json);
    ASSERT_TRUE(back) << json << back.error().message;
    EXPECT_EQ(*back, change) << json;
    EXPECT_EQ(*change_from_json(Json::parse(json.dump())), change);
  }
}

TEST(DirectoryChange, is_written_as_its_header_states) {
  const std::string digest = hex_encode(kDigest);
  const std::pair<DirectoryChange, std::string> expected[] = {
      {UserPut{"alice", true, false, "s"}, R"({"put":"user","name":"alice","admin":true,"scram":"s"})"},
      {TokenPut{kTokenId, "alice", kDigest, 5}, R"({"put":"token","id":")" + kTokenId +
                                                    R"(","user":"alice","expires_ms":5,"sha256":")" + digest +
                                                    R"("})"},
      {TokenDrop{kTokenId}, R"({"drop":"token","id":")" + kTokenId + R"("})"},
      {RoomPut{7, "lab", RoomKind::group, "k3x9", 17},
       R"({"put":"room","id":7,"name":"lab","kind":"group","epoch":"k3x9","last_seq":17})"},
      {RoomDrop{7}, R"({"drop":"room","id":7})"},
      {RoomPut{7, "lab", RoomKind::group, "k3x9", 17, 30},
       R"({"put":"room","id":7,"name":"lab","kind":"group","epoch":"k3x9","last_seq":17,"slow_s":30})"},
      {MutePut{7, "bob", 1795314673123}, R"({"put":"mute","room":7,"user":"bob","until_ms":1795314673123})"},
      {MutePut{7, "bob", 0}, R"({"put":"mute","room":7,"user":"bob"})"},
      {MemberPut{7, "bob", Role::reader, false}, R"({"put":"member","room":7,"user":"bob","role":"reader"})"},
      {MemberPut{7, "bob", Role::none, true}, R"({"put":"member","room":7,"user":"bob","banned":true})"},
  };
  for (const auto& [change, json] : expected) EXPECT_EQ(change_to_json(change), Json::parse(json));
}

TEST(DirectoryChange, with_a_wrong_member_is_refused_by_its_name) {
  const std::pair<std::string_view, std::string_view> wrong[] = {
      {R"({"put":"user"})", "`name` is missing"},
      {R"({"put":"user","name":"a b"})", "`name`"},
      {R"({"put":"user","name":7})", "`name`"},
      {R"({"put":"user","name":"alice","admin":1})", "`admin`"},
      {R"({"put":"user","name":"alice","color":"red"})", "`color` is not known"},
      {R"({"put":"token","id":"short","user":"alice","sha256":""})", "`id`"},
      {R"({"put":"token","id":"01ARYZ6S41TSV4RRFFQ69G5FAV","user":"alice","sha256":"abcd"})", "`sha256`"},
      {R"({"put":"token","id":"01ARYZ6S41TSV4RRFFQ69G5FAV","user":"alice","sha256":"zz"})", "`sha256`"},
      {R"({"put":"room","id":0,"name":"lab","kind":"group","epoch":"k"})", "`id`"},
      {R"({"put":"room","id":9007199254740992,"name":"lab","kind":"group","epoch":"k"})", "`id`"},
      {R"({"put":"room","id":-1,"name":"lab","kind":"group","epoch":"k"})", "`id`"},
      {R"({"put":"room","id":1.0,"name":"lab","kind":"group","epoch":"k"})", "`id`"},
      {R"({"put":"room","id":1,"name":"lab","kind":"club","epoch":"k"})", "`kind`"},
      {R"({"put":"room","id":1,"name":"lab","kind":"group","epoch":""})", "`epoch`"},
      {R"({"put":"room","id":1,"name":"lab","kind":"group","epoch":"a\"b"})", "`epoch`"},
      {R"({"put":"room","id":1,"name":"lab","kind":"group","epoch":"k","last_seq":"17"})", "`last_seq`"},
      {R"({"put":"member","room":1,"user":"bob","role":"king"})", "`role`"},
      {R"({"put":"member","room":1,"user":"bob","role":"member","banned":true})", "`role`"},
      {R"({"drop":"room"})", "`id` is missing"},
      {R"({"drop":"user","id":1})", "`drop`"},
      {R"({"put":"planet","name":"x"})", "`put`"},
      {R"({"put":"room","drop":"room","id":1})", "`drop`"},
      {R"({})", "`put`"},
      {R"([])", "object"},
      {R"(null)", "object"},
      {R"("put")", "object"},
  };
  for (const auto& [json, complaint] : wrong) EXPECT_THAT(complaint_of(json), HasSubstr(complaint)) << json;
}

TEST(DirectoryChange, comes_back_from_binary_one_after_another) {
  std::string bytes;
  for (const DirectoryChange& change : examples()) append_change(bytes, change);
  std::string_view left = bytes;
  for (const DirectoryChange& change : examples()) {
    const Result<DirectoryChange> back = read_change(left);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, change);
  }
  EXPECT_TRUE(left.empty());
}

TEST(DirectoryChange, has_the_binary_layout_its_header_states) {
  EXPECT_EQ(hex_encode(binary(UserPut{"al", true, false, "s"})),
            "00"
            "0200616c"
            "01"
            "00"
            "010073");
  EXPECT_EQ(hex_encode(binary(TokenPut{"t", "u", "d", 1})),
            "01"
            "010074"
            "010075"
            "010064"
            "0100000000000000");
  EXPECT_EQ(hex_encode(binary(TokenDrop{"t"})),
            "02"
            "010074");
  EXPECT_EQ(hex_encode(binary(RoomPut{1, "r", RoomKind::channel, "e", 2})),
            "03"
            "0100000000000000"
            "010072"
            "02"
            "010065"
            "0200000000000000");
  EXPECT_EQ(hex_encode(binary(RoomDrop{1})),
            "04"
            "0100000000000000");
  EXPECT_EQ(hex_encode(binary(MemberPut{1, "u", Role::owner, false})),
            "05"
            "0100000000000000"
            "010075"
            "04"
            "00");
}

TEST(DirectoryChange, cut_off_anywhere_is_corrupt_and_takes_nothing) {
  for (const DirectoryChange& change : examples()) {
    const std::string bytes = binary(change);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto copy = std::make_unique<char[]>(size);
      std::copy_n(bytes.begin(), size, copy.get());
      std::string_view left(copy.get(), size);
      const Result<DirectoryChange> back = read_change(left);
      ASSERT_FALSE(back) << size;
      EXPECT_EQ(back.error().code, Errc::corrupt);
      EXPECT_EQ(left.size(), size);
    }
  }
}

TEST(DirectoryChange, of_no_kind_or_role_there_is_is_corrupt) {
  const auto refused = [](std::string bytes, std::size_t place, char value) {
    bytes[place] = value;
    std::string_view left = bytes;
    return !read_change(left);
  };
  const std::string user = binary(UserPut{"al", true, false, ""});
  EXPECT_TRUE(refused(user, 0, 9));
  EXPECT_TRUE(refused(user, 5, 2));
  const std::string member = binary(MemberPut{1, "u", Role::owner, false});
  EXPECT_TRUE(refused(member, 12, 5));
  EXPECT_TRUE(refused(member, 13, 2));
  EXPECT_TRUE(refused(binary(RoomPut{1, "r", RoomKind::group, "e", 2}), 12, 3));
  const std::string slow = binary(RoomPut{1, "r", RoomKind::group, "e", 2, 30});
  EXPECT_TRUE(refused(slow, slow.size() - 8, 0)) << "a slow room without its seconds";
  EXPECT_TRUE(refused(slow, slow.size() - 6, 1)) << "more than the longest pause";
  EXPECT_TRUE(refused(slow, slow.size() - 4, 1)) << "more than 32 bits";
}

}  // namespace
}  // namespace parley::wire
