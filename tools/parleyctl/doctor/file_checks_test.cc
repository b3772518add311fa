#include "tools/parleyctl/doctor/file_checks.h"

#include <unistd.h>

#include "tools/parleyctl/doctor/doctor_testing.h"

namespace parley::ctl {
namespace {

class FileChecks : public DoctorTest {};

TEST_F(FileChecks, a_secret_is_there_and_closed) {
  check_secret(write("good", "x"), "secret_file", ::getuid(), findings_);
  EXPECT_EQ(problems(), 0u);
  check_secret(write("open", "x", 0644), "secret_file", ::getuid(), findings_);
  EXPECT_TRUE(has_problem("is open to everybody"));
  check_secret(folder_ / "none", "secret_file", std::nullopt, findings_);
  EXPECT_TRUE(has_problem("is not there"));
  every_complaint_says_what_to_do();
}

TEST_F(FileChecks, a_secret_is_for_the_one_who_reads_it) {
  check_secret(write("mine", "x"), "secret_file", ::getuid() + 1, findings_);
  EXPECT_TRUE(has_problem("can't be read by the user who needs it"));
  findings_ = Findings();
  check_secret(write("group", "x", 0640), "secret_file", ::getuid() + 1, findings_);
  EXPECT_EQ(problems(), 0u);
}

TEST_F(FileChecks, a_folder_is_its_writers) {
  check_folder(folder_, "data_dir", ::getuid(), findings_);
  EXPECT_EQ(count(Finding::Level::problem, "belongs"), 0u);
  EXPECT_EQ(count(Finding::Level::ok, "belongs to who writes there"), 1u);
  findings_ = Findings();
  check_folder(folder_, "data_dir", ::getuid() + 1, findings_);
  EXPECT_TRUE(has_problem("can't be written by the user who needs to"));
  findings_ = Findings();
  ::chmod(folder_.c_str(), 0777);
  check_folder(folder_, "data_dir", ::getuid(), findings_);
  EXPECT_TRUE(has_problem("can be written by everybody"));
  check_folder(folder_ / "none", "data_dir", std::nullopt, findings_);
  EXPECT_TRUE(has_problem("is not there"));
  every_complaint_says_what_to_do();
}

TEST_F(FileChecks, a_disk_has_space_and_inodes) {
  judge_disk({.bytes = 100, .bytes_free = 50, .inodes = 100, .inodes_free = 50}, "/d", findings_);
  judge_disk({.bytes = 100, .bytes_free = 50, .inodes = 0, .inodes_free = 0}, "/btrfs", findings_);
  EXPECT_EQ(problems(), 0u);
  judge_disk({.bytes = 100, .bytes_free = 9, .inodes = 100, .inodes_free = 50}, "/d", findings_);
  EXPECT_TRUE(has_problem("has 9 % left"));
  judge_disk({.bytes = 100, .bytes_free = 50, .inodes = 100, .inodes_free = 3}, "/d", findings_);
  EXPECT_TRUE(has_problem("has 3 % of its inodes left"));
}

TEST_F(FileChecks, a_certificate_that_is_not_there_is_found) {
  const ConfListener listener{.port = 8883, .set = {{"certfile", (folder_ / "none.crt").string()}}};
  check_certificate(listener, SystemClock().wall(), findings_);
  EXPECT_EQ(problems(), 1u);
  every_complaint_says_what_to_do();
}

TEST_F(FileChecks, a_database_that_everybody_can_read_is_found) {
  backend::Config config;
  ::chmod(folder_.c_str(), 0755);
  config.store = "sqlite://" + write("parley.db", "", 0644).string();
  check_backend_files(config, findings_);
  EXPECT_TRUE(has_problem("is open to everybody: all messages are in it"));
  findings_ = Findings();
  ::chmod(folder_.c_str(), 0700);
  check_backend_files(config, findings_);
  EXPECT_EQ(count(Finding::Level::problem, "open to everybody"), 0u);
}

TEST_F(FileChecks, two_secrets_are_found) {
  MosquittoConf conf;
  conf.plugins.push_back({"mosquitto_parley.so",
                          {{"data_dir", folder_.string()},
                           {"backend_secret_file", write("theirs", "sixteen characters\n").string()}}});
  backend::Config config;
  config.broker.secret_file = write("ours", "sixteen characters\n").string();
  check_shared_secret(conf, config, findings_);
  EXPECT_EQ(problems(), 0u);
  write("ours", "other sixteen characters\n");
  check_shared_secret(conf, config, findings_);
  EXPECT_TRUE(has_problem("differ: parleyd can't log in"));
  for (const auto& finding : findings_.all()) EXPECT_EQ(finding.text.find("sixteen"), std::string::npos);
}

}  // namespace
}  // namespace parley::ctl
