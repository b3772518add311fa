#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "wire/topics.h"

// For tests and fuzzing only: MQTT's rules written down slowly and obviously, to compare the fast code with.
namespace parley::wire {

inline std::vector<std::string> split_levels(std::string_view text) {
  std::vector<std::string> levels(1);
  for (char c : text) {
    if (c == '/') {
      levels.emplace_back();
    } else {
      levels.back() += c;
    }
  }
  return levels;
}

inline bool reference_matches_from(const std::vector<std::string>& filter, std::size_t f,
                                   const std::vector<std::string>& topic, std::size_t t) {
  if (f == filter.size()) return t == topic.size();
  if (filter[f] == "#") return true;
  if (t == topic.size()) return false;
  return (filter[f] == "+" || filter[f] == topic[t]) && reference_matches_from(filter, f + 1, topic, t + 1);
}

inline bool reference_matches(std::string_view filter_text, std::string_view topic_text) {
  const std::vector<std::string> filter = split_levels(filter_text), topic = split_levels(topic_text);
  for (std::size_t i = 0; i + 1 < filter.size(); ++i) {
    if (filter[i] == "#") return false;  // illegal
  }
  const bool leading_wildcard = filter[0] == "+" || filter[0] == "#";
  if (leading_wildcard && topic_text.starts_with("$")) return false;
  return reference_matches_from(filter, 0, topic, 0);
}

// Every text of 1 to `levels_max` levels out of `alphabet`.
inline std::vector<std::string> all_level_strings(const std::vector<std::string>& alphabet, int levels_max) {
  std::vector<std::string> all(alphabet), longest(alphabet);
  for (int level = 2; level <= levels_max; ++level) {
    std::vector<std::string> longer;
    for (const std::string& head : longest) {
      for (const std::string& tail : alphabet) longer.push_back(head + "/" + tail);
    }
    all.insert(all.end(), longer.begin(), longer.end());
    longest = std::move(longer);
  }
  return all;
}

// Topics of the contract, of two rooms and two users, one named like a level of the contract.
inline std::vector<std::string> sample_parley_topics() {
  std::vector<std::string> topics{"$parley/feed", "$parley/events", "$CONTROL/parley/v1"};
  for (std::string name : {"lab", "typing"}) {
    for (std::string tail : {"send", "messages", "state", "typing/lab", "receipts/typing", "presence/lab"}) {
      topics.push_back("rooms/" + name + "/" + tail);
    }
    for (std::string tail :
         {"inbox", "replies", "replies/lab", "replies/typing/x", "requests/inbox", "devices/lab/status"}) {
      topics.push_back("users/" + name + "/" + tail);
    }
  }
  return topics;
}

// Is what parse_filter says of `filter` true for this topic of the contract?
inline bool reach_holds(const Filter& parsed, std::string_view filter, std::string_view topic_text) {
  if (!reference_matches(filter, topic_text)) return true;
  const Topic topic = parse_topic(topic_text);
  const bool internal = topic.kind == TopicKind::parley_internal || topic.kind == TopicKind::control;
  switch (parsed.reach) {
    case Filter::Reach::none:
      return false;
    case Filter::Reach::room:
      return topic.room == parsed.name;
    case Filter::Reach::user:
      return topic.room.empty() && topic.user == parsed.name;
    case Filter::Reach::internal:
      return internal;
    case Filter::Reach::many:
      return !internal;
  }
  return false;
}

}  // namespace parley::wire
