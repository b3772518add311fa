// A room in which strangers say whatever the broker takes of them, about whatever was said before: its entries fold to JSON, the same
// from any order, and what is in a text is found in it.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "wire/content.h"
#include "wire/entry.h"
#include "wire/envelope.h"
#include "wire/fold.h"
#include "wire/limits.h"
#include "wire/search_words.h"

namespace {

using namespace parley;
using namespace parley::wire;
using Json = nlohmann::json;

constexpr std::size_t kMaxBytes = 4096;
constexpr std::size_t kEntriesMax = 24;

void require(bool ok) {
  if (!ok) std::abort();
}

// The first letter of a line says who sends the rest of it.
Envelope sent(char sender, std::uint64_t seq, const Content& content) {
  static constexpr std::string_view kUsers[] = {"alice", "Bob", "carol.c", "d@e"};
  static constexpr std::string_view kRoles[] = {"member", "moderator", "owner", ""};
  const auto choice = static_cast<unsigned char>(sender);
  return {.seq = seq,
          .epoch = "e1",
          .id = {},
          .room = "lab",
          .from = std::string(kUsers[choice % 4]),
          .role = std::string(kRoles[choice / 4 % 4]),
          .device = "phone",
          .at = static_cast<std::int64_t>(1000 + seq),
          .type = content.type,
          .ref = content.ref,
          .imported = choice / 16 % 8 == 1,
          .content = content.json};
}

void check_entry(const Envelope& envelope, const std::string& text, const Json& content) {
  Record record{.seq = envelope.seq, .at_ms = envelope.at};
  record.flags = envelope.imported ? kRecordImported : 0;
  record.from = envelope.from;
  record.type = envelope.type;
  record.envelope = text;
  const Entry entry = read_entry(record);
  require(seq_of_envelope(text) == envelope.seq && Json::parse(content_of(text)) == content);
  if (!entry.message()) require(entry.target == content.at("target") && entry.mentions.empty());
  if (entry.thread > 0) require(entry.thread == content.at("thread"));
  if (entry.type == "reaction")
    require(Json(entry.key) == content.at("key") && entry.key.size() <= kReactionKeyMax);
  require(entry.mentions.size() <= kMentionsMax && (entry.countable() || entry.mentions.empty()));
  for (const auto& name : entry.mentions)
    require(name == kRoomMention || (valid_name(name) && fold_case(name) == name));
  const Json gone = Json::parse(erased(text, {.seq = 99, .at_ms = 5, .by = "alice"}, entry.thread));
  require(gone.at("content") == Json::object() && gone.at("deleted").at("seq") == 99 &&
          gone.at("seq") == envelope.seq);
}

void check_search(const std::string& content) {
  const std::string text = searchable_text(content);
  const auto words = search_words(text);
  for (const auto& word : words) require(!word.empty() && word.size() <= kSearchWordMax && valid_utf8(word));
  if (!words.empty())
    require(matches(parse_search(words.front()), words) && matches(parse_search(words.back()), words));
  const SearchQuery query = parse_search(text.substr(0, kSearchQueryMax));
  require(query.terms().size() <= kSearchTermsMax);
}

void check_fold(const std::vector<std::string>& envelopes) {
  RoomFold forwards, backwards;
  for (const auto& envelope : envelopes) require(forwards.add(envelope).has_value());
  for (auto envelope = envelopes.rbegin(); envelope != envelopes.rend(); ++envelope)
    require(backwards.add(*envelope).has_value() && backwards.add(*envelope).has_value());
  const auto folded = forwards.folded();
  require(folded == backwards.folded() && folded.size() == envelopes.size());
  for (const auto& [seq, text] : folded) {
    const Json json = Json::parse(text);
    const Json sent = Json::parse(envelopes[seq - 1]);
    require(json.at("seq") == seq && json.at("from") == sent.at("from") &&
            json.at("type") == sent.at("type"));
    if (json.contains("deleted")) require(json.at("content").empty() && !json.contains("reactions"));
    if (!json.contains("deleted") && !json.contains("edited"))
      require(json.at("content") == sent.at("content"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> envelopes;
  while (!input.empty() && envelopes.size() < kEntriesMax) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(input.size(), line.size() + 1));
    if (line.empty()) continue;
    const auto content = parse_content(line.substr(1), kMaxBytes);
    if (!content || content->refers_to > envelopes.size())
      continue;  // refused by the broker: it gets no number
    const Envelope envelope = sent(line[0], envelopes.size() + 1, *content);
    envelopes.push_back(format_envelope(envelope));
    check_entry(envelope, envelopes.back(), Json::parse(content->json));
    check_search(content->json);
  }
  check_fold(envelopes);
  return 0;
}
