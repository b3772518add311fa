#include "tools/parleyctl/irc_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tools/parleyctl/fake_room.h"
#include "tools/parleyctl/irc_nick.h"

namespace parley::ctl {
namespace {

namespace fs = std::filesystem;

class IrcImport : public ::testing::Test {
 protected:
  IrcImport() {
    std::string name = (fs::temp_directory_path() / "parleyctl-import-XXXXXX").string();
    dir_ = mkdtemp(name.data());
  }
  ~IrcImport() override { fs::remove_all(dir_); }

  ImportFile file(const std::string& name, const std::string& text) {
    std::ofstream(dir_ / name, std::ios::binary) << text;
    auto opened = open_import(dir_ / name, std::nullopt);
    EXPECT_TRUE(opened.has_value()) << opened.error().message;
    return std::move(*opened);
  }
  // As the command does it: look where it stopped, go on, until `stop` batches were taken.
  Outcome<ImportCount> import(const std::vector<ImportFile>& files, std::size_t which, int stop = 1 << 30) {
    auto found = find_imported(room_, "lab", files);
    if (!found) return std::unexpected(found.error());
    Speakers speakers(room_);
    if (auto ok = speakers.load(); !ok) return std::unexpected(ok.error());
    return import_file(
        room_, "lab", files[which], (*found)[files[which].ref_prefix], speakers,
        [&](const ImportFile&, std::uint64_t) { return --stop > 0; }, [&](int tries) { return tries < 3; });
  }
  std::string numbered(int lines) {
    std::string text;
    for (int i = 1; i <= lines; ++i)
      text += "[10:00] <n" + std::to_string(i % 7) + "> line " + std::to_string(i) + "\n";
    return text;
  }
  void expect_all(const ImportFile& file) {
    std::size_t i = 0;
    ASSERT_EQ(room_.messages.size(), file.log.said.size());
    for (const auto& line : file.log.said) {
      const auto& message = room_.messages[i++];
      EXPECT_EQ(message["content"]["text"], std::string(line.text));
      EXPECT_EQ(name_to_nick(message["from"].get<std::string>()), std::string(line.nick));
      EXPECT_EQ(message["sent_at"], line.sent_at_ms);
    }
  }

