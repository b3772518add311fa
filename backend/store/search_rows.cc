#include "backend/store/search_rows.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "wire/entry.h"

namespace parley::backend {
namespace {

constexpr int kApartBits = 20;

}  // namespace

std::uint64_t search_place(std::uint64_t room_id, std::uint64_t seq, std::int64_t said_at_ms) {
  return first_place_at(said_at_ms) | (seq & 0x3FF) << 10 | (room_id & 0x3FF);
}

std::uint64_t first_place_at(std::int64_t ms) {
  constexpr std::int64_t kLatest = (std::int64_t{1} << 42) - 1;
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(ms, 0, kLatest)) << kApartBits;
}

std::string room_word(std::uint64_t room_id) {
  return "_r" + std::to_string(room_id);
}

std::string sender_word(std::string_view sender) {
  return "_u" + hex_encode(sender);
}

std::string indexed_words(std::uint64_t room_id, std::string_view sender, std::string_view content) {
  auto words = wire::search_words(wire::searchable_text(content));
  if (words.empty()) return {};
  words.resize(std::min(words.size(), kIndexedWordsMax));
  std::string text = room_word(room_id) + " " + sender_word(sender);
  for (const auto& word : words) text.append(" ").append(word);
  return text;
}

bool has_phrases(const wire::SearchQuery& query, std::string_view indexed) {
  if (!query.in_order()) return true;
  std::vector<std::string> words;
  while (!indexed.empty()) {
    const auto end = std::min(indexed.find(' '), indexed.size());
    words.emplace_back(indexed.substr(0, end));
    indexed.remove_prefix(std::min(end + 1, indexed.size()));
  }
  return wire::matches(query, words);
}

std::int64_t said_at(std::string_view envelope, std::int64_t at_ms) {
  constexpr std::string_view kSentAt = R"(,"sent_at":)";
  const auto head = envelope.substr(0, wire::content_at(envelope));
  const auto at = head.find(kSentAt);
  std::int64_t sent_at = at_ms;
  if (at != std::string_view::npos)
    std::from_chars(head.data() + at + kSentAt.size(), head.data() + head.size(), sent_at);
  return sent_at;
}

}  // namespace parley::backend
