#pragma once
#include <string>
#include <string_view>
#include <vector>

// What search takes for a word, the same in every store. Pure; needs the locale C.UTF-8, which glibc has built in.
namespace parley::wire {

inline constexpr std::size_t kSearchWordMax = 64;     // bytes; the rest of a longer one is not looked at
inline constexpr std::size_t kSearchTermsMax = 32;    // of one query
inline constexpr std::size_t kSearchQueryMax = 1024;  // bytes

// The words of a text in order: runs of letters and digits in lower case, Latin letters without their accents (ß is ss), and each
// character of a script that is written without blanks (Chinese, Japanese, Thai, Lao, Khmer, Burmese) a word of its own.
std::vector<std::string> search_words(std::string_view text);

struct SearchTerm {
  std::string word;
  bool prefix = false;  // any word that begins so
};
// All phrases must be in a text; the terms of a phrase follow each other in it.
struct SearchQuery {
  std::vector<std::vector<SearchTerm>> phrases;

  bool empty() const { return phrases.empty(); }
  // Whether it says more than that all of its terms are somewhere.
  bool in_order() const;
  std::vector<SearchTerm> terms() const;
};

// `hello wor*` "the same words": words, beginnings of words, and what stands in quotes as a phrase. A run of characters without
// blanks (日本語) is a phrase. Nothing in it is an error; empty when there is no word in it. At most kSearchTermsMax terms count.
SearchQuery parse_search(std::string_view query);

bool matches(const SearchQuery& query, const std::vector<std::string>& words);

// What there is to search in a content: its `text`, `title` and `name`, if they are strings.
std::string searchable_text(std::string_view content);

}  // namespace parley::wire
