#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace parley::ctl {

// A folder to build an export in.
class SlackFolder : public ::testing::Test {
 protected:
  SlackFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "parleyctl-slack-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~SlackFolder() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  std::filesystem::path folder_;
};

}  // namespace parley::ctl