  FakeRoom room_;
  fs::path dir_;
};

TEST_F(IrcImport, each_line_is_one_entry_in_order) {
  std::vector<ImportFile> files;
  files.push_back(file("2006-06-05.txt",
                       "=== x joined\n" + numbered(1234) + "[10:01]  * zippo^ waves\n[10:02] <_null>\n"));
  auto count = import(files, 0);
  ASSERT_TRUE(count.has_value()) << count.error().message;
  EXPECT_EQ(count->imported, 1236u);
  expect_all(files[0]);
  EXPECT_THAT(room_.users, ::testing::Contains("zippo@5e"));
  EXPECT_THAT(room_.users, ::testing::Contains("i@._null"));
  EXPECT_EQ(room_.messages[1234]["content"],
            Json::parse(R"({"text":"waves","action":true,"nick":"zippo^"})"));
  EXPECT_EQ(room_.messages[1235]["type"], "x.irc.blank");
}

TEST_F(IrcImport, stopped_anywhere_it_goes_on_and_repeats_nothing) {
  std::vector<ImportFile> files;
  files.push_back(file("2006-06-05.txt", numbered(2600)));
  for (int tries = 0; tries < 10; ++tries) {
    auto count = import(files, 0, 1);
    if (count) break;
    EXPECT_EQ(count.error().code, "interrupted");
  }
  expect_all(files[0]);
  auto again = import(files, 0);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->imported, 0u);
  EXPECT_EQ(again->already_there, 2600u);
  expect_all(files[0]);
}

TEST_F(IrcImport, a_lost_answer_makes_no_line_twice) {
  std::vector<ImportFile> files;
  files.push_back(file("2006-06-05.txt", numbered(900)));
  room_.forget_answer = true;
  auto count = import(files, 0);
  ASSERT_TRUE(count.has_value()) << count.error().message;
  expect_all(files[0]);
}

TEST_F(IrcImport, what_the_server_refuses_is_told) {
  std::vector<ImportFile> files;
  files.push_back(file("2006-06-05.txt", numbered(3)));
  room_.fail_next = Failure{Exit::refused, "not_allowed", "You may not do this."};
  auto count = import(files, 0);
  ASSERT_FALSE(count.has_value());
  EXPECT_EQ(count.error().code, "not_allowed");
}

TEST_F(IrcImport, batches_stay_below_what_a_request_may_hold) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "[10:00] <a> " + std::string(20'000, 'x') + "\n";
  std::vector<ImportFile> files;
  files.push_back(file("2006-06-05.txt", text));
  ASSERT_TRUE(import(files, 0).has_value());
  EXPECT_EQ(room_.messages.size(), 60u);
  EXPECT_LT(room_.largest_append, 256u * 1024);
}

TEST_F(IrcImport, nicks_that_differ_only_in_case_are_one_user) {
  std::vector<ImportFile> files;
  files.push_back(file("2006-06-05.txt", "[10:00] <Niche> a\n[10:00] <niche> b\n"));
  ASSERT_TRUE(import(files, 0).has_value());
  EXPECT_EQ(room_.users, (std::set<std::string>{"Niche"}));
  EXPECT_EQ(room_.messages[1]["from"], "Niche");
  EXPECT_EQ(room_.messages[1]["content"]["nick"], "niche");
}

TEST_F(IrcImport, an_account_that_is_there_is_used_whatever_its_case) {
  room_.users = {"AlIcE"};
  std::vector<ImportFile> files;
  files.push_back(file("2006-06-05.txt", "[10:00] <alice> a\n"));
  ASSERT_TRUE(import(files, 0).has_value());
  EXPECT_EQ(room_.messages[0]["from"], "AlIcE");
}

TEST_F(IrcImport, bytes_that_are_not_utf8_are_repaired) {
  std::vector<ImportFile> files;
  files.push_back(file("2006-06-05.txt",
                       "[10:00] <\xe9ric> caf\xe9 \x02"
                       "bold\n"));
  ASSERT_TRUE(import(files, 0).has_value());
  EXPECT_EQ(room_.messages[0]["content"]["text"],
            "caf\xef\xbf\xbd \x02"
            "bold");
  EXPECT_EQ(name_to_nick(room_.messages[0]["from"].get<std::string>()), "\xe9ric");
}

TEST_F(IrcImport, a_log_that_has_grown_is_the_same_log) {
  std::vector<ImportFile> files;
  files.push_back(file("2006-06-05.txt", numbered(600)));
  ASSERT_TRUE(import(files, 0).has_value());
  files.clear();
  files.push_back(file("2006-06-05.txt", numbered(700)));
  auto count = import(files, 0);
  ASSERT_TRUE(count.has_value());
  EXPECT_EQ(count->imported, 100u);
  expect_all(files[0]);
}

TEST_F(IrcImport, files_are_told_apart_by_name_and_first_line) {
  auto a = file("2006-06-05.txt", "[10:00] <a> x\n");
  auto b = file("2006-06-06.txt", "[10:00] <a> x\n");
  auto c = file("2006-06-05.txt", "[10:00] <a> y\n");
  EXPECT_NE(a.ref_prefix, b.ref_prefix);
  EXPECT_NE(a.ref_prefix, c.ref_prefix);
}

TEST_F(IrcImport, without_a_date_it_is_a_usage_error) {
  std::ofstream(dir_ / "log.txt") << "[10:00] <a> x\n";
  auto none = open_import(dir_ / "log.txt", std::nullopt);
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().exit, Exit::usage);
  using namespace std::chrono_literals;
  EXPECT_TRUE(open_import(dir_ / "log.txt", 2004y / std::chrono::December / 25).has_value());
}

}  // namespace
}  // namespace parley::ctl
