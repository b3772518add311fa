#include "backend/cache/page_cut.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "backend/cache/cache_testing.h"

namespace parley::backend {
namespace {

// A page as MessageStore describes it, slowly and obviously.
Page reference(const std::vector<std::string>& all, const PageQuery& query) {
  Page page{.through = all.size()};
  std::vector<std::uint64_t> wanted;  // in the order they are taken
  for (std::uint64_t seq = 1; seq <= all.size(); ++seq)
    if (query.after ? seq > *query.after : !query.before || seq < *query.before) wanted.push_back(seq);
  if (!query.after) std::ranges::reverse(wanted);
  std::size_t bytes = 0;
  for (const auto seq : wanted) {
    const auto& envelope = all[seq - 1];
    page.more = page.envelopes.size() == query.limit ||
                (!page.envelopes.empty() && bytes + envelope.size() > query.max_bytes);
    if (page.more) break;
    bytes += envelope.size();
    page.envelopes.push_back(envelope);
  }
  if (!query.after) std::ranges::reverse(page.envelopes);
  return page;
}

std::vector<PageQuery> all_queries(std::uint64_t newest) {
  std::vector<PageQuery> queries;
  for (std::uint32_t limit = 1; limit <= newest + 1; ++limit)
    for (const std::size_t max_bytes : {1, 80, 150, 100'000}) {
      queries.push_back({.limit = limit, .max_bytes = max_bytes});
      for (std::uint64_t at = 0; at <= newest + 2; ++at) {
        queries.push_back({.before = at, .limit = limit, .max_bytes = max_bytes});
        queries.push_back({.after = at, .limit = limit, .max_bytes = max_bytes});
      }
    }
  return queries;
}

TEST(PageCut, of_a_room_whose_front_has_expired_no_number_before_is_asked_for) {
  const auto newest = seqs_for({.limit = 9}, 8, 5);
  ASSERT_TRUE(newest);
  EXPECT_EQ(newest->first, 5u);
  EXPECT_EQ(newest->last, 8u);
  EXPECT_EQ(seqs_for({.after = 1, .limit = 2}, 8, 5)->first, 5u);
  EXPECT_EQ(seqs_for({.after = 1, .limit = 2}, 8, 5)->last, 6u);
  EXPECT_FALSE(seqs_for({.before = 5, .limit = 2}, 8, 5));
  EXPECT_EQ(seqs_for({.before = 6, .limit = 2}, 8, 5)->first, 5u);
  std::vector<std::string> all;
  for (std::uint64_t seq = 5; seq <= 8; ++seq) all.push_back(test_envelope(1, seq, 3));
  const auto page = cut_page({.limit = 9}, 8, 8, all, 5);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->envelopes, all);
  EXPECT_EQ(page->expired, 4u);
  EXPECT_FALSE(page->more);
  const auto after = cut_page({.after = 1, .limit = 2}, 8, 6, std::span(all).first(2), 5);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->envelopes.size(), 2u);
  EXPECT_TRUE(after->more);
}

TEST(PageCut, from_any_tail_a_page_is_what_the_store_would_give_or_none) {
  int cut = 0;
  for (std::uint64_t newest = 1; newest <= 6; ++newest) {
    std::vector<std::string> all;
    for (std::uint64_t seq = 1; seq <= newest; ++seq) all.push_back(test_envelope(1, seq, seq * 7 % 40));
    for (const auto& query : all_queries(newest)) {
      const auto seqs = seqs_for(query, newest);
      if (!seqs) continue;
      ASSERT_LE(seqs->first, seqs->last);
      for (std::size_t known = 0; known <= seqs->last; ++known) {
        const auto page = cut_page(query, newest, seqs->last, std::span(all).first(seqs->last).last(known));
        const bool whole = known >= seqs->last - seqs->first + 1;
        ASSERT_TRUE(page || !whole) << "limit " << query.limit << " of " << newest;
        if (!page) continue;
        const auto expected = reference(all, query);
        ASSERT_EQ(page->envelopes, expected.envelopes);
        ASSERT_EQ(page->more, expected.more);
        ASSERT_EQ(page->through, expected.through);
        ++cut;
      }
    }
  }
  EXPECT_GT(cut, 1000);
}

TEST(PageCut, nothing_is_known_of_an_empty_page) {
  EXPECT_FALSE(seqs_for({.limit = 0}, 5));
  EXPECT_FALSE(seqs_for({.before = 1}, 5));
  EXPECT_FALSE(seqs_for({.after = 5}, 5));
  EXPECT_FALSE(seqs_for({.after = ~std::uint64_t{0}}, 5));
}

TEST(PageCut, an_envelope_tells_its_seq) {
  EXPECT_EQ(seq_of_envelope(test_envelope(1, 17)), 17u);
  EXPECT_EQ(seq_of_envelope(R"({"seq":18446744073709551615,"x":1})"), ~std::uint64_t{0});
  for (const auto* odd : {"", "{", R"({"seq":)", R"({"seq":17)", R"({"seq":17})", R"({"seq":-1,)",
                          R"({"seq": 17,)", R"({"x":1,"seq":17,)", R"({"seq":18446744073709551616,)"})
    EXPECT_EQ(seq_of_envelope(odd), 0u) << odd;
}

TEST(PageCut, a_hole_ends_the_tail) {
  auto envelopes = test_envelopes(1, 5, 9);
  EXPECT_EQ(dense_tail(envelopes, 9), 5u);
  EXPECT_EQ(dense_tail(envelopes, 10), 0u);
  envelopes.erase(envelopes.begin() + 2);
  EXPECT_EQ(dense_tail(envelopes, 9), 2u);
  EXPECT_EQ(dense_tail({}, 9), 0u);
}

}  // namespace
}  // namespace parley::backend
