#include "wire/search_words.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "wire/json_scan.h"

namespace parley::wire {
namespace {

// Of U+00E0 to U+017F in lower case, the letter without its accent; "" where it stays as it is.
constexpr std::array<std::string_view, 32> kLatin1{"a", "a", "a", "a", "a", "a", "ae", "c", "e",  "e", "e",
                                                   "e", "i", "i", "i", "i", "d", "n",  "o", "o",  "o", "o",
                                                   "o", "",  "o", "u", "u", "u", "u",  "y", "th", "y"};
constexpr std::string_view kLatinExtended =  // U+0100 to U+017F, in either case; `_`: as it is
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii__jjkkkllllllllllnnnnnnnnnoooooo__rrrrrrsssssssstt"
    "ttttuuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(kLatinExtended.size() == 128);

locale_t unicode() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

// The character at the front, which is taken away; ill-formed bytes one by one as U+FFFD.
char32_t take_character(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t size = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
  if (size == 0 || size > text.size()) {
    text.remove_prefix(1);
    return 0xFFFD;
  }
  char32_t c = size == 1 ? first : first & (0x7F >> size);
  for (std::size_t i = 1; i < size; ++i) c = c << 6 | (static_cast<unsigned char>(text[i]) & 0x3F);
  text.remove_prefix(size);
  return c;
}

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

void append_plain(std::string& out, char32_t c) {
  if (c >= 0xE0 && c <= 0xFF && !kLatin1[c - 0xE0].empty()) {
    out += kLatin1[c - 0xE0];
  } else if (c == 0xDF) {
    out += "ss";
  } else if (c == 0x153) {
    out += "oe";
  } else if (c >= 0x100 && c < 0x180 && kLatinExtended[c - 0x100] != '_') {
    out += kLatinExtended[c - 0x100];
  } else if (c == 0x3C2) {  // a sigma at a word's end is a sigma
    append_utf8(out, 0x3C3);
  } else {
    append_utf8(out, c);
  }
}

struct Range {
  char32_t first, last;
};
// Scripts written without blanks between words.
constexpr Range kUnspaced[] = {{0xE01, 0xEFF},   {0x1000, 0x109F}, {0x1780, 0x17FF}, {0x3040, 0x30FF},
                               {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xF900, 0xFAFF}, {0x20000, 0x3FFFF}};

bool unspaced(char32_t c) {
  return c >= 0xE01 &&
         std::ranges::any_of(kUnspaced, [c](Range range) { return c >= range.first && c <= range.last; });
}
bool in_word(char32_t c) {
  return c < 0x80 ? (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                  : iswalnum_l(static_cast<wint_t>(c), unicode()) != 0;
}
// Combining accents: what is written with them is found without.
bool accent(char32_t c) {
  return c >= 0x300 && c < 0x370;
}

// Cuts a text into words. `separate(c)` is told of what stands between them.
template <class Word, class Separate>
void cut(std::string_view text, Word word, Separate separate) {
  std::string current;
  const auto finish = [&] {
    if (!current.empty()) word(current);
    current.clear();
  };
  while (!text.empty()) {
    const auto c = take_character(text);
    if (accent(c)) continue;
    if (unspaced(c)) {
      finish();
      append_utf8(current, c);
      finish();
    } else if (in_word(c)) {
      if (current.size() < kSearchWordMax)
        append_plain(current, static_cast<char32_t>(towlower_l(static_cast<wint_t>(c), unicode())));
    } else {
      finish();
      separate(c);
    }
  }
  finish();
}

bool fits(const SearchTerm& term, const std::string& word) {
  return term.prefix ? word.starts_with(term.word) : word == term.word;
}

bool stands_at(const std::vector<SearchTerm>& phrase, const std::vector<std::string>& words, std::size_t at) {
  for (std::size_t i = 0; i < phrase.size(); ++i)
    if (at + i >= words.size() || !fits(phrase[i], words[at + i])) return false;
  return true;
}

}  // namespace

std::vector<std::string> search_words(std::string_view text) {
  std::vector<std::string> words;
  cut(
      text, [&](const std::string& word) { words.push_back(word); }, [](char32_t) {});
  return words;
}

bool SearchQuery::in_order() const {
  return std::ranges::any_of(phrases, [](const auto& phrase) { return phrase.size() > 1; });
}

std::vector<SearchTerm> SearchQuery::terms() const {
  std::vector<SearchTerm> all;
  for (const auto& phrase : phrases) all.insert(all.end(), phrase.begin(), phrase.end());
  return all;
}

SearchQuery parse_search(std::string_view query) {
  SearchQuery parsed;
  std::vector<SearchTerm> phrase;
  std::size_t terms = 0;
  bool quoted = false;
  const auto finish = [&] {
    if (!phrase.empty()) parsed.phrases.push_back(std::move(phrase));
    phrase.clear();
  };
  cut(
      query.substr(0, kSearchQueryMax),
      [&](const std::string& word) {
        if (++terms <= kSearchTermsMax) phrase.push_back({word});
      },
      [&](char32_t c) {
        if (c == '*' && !phrase.empty() && terms <= kSearchTermsMax) phrase.back().prefix = true;
        if (c == '"') quoted = !quoted;
        if (!quoted) finish();
      });
  finish();
  return parsed;
}

bool matches(const SearchQuery& query, const std::vector<std::string>& words) {
  return std::ranges::all_of(query.phrases, [&](const auto& phrase) {
    for (std::size_t at = 0; at < words.size(); ++at)
      if (stands_at(phrase, words, at)) return true;
    return false;
  });
}

std::string searchable_text(std::string_view content) {
  std::array<Member, 3> members{Member{.name = "text"}, Member{.name = "title"}, Member{.name = "name"}};
  if (!scan_object(content, "The content", members)) return {};
  std::string text;
  for (const auto& member : members)
    if (member.is(Member::Kind::string)) text.append(text.empty() ? "" : "\n").append(member.text);
  return text;
}

}  // namespace parley::wire
