#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "tools/parleyctl/requests.h"

namespace parley::ctl {

// The names those who spoke elsewhere are brought in under: the account that has the mapped name (irc_nick.h; by case folding), else one that is
// made, without a password. Accounts are listed once, at the beginning. Not thread-safe.
class Speakers {
 public:
  explicit Speakers(Requests& requests) : requests_(requests) {}
  Outcome<> load();
  // Makes at one go those of `nicks` who have no account; name_of() does what could not be done.
  void make_all(std::span<const std::string_view> nicks);
  // `title` is what a new account is shown as; without one, the nick where it is not the name.
  Outcome<std::string> name_of(std::string_view nick, std::string_view title = {});
  std::uint64_t made() const { return made_; }

 private:
  static Json account(const std::string& name, std::string_view nick, std::string_view title);
  Outcome<> note(const std::string& name, const Outcome<Json>& made);

  Requests& requests_;
  std::map<std::string, std::string> names_;  // folded → as it is
  std::uint64_t made_ = 0;
};

// Text of elsewhere as a title: repaired, and no longer than one may be.
std::string imported_title(std::string_view text);

}  // namespace parley::ctl
