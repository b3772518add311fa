#include "plugin/acl/reference.h"

#include <algorithm>

namespace parley::plugin::reference {
namespace {

bool is_name(const std::string& text) {
  const std::string alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  if (text.empty() || text.size() > 64 || alnum.find(text[0]) == std::string::npos) return false;
  return text.find_first_not_of(alnum + "._@-") == std::string::npos;
}

bool is_wild(const std::string& level) {
  return level == "+" || level == "#";
}

AclDecision yes_or_no(bool yes) {
  return yes ? AclDecision::allow : AclDecision::deny;
}

}  // namespace

struct Reference::Asker {
  bool backend = false;
  bool known = false;
  World::User rights;
  std::string name, device;
  bool is(const std::string& user) const { return known && name == user; }
  bool admin() const { return known && rights.admin; }
};

Levels split(std::string_view topic) {
  Levels levels(1);
  for (const char c : topic) {
    if (c == '/') {
      levels.emplace_back();
    } else {
      levels.back() += c;
    }
  }
  return levels;
}

bool matches(const Levels& filter, const Levels& topic) {
  if (is_wild(filter[0]) && topic[0].starts_with("$")) return false;
  for (std::size_t i = 0; i < filter.size(); ++i) {
    if (filter[i] == "#") return true;
    if (i == topic.size()) return false;
    if (filter[i] != "+" && filter[i] != topic[i]) return false;
    if (i + 1 == topic.size() && i + 2 == filter.size() && filter[i + 1] == "#") return true;
  }
  return filter.size() == topic.size();
}

Reference::Reference(World world, const std::vector<std::string>& all_topics) : world_(std::move(world)) {
  add_room_rows();
  add_user_rows();
  for (const std::string& text : all_topics) {
    Topic topic{.levels = split(text)};
    topic.row = row_of(topic.levels, topic.names);
    if (topic.row) topics_.push_back(std::move(topic));
  }
}

void Reference::add(std::string_view pattern, Rule writes, Rule reads) {
  rows_.push_back({split(pattern), std::move(writes), std::move(reads)});
}

void Reference::add_room_rows() {
  const auto backend = [](const Asker& a, const Names&) { return a.backend; };
  const auto nobody = [](const Asker&, const Names&) { return false; };
  const auto members = [this](const Asker& a, const Names& n) {
    return a.backend || a.admin() || role(a, n.room) != "";
  };
  const auto senders = [this](const Asker& a, const Names& n) {
    const std::string r = role(a, n.room);
    const bool channel = world_.rooms.contains(n.room) && world_.rooms.at(n.room).channel;
    return r == "owner" || r == "moderator" || (r == "member" && !channel);
  };
  const auto fellows = [this, members](const Asker& a, const Names& n) {
    const bool channel = world_.rooms.contains(n.room) && world_.rooms.at(n.room).channel;
    return members(a, n) && (!channel || a.backend || a.admin() || a.is(n.user));
  };
  const auto that_member = [this](const Asker& a, const Names& n) {
    return a.is(n.user) && role(a, n.room) != "";
  };
  add("rooms/{room}/send", senders, nobody);
  add("rooms/{room}/messages", nobody, members);
  add("rooms/{room}/typing/{user}", that_member, fellows);
  const auto that_member_or_backend = [=](const Asker& a, const Names& n) {
    return a.backend || that_member(a, n);
  };
  add("rooms/{room}/receipts/{user}", that_member_or_backend, fellows);
  add("rooms/{room}/presence/{user}", backend, members);
  add("rooms/{room}/state", backend, members);
}

void Reference::add_user_rows() {
  const auto backend = [](const Asker& a, const Names&) { return a.backend; };
  const auto nobody = [](const Asker&, const Names&) { return false; };
  const auto that_user = [](const Asker& a, const Names& n) { return a.is(n.user); };
  add("users/{user}/requests/{method}", that_user, backend);
  add("users/{user}/replies/…", backend, that_user);
  add("users/{user}/inbox", backend, that_user);
  add(
      "users/{user}/devices/{device}/status",
      [](const Asker& a, const Names& n) { return a.backend || (a.is(n.user) && a.device == n.device); },
      [](const Asker& a, const Names& n) { return a.backend || a.is(n.user) || a.admin(); });
  add("$parley/{any}/…", nobody, backend);
  add("$CONTROL/parley/v1", backend, nobody);
  add("$CONTROL/parley/{any}/…", nobody, nobody);
}

const Reference::Row* Reference::row_of(const Levels& topic, Names& names) const {
  for (const Row& row : rows_) {
    names = {};
    bool fits = true;
    const bool open_end = row.pattern.back() == "…";
    const std::size_t fixed = row.pattern.size() - (open_end ? 1 : 0);
    if (topic.size() < fixed || (topic.size() > fixed && !open_end)) continue;
    for (std::size_t i = 0; i < fixed && fits; ++i) {
      const std::string& want = row.pattern[i];
      if (want == "{any}") continue;
      fits = want.starts_with("{") ? is_name(topic[i]) : want == topic[i];
      if (want == "{room}") names.room = topic[i];
      if (want == "{user}") names.user = topic[i];
      if (want == "{device}") names.device = topic[i];
    }
    if (fits) return &row;
  }
  return nullptr;
}

std::string Reference::role(const Asker& asker, const std::string& room) const {
  if (!asker.known || !world_.rooms.contains(room)) return "";
  const World::Room& r = world_.rooms.at(room);
  if (r.banned.contains(asker.name) || !r.roles.contains(asker.name)) return "";
  return r.roles.at(asker.name);
}

const std::vector<const Reference::Topic*>& Reference::reached_by(const Levels& filter) const {
  if (filter == last_filter_) return last_reached_;
  last_filter_ = filter;
  last_reached_.clear();
  for (const Topic& topic : topics_) {
    if (matches(filter, topic.levels)) last_reached_.push_back(&topic);
  }
  return last_reached_;
}

std::vector<Levels> Reference::matched(std::string_view filter) const {
  std::vector<Levels> all;
  for (const Topic* topic : reached_by(split(filter))) all.push_back(topic->levels);
  return all;
}

AclDecision Reference::decide_filter(const Asker& asker, const AclQuery& q) const {
  Levels filter = split(q.topic);
  if (filter[0] == "$share") filter.erase(filter.begin(), filter.begin() + 2);
  const auto& reached = reached_by(filter);
  const bool begins_as_ours = filter[0] == "rooms" || filter[0] == "users" || filter[0] == "$parley" ||
                              (filter.size() > 1 && filter[0] == "$CONTROL" && filter[1] == "parley");
  const bool ours = begins_as_ours || !reached.empty();
  if (q.access == Access::unsubscribe) {
    return ours || q.other_topics == AclDecision::allow ? AclDecision::allow : AclDecision::defer;
  }
  if (!ours) {
    const bool control = filter[0] == "$CONTROL" && filter.size() > 1;
    return control && q.other_topics == AclDecision::allow ? AclDecision::defer : q.other_topics;
  }
  const bool names_it = filter.size() > 1 && !is_wild(filter[0]) && !is_wild(filter[1]);
  if (!asker.backend && !asker.admin() && !names_it) return AclDecision::deny;
  return yes_or_no(std::any_of(reached.begin(), reached.end(),
                               [&](const Topic* t) { return t->row->reads(asker, t->names); }));
}

AclDecision Reference::decide(const AclQuery& q) const {
  Asker asker{.backend = q.backend, .name = std::string(q.user), .device = std::string(q.device)};
  if (!q.backend && world_.users.contains(asker.name)) {
    asker.known = true;
    asker.rights = world_.users.at(asker.name);
  }
  if (asker.rights.disabled && q.access != Access::unsubscribe) return AclDecision::deny;
  if (q.access == Access::subscribe || q.access == Access::unsubscribe) return decide_filter(asker, q);

  const Levels topic = split(q.topic);
  const bool control = topic[0] == "$CONTROL" && topic.size() > 1;
  const bool ours = topic[0] == "rooms" || topic[0] == "users" || topic[0] == "$parley" ||
                    (control && topic[1] == "parley");
  if (!ours) return control && q.other_topics == AclDecision::allow ? AclDecision::defer : q.other_topics;
  Names names;
  const Row* row = row_of(topic, names);
  if (!row) return AclDecision::deny;
  return yes_or_no(q.access == Access::read ? row->reads(asker, names) : row->writes(asker, names));
}

}  // namespace parley::plugin::reference
