#include "tools/parleyctl/progress.h"

#include <algorithm>

namespace parley::ctl {

std::string bar(std::uint64_t done, std::uint64_t total, std::size_t width) {
  const auto full = total == 0 ? width : static_cast<std::size_t>(std::min(done, total) * width / total);
  return std::string(full, '#') + std::string(width - full, '.');
}

void Progress::show(std::uint64_t done, const std::string& label) {
  const auto count = std::to_string(done) + "/" + std::to_string(total_);
  const auto percent = std::to_string(total_ == 0 ? 100 : std::min(done, total_) * 100 / total_) + "%";
  if (terminal_) {
    out_ << "\r[" << bar(done, total_, 30) << "] " << count << " " << unit_ << "  " << percent << "  "
         << label << "\x1b[K" << std::flush;
    drawn_ = true;
    return;
  }
  const auto tenth = total_ == 0 ? 10 : std::min(done, total_) * 10 / total_;
  if (tenth <= tenth_) return;
  tenth_ = tenth;
  out_ << count << " " << unit_ << "  " << percent << "  " << label << std::endl;
}

void Progress::clear() {
  if (drawn_) out_ << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

}  // namespace parley::ctl
