#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "tests/contract/store_contract.h"

namespace parley::backend {
namespace {

using Said = Records::Said;
using testing::ElementsAre;
using testing::IsEmpty;

class SearchStoreContract : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    if (IsSkipped()) return;
    lab_ = add_room("lab", "alice").id;
    den_ = add_room("den", "alice").id;
    ASSERT_TRUE(messages().begin(1, "journal-a", std::nullopt));
  }
  void store(std::uint64_t room, const std::vector<Said>& said) {
    Records records;
    for (const auto& one : said) records.say(room, one);
    auto outcome = messages().store(1, 0, ++offset_, records.span());
    ASSERT_TRUE(outcome) << outcome.error().message;
  }
  void wait_indexed() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      auto behind = stores_.search->behind();
      if (behind && *behind == 0) return;
      std::this_thread::yield();
    }
    FAIL() << "the index is still behind";
  }
  TextPage page(const std::string& words, TextQuery query = {}) {
    wait_indexed();
    query.words = wire::parse_search(words);
    if (query.rooms.empty()) query.rooms = {lab_, den_};
    auto page = stores_.search->search(query);
    EXPECT_TRUE(page) << page.error().message;
    return page.value_or(TextPage{});
  }
  std::vector<std::uint64_t> seqs(const std::string& words, const TextQuery& query = {}) {
    std::vector<std::uint64_t> seqs;
    for (const auto& hit : page(words, query).hits) seqs.push_back(hit.message.second);
    return seqs;
  }
  static Said text(std::uint64_t seq, const std::string& words, const std::string& from = "alice") {
    return {.seq = seq, .from = from, .content = R"({"text":")" + words + "\"}"};
  }

  std::uint64_t lab_ = 0, den_ = 0, offset_ = 0;
};

TEST_P(SearchStoreContract, messages_are_found_by_their_words_newest_first) {
  store(lab_, {text(1, "The quick brown fox"), text(2, "a lazy dog"), text(3, "quick QUICK dogs")});
  EXPECT_THAT(seqs("quick"), ElementsAre(3, 1));
  EXPECT_THAT(seqs("dog"), ElementsAre(2));
  EXPECT_THAT(seqs("dog*"), ElementsAre(3, 2));
  EXPECT_THAT(seqs("quick fox"), ElementsAre(1));
  EXPECT_THAT(seqs("quick cat"), IsEmpty());
  auto found = page("fox").hits;
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].envelope, envelope_of(lab_, text(1, "The quick brown fox")));
  EXPECT_EQ(found[0].message, (Place{lab_, 1}));
}

TEST_P(SearchStoreContract, phrases_are_words_that_follow_each_other) {
  store(lab_, {text(1, "brown quick fox"), text(2, "quick brown fox"), text(3, "quick, brown. Foxes")});
  EXPECT_THAT(seqs("\"quick brown\""), ElementsAre(3, 2));
  EXPECT_THAT(seqs("\"quick brown fox\""), ElementsAre(2));
  EXPECT_THAT(seqs("\"brown fox*\""), ElementsAre(3, 2));
}

TEST_P(SearchStoreContract, other_languages_than_english_are_searched) {
  store(lab_, {text(1, "Größe und Übergröße, naïve Café"), text(2, "Привет, Мир"),
               text(3, "今日は東京で会いましょう"), text(4, "Ελλάς"), text(5, "안녕하세요 세계")});
  EXPECT_THAT(seqs("grosse"), ElementsAre(1));
  EXPECT_THAT(seqs("ÜBERGRÖSSE cafe"), ElementsAre(1));
  EXPECT_THAT(seqs("мир"), ElementsAre(2));
  EXPECT_THAT(seqs("東京"), ElementsAre(3));
  EXPECT_THAT(seqs("京東"), IsEmpty());
  EXPECT_THAT(seqs("ΕΛΛΆΣ"), ElementsAre(4));
  EXPECT_THAT(seqs("세계"), ElementsAre(5));
}

TEST_P(SearchStoreContract, only_the_rooms_asked_for_are_searched) {
  store(lab_, {text(1, "hello lab")});
  store(den_, {text(1, "hello den"), text(2, "_r1 hello")});
  EXPECT_THAT(seqs("hello", {.rooms = {lab_}}), ElementsAre(1));
  EXPECT_EQ(page("hello", {.rooms = {den_}}).hits.size(), 2u);
  EXPECT_EQ(page("hello").hits.size(), 3u);
  std::vector<std::uint64_t> many = {lab_};
  for (std::uint64_t other = 1; other < 50; ++other) many.push_back(other);
  EXPECT_THAT(seqs("hello", {.rooms = many}), ElementsAre(1));
}

