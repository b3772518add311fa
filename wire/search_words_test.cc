#include "wire/search_words.h"

#include <gmock/gmock.h>

namespace parley::wire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

bool found(std::string_view query, std::string_view text) {
  return matches(parse_search(query), search_words(text));
}

TEST(SearchWords, are_letters_and_digits_in_lower_case) {
  EXPECT_THAT(search_words("Don't PANIC_42, it's x2."),
              ElementsAre("don", "t", "panic", "42", "it", "s", "x2"));
  EXPECT_THAT(search_words(" .,;_ "), IsEmpty());
}

TEST(SearchWords, letters_lose_their_accents) {
  EXPECT_THAT(search_words("Größe ÉCOLE naïve Œuvre Łódź señor Ångström Þór"),
              ElementsAre("grosse", "ecole", "naive", "oeuvre", "lodz", "senor", "angstrom", "thor"));
  EXPECT_THAT(search_words("e\xCC\x81te"), ElementsAre("ete"));  // written with a combining accent
}

TEST(SearchWords, other_scripts_have_words_too) {
  EXPECT_THAT(search_words("ПРИВЕТ Ελλάς 안녕"), ElementsAre("привет", "ελλάσ", "안녕"));
  EXPECT_THAT(search_words("東京tower"), ElementsAre("東", "京", "tower"));
}

TEST(SearchWords, ill_formed_text_and_long_words_do_no_harm) {
  EXPECT_THAT(search_words("a\xFF\xC3"), ElementsAre("a"));
  EXPECT_EQ(search_words(std::string(500, 'x')).at(0).size(), kSearchWordMax);
}

TEST(SearchWords, all_words_of_a_query_must_be_there) {
  EXPECT_TRUE(found("fox Quick", "the quick brown fox"));
  EXPECT_FALSE(found("fox cat", "the quick brown fox"));
  EXPECT_TRUE(found("bro*", "the quick brown fox"));
  EXPECT_FALSE(found("bro", "the quick brown fox"));
}

TEST(SearchWords, phrases_are_in_order) {
  EXPECT_TRUE(found("\"quick brown\" the", "the quick, brown fox"));
  EXPECT_FALSE(found("\"brown quick\"", "the quick brown fox"));
  EXPECT_TRUE(found("京都", "私は京都に"));
  EXPECT_FALSE(found("都京", "私は京都に"));
  EXPECT_TRUE(found("\"an open quote", "an open quote"));
}

TEST(SearchWords, a_query_without_words_is_empty) {
  for (const char* query : {"", "***", "\"\"", "_ ."}) EXPECT_TRUE(parse_search(query).empty()) << query;
  std::string many;
  for (int i = 0; i < 100; ++i) many += "w ";
  EXPECT_EQ(parse_search(many).terms().size(), kSearchTermsMax);
}

TEST(SearchWords, what_is_searched_of_a_content) {
  EXPECT_EQ(searchable_text(R"({"text":"a","title":"b","name":"c","url":"d","x":{"text":"e"}})"), "a\nb\nc");
  EXPECT_EQ(searchable_text(R"({"text":7})"), "");
  EXPECT_EQ(searchable_text("no JSON"), "");
}

}  // namespace
}  // namespace parley::wire
