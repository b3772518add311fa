#pragma once
#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>

namespace parley::ctl {

// Tells how far a long thing is: a bar drawn over itself on a terminal, else a line each ten percent.
class Progress {
 public:
  Progress(std::ostream& out, bool terminal, std::uint64_t total, std::string unit = "lines")
      : out_(out), terminal_(terminal), total_(total), unit_(std::move(unit)) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::uint64_t done, const std::string& label);
  void clear();  // takes the bar away, so that a line can be printed

 private:
  std::ostream& out_;
  const bool terminal_;
  const std::uint64_t total_;
  const std::string unit_;
  std::uint64_t tenth_ = 0;
  bool drawn_ = false;
};

// "#####....." of `width` characters.
std::string bar(std::uint64_t done, std::uint64_t total, std::size_t width);

}  // namespace parley::ctl
