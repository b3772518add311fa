#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/acl/acl.h"

// The access rules said once more, slowly and plainly, for tests: topics.md §2's table as a list of rows, and
// a filter judged by trying it on every topic of a small world. Shares no code with decide() beyond the types
// of question and answer.
namespace parley::plugin::reference {

struct World {
  struct User {
    bool admin = false, disabled = false;
  };
  struct Room {
    bool channel = false;
    std::map<std::string, std::string> roles;
    std::set<std::string> banned;
  };
  std::map<std::string, User> users;
  std::map<std::string, Room> rooms;
};

using Levels = std::vector<std::string>;
Levels split(std::string_view topic);
// MQTT 5 §4.7; a level matches `+` or itself; `#` matches all that is left, and its parent; no leading
// wildcard matches `$…`.
bool matches(const Levels& filter, const Levels& topic);

// Of one world and one set of topics, which must hold a witness for each thing a filter under test can match.
class Reference {
 public:
  Reference(World world, const std::vector<std::string>& all_topics);

  AclDecision decide(const AclQuery& query) const;
  // The topics of the contract that the filter (without $share) matches.
  std::vector<Levels> matched(std::string_view filter) const;

 private:
  struct Asker;
  struct Names {
    std::string room, user, device;
  };
  using Rule = std::function<bool(const Asker&, const Names&)>;
  struct Row {
    Levels pattern;
    Rule writes, reads;
  };
  struct Topic {
    Levels levels;
    const Row* row;
    Names names;
  };

  void add(std::string_view pattern, Rule writes, Rule reads);
  void add_room_rows();
  void add_user_rows();
  const Row* row_of(const Levels& topic, Names& names) const;
  const std::vector<const Topic*>& reached_by(const Levels& filter) const;
  AclDecision decide_filter(const Asker& asker, const AclQuery& query) const;
  std::string role(const Asker& asker, const std::string& room) const;

  World world_;
  std::vector<Row> rows_;
  std::vector<Topic> topics_;   // those of the contract
  mutable Levels last_filter_;  // many ask for the same one in turn
  mutable std::vector<const Topic*> last_reached_;
};

}  // namespace parley::plugin::reference
