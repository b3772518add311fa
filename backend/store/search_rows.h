#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backend/store/search_store.h"

// What stores put into their full-text index, and how they ask it. Pure.
namespace parley::backend {

// A message's place in the order of search: 41 bits of ms and 20 that keep apart, and in order, what was said at one time.
std::uint64_t search_place(std::uint64_t room_id, std::uint64_t seq, std::int64_t said_at_ms);
std::uint64_t first_place_at(std::int64_t ms);

// Words that no text has: they begin with an underscore.
std::string room_word(std::uint64_t room_id);
std::string sender_word(std::string_view sender);

// The room's, the sender's, then those of the text in their order, with blanks between; "" when the text has none.
std::string indexed_words(std::uint64_t room_id, std::string_view sender, std::string_view content);
// For an index that knows no order: do the words of such a text, which has all terms, follow each other as they must?
bool has_phrases(const wire::SearchQuery& query, std::string_view indexed);

// When a message was said: its envelope's `sent_at` if it was imported, else `at_ms`.
std::int64_t said_at(std::string_view envelope, std::int64_t at_ms);

inline constexpr std::size_t kIndexedWordsMax = 10'000;   // of one message
inline constexpr std::uint32_t kIndexedAtATime = 200;     // entries in one transaction
inline constexpr std::size_t kIndexedBytes = 512 * 1024;  // of their envelopes, about

}  // namespace parley::backend
