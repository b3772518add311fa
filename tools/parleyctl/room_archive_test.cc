#include "tools/parleyctl/room_archive.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "tools/parleyctl/fake_room.h"

namespace parley::ctl {
namespace {

namespace fs = std::filesystem;

class RoomArchive : public ::testing::Test {
 protected:
  RoomArchive() {
    std::string name = (fs::temp_directory_path() / "parleyctl-archive-XXXXXX").string();
    dir_ = mkdtemp(name.data());
    file_ = dir_ / "lab.ndjson";
  }
  ~RoomArchive() override { fs::remove_all(dir_); }

  // A room whose every third entry answers to the first, and whose every fifth is a reaction to the one before.
  static void talk(FakeRoom& room, std::size_t count) {
    room.members = {{{"room", "lab"}, {"user", "ann"}, {"role", "owner"}, {"since", 1}},
                    {{"room", "lab"}, {"user", "x@y"}, {"role", "reader"}, {"since", 2}}};
    for (std::size_t seq = 1; seq <= count; ++seq) {
      Json message{
          {"seq", seq},
          {"epoch", "e"},
          {"id", "01"},
          {"room", "lab"},
          {"from", "ann"},
          {"at", 1700000000000 + seq},
          {"type", "text"},
          {"ref", "r" + std::to_string(seq)},
          {"content", {{"text", "word " + std::to_string(seq)}, {"ref", "r" + std::to_string(seq)}}}};
      if (seq % 3 == 0) message["content"]["thread"] = 1;
      if (seq % 5 == 0) {
        message["type"] = "reaction";
        message["content"] = {{"type", "reaction"}, {"target", seq - 1}, {"key", "+1"}};
      }
      room.messages.push_back(std::move(message));
    }
  }

  ArchiveCount write(FakeRoom& room, bool held = false) {
    std::ofstream out(file_, std::ios::binary);
    auto count = export_room(
        room, "lab", 5, [&](const std::string& line) { return static_cast<bool>(out << line); },
        [](std::uint64_t, std::uint64_t) { return true; }, held);
    EXPECT_TRUE(count) << count.error().message;
    return count.value_or(ArchiveCount{});
  }

  Outcome<RestoredCount> read(FakeRoom& room, int batches = 1 << 30) {
    auto head = check_archive(file_);
    if (!head) return std::unexpected(head.error());
    return import_room(
        room, file_, *head, "lab", [&](std::uint64_t, std::uint64_t) { return --batches > 0; },
        [](int tries) { return tries < 3; });
  }

  void rewrite(const std::string& text) { std::ofstream(file_, std::ios::binary) << text; }
  std::string bytes() {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path dir_, file_;
};

TEST_F(RoomArchive, a_room_whose_front_has_expired_goes_over_without_it) {
  FakeRoom room;
  talk(room, 30);
  room.expired = 12;
  EXPECT_EQ(write(room).messages, 18u);
  FakeRoom other;
  auto count = read(other);
  ASSERT_TRUE(count) << count.error().message;
  EXPECT_EQ(count->imported, 18u);
  EXPECT_EQ(other.messages[0]["content"]["text"], "word 13");
  EXPECT_EQ(read(other)->already_there, 18u);
}

TEST_F(RoomArchive, what_was_kept_aside_is_written_when_asked_for_and_not_imported) {
  FakeRoom room;
  talk(room, 4);
  room.held = {{{"seq", 2}, {"content", {{"text", "secret"}}}}};
  EXPECT_EQ(write(room).held, 0u);
  EXPECT_THAT(bytes(), testing::Not(testing::HasSubstr("secret")));
  EXPECT_EQ(write(room, true).held, 1u);
  EXPECT_THAT(bytes(), testing::HasSubstr(R"({"held":{"content":{"text":"secret"},"seq":2}})"));
  FakeRoom other;
  auto count = read(other);
  ASSERT_TRUE(count) << count.error().message;
  EXPECT_EQ(count->imported, 4u);
}

TEST_F(RoomArchive, what_was_written_comes_back_in_another_room) {
  FakeRoom from, to(7);
  talk(from, 1203);
  EXPECT_EQ(write(from).messages, 1203u);
  int stops = 0;
  for (int round = 0; round < 400; ++round) {
    to.forget_answer = round % 3 == 0;
    auto count = read(to, 2);
    if (count) break;
    ASSERT_EQ(count.error().code, "interrupted");
    ++stops;
  }
  EXPECT_GT(stops, 3);
  auto again = read(to);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->imported, 0u);
  EXPECT_EQ(again->already_there, 1203u);
  ASSERT_EQ(to.messages.size(), 7u + 1203);
  for (std::size_t seq = 1; seq <= 1203; ++seq) {
    const auto& was = from.messages[seq - 1];
    const auto& is = to.messages[7 + seq - 1];
    EXPECT_EQ(is["from"], was["from"]);
    EXPECT_EQ(is["type"], was["type"]);
    EXPECT_EQ(is["sent_at"], was["at"]);
    if (seq % 5 == 0) {
      EXPECT_EQ(is["content"], (Json{{"target", 7 + seq - 1}, {"key", "+1"}}));
    } else if (seq % 3 == 0) {
      EXPECT_EQ(is["content"]["thread"], 8);
    }
  }
  ASSERT_EQ(to.members.size(), 2u);
  EXPECT_EQ(to.members[1]["role"], "reader");
  EXPECT_THAT(to.users, ::testing::Contains("x@y"));
}

TEST_F(RoomArchive, what_no_client_could_send_keeps_its_place) {
  FakeRoom from, to;
  talk(from, 4);
  from.messages[1]["type"] = "member";
  from.messages[1]["content"] = {{"action", "joined"}, {"user", "ann"}};
  from.messages[2]["content"] = Json::object();
  from.messages[2]["deleted"] = {{"seq", 9}};
  from.messages[3]["type"] = "edit";
  from.messages[3]["content"] = {{"target", 77}, {"text", "of one that is not there"}};
  write(from);
  auto count = read(to);
  ASSERT_TRUE(count) << count.error().message;
  ASSERT_EQ(to.messages.size(), 4u);
  EXPECT_EQ(to.messages[1]["type"], "x.parley.member");
  EXPECT_EQ(to.messages[2]["type"], "x.parley.text");
  EXPECT_EQ(to.messages[2]["content"], (Json{{"deleted", true}}));
  EXPECT_EQ(to.messages[3]["type"], "x.parley.edit");
  EXPECT_FALSE(to.messages[3]["content"].contains("target"));
}

TEST_F(RoomArchive, a_file_that_is_not_whole_changes_nothing) {
  FakeRoom from, to;
  talk(from, 20);
  write(from);
  const auto whole = bytes();
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    rewrite(whole.substr(0, size));
    auto count = read(to);
    ASSERT_FALSE(count) << size;
    EXPECT_EQ(count.error().exit, Exit::usage);
  }
  auto second = whole.find("\n", whole.find("word 2")) + 1;
  rewrite(whole.substr(0, second) + whole.substr(whole.find('\n', second) + 1));  // a line is missing
  EXPECT_FALSE(read(to));
  rewrite(whole + whole);
  EXPECT_FALSE(read(to));
  auto newer = whole;
  newer.replace(newer.find("\"version\":1"), 11, "\"version\":2");
  rewrite(newer);
  EXPECT_FALSE(read(to));
  EXPECT_TRUE(to.messages.empty());
}

}  // namespace
}  // namespace parley::ctl