TEST_P(SearchStoreContract, by_sender_and_by_time) {
  store(lab_, {text(1, "hello", "alice"), text(2, "hello", "bob"), text(3, "hello", "Bob"),
               text(4, "hello", "alice")});
  EXPECT_THAT(seqs("hello", {.sender = "bob"}), ElementsAre(2));
  EXPECT_THAT(seqs("bob"), IsEmpty());
  const std::int64_t at = 1'795'314'673'123;
  EXPECT_THAT(seqs("hello", {.since_ms = at + 3}), ElementsAre(4, 3));
  EXPECT_THAT(seqs("hello", {.until_ms = at + 3}), ElementsAre(2, 1));
}

TEST_P(SearchStoreContract, pages_go_on_where_the_last_one_ended) {
  std::vector<Said> said;
  for (std::uint64_t seq = 1; seq <= 25; ++seq) said.push_back(text(seq, seq % 2 ? "odd" : "even"));
  store(lab_, said);
  TextQuery query{.limit = 5};
  std::vector<std::uint64_t> found;
  for (int pages = 0; pages < 10; ++pages) {
    auto got = page("odd", query);
    for (const auto& hit : got.hits) found.push_back(hit.message.second);
    if (!got.next) break;
    query.before = got.next;
  }
  EXPECT_THAT(found, ElementsAre(25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1));
}

TEST_P(SearchStoreContract, edits_are_followed) {
  store(lab_, {text(1, "first words"), text(2, "other")});
  EXPECT_THAT(seqs("first"), ElementsAre(1));
  store(lab_,
        {{.seq = 3, .type = "edit", .content = R"({"type":"edit","target":1,"text":"second thoughts"})"},
         {.seq = 4,
          .from = "mallory",
          .type = "edit",
          .content = R"({"type":"edit","target":2,"text":"forged"})"}});
  EXPECT_THAT(seqs("first"), IsEmpty());
  EXPECT_THAT(seqs("thoughts"), ElementsAre(1));
  EXPECT_THAT(seqs("forged"), IsEmpty());
  store(lab_, {text(5, "once"),
               {.seq = 6, .type = "edit", .content = R"({"type":"edit","target":5,"text":"twice"})"}});
  EXPECT_THAT(seqs("once"), IsEmpty());
  EXPECT_THAT(seqs("twice"), ElementsAre(5));
}

TEST_P(SearchStoreContract, a_deleted_message_is_not_found_from_the_moment_its_delete_is_stored) {
  store(lab_, {text(1, "secret"),
               {.seq = 2, .type = "edit", .content = R"({"type":"edit","target":1,"text":"secret too"})"}});
  EXPECT_THAT(seqs("secret"), ElementsAre(1));
  store(lab_, {{.seq = 3, .type = "delete", .content = R"({"type":"delete","target":1})"}});
  TextQuery query{.rooms = {lab_}, .words = wire::parse_search("secret")};
  EXPECT_THAT(stores_.search->search(query)->hits, IsEmpty());
  EXPECT_THAT(seqs("secret"), IsEmpty());
  store(lab_,
        {text(4, "hidden"), {.seq = 5, .type = "delete", .content = R"({"type":"delete","target":4})"}});
  EXPECT_THAT(seqs("hidden"), IsEmpty());
}

TEST_P(SearchStoreContract, only_messages_are_found) {
  store(lab_, {{.seq = 1, .type = "member", .content = R"({"action":"added","text":"word"})"},
               {.seq = 2,
                .type = "reaction",
                .content = R"({"type":"reaction","target":1,"key":"word","text":"word"})"},
               {.seq = 3, .type = "media", .content = R"({"name":"word.png","url":"http://x/url"})"}});
  EXPECT_THAT(seqs("word"), ElementsAre(3));
  EXPECT_THAT(seqs("url"), IsEmpty());
}

TEST_P(SearchStoreContract, what_was_stored_before_it_was_opened_is_found) {
  store(lab_, {text(1, "early")});
  reopen();
  EXPECT_THAT(seqs("early"), ElementsAre(1));
}

TEST_P(SearchStoreContract, large_messages_and_strange_bytes_do_no_harm) {
  std::string many;
  for (int i = 0; i < 9000; ++i) many += "w" + std::to_string(i) + " ";
  store(lab_, {text(1, many), text(2, std::string(60'000, 'x')), text(3, "' \\\\\\\\ : & | ! <-> * after")});
  EXPECT_THAT(seqs("w0 w1"), ElementsAre(1));
  EXPECT_THAT(seqs("after"), ElementsAre(3));
  EXPECT_THAT(seqs("' after & ! |"), ElementsAre(3));
}

INSTANTIATE_TEST_SUITE_P(Stores, SearchStoreContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
