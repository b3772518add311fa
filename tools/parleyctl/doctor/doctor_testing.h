#pragma once
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/ids.h"
#include "tools/parleyctl/doctor/findings.h"

namespace parley::ctl {

// A folder of the test's own, with files as it needs them.
class DoctorTest : public testing::Test {
 protected:
  DoctorTest() { std::filesystem::create_directories(folder_); }
  ~DoctorTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& text, unsigned mode = 0600) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
    ::chmod((folder_ / name).c_str(), mode);
    return folder_ / name;
  }
  // Those of this level whose text holds `words`.
  std::size_t count(Finding::Level level, const std::string& words) const {
    return static_cast<std::size_t>(std::ranges::count_if(findings_.all(), [&](const Finding& finding) {
      return finding.level == level && finding.text.find(words) != std::string::npos;
    }));
  }
  bool has_problem(const std::string& words) const { return count(Finding::Level::problem, words) == 1; }
  bool has_note(const std::string& words) const { return count(Finding::Level::note, words) == 1; }
  std::size_t problems() const { return findings_.count(Finding::Level::problem); }
  void every_complaint_says_what_to_do() const {
    for (const auto& finding : findings_.all()) {
      EXPECT_EQ(finding.level == Finding::Level::ok, finding.advice.empty()) << finding.text;
    }
  }

  std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / ("doctor-" + random_id(8));
  Findings findings_;
};

}  // namespace parley::ctl
