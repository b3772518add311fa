#include "backend/cache/cached_message_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/cache/cache_testing.h"
#include "backend/cache/memory_cache.h"

namespace parley::backend {
namespace {

using testing::IsEmpty;

constexpr TailLimits kTail{.messages = 20, .bytes = 10'000};

// A cache that can be away, and a store that can fail after it has stored.
class AwayCache final : public Cache {
 public:
  explicit AwayCache(const Clock& clock) : inner_(1 << 20, kTail, clock) {}
  Result<std::vector<std::string>> find(const RoomKey& key, std::uint64_t newest, SeqRange range) override {
    if (away) return fail(Errc::unavailable, "away");
    return inner_.find(key, newest, range);
  }
  Result<> fill(const RoomKey& key, std::uint64_t first, std::span<const std::string> envelopes) override {
    ++writes;
    if (away) return fail(Errc::unavailable, "away");
    return inner_.fill(key, first, envelopes);
  }
  Result<> extend(std::uint64_t lease, std::span<const wire::Record> records) override {
    ++writes;
    if (away) return fail(Errc::unavailable, "away");
    return inner_.extend(lease, records);
  }
  Result<> drop(std::uint64_t lease, std::span<const std::uint64_t> rooms) override {
    return inner_.drop(lease, rooms);
  }
  Result<> put_values(std::span<const NamedValue> values, std::chrono::milliseconds expiry) override {
    return inner_.put_values(values, expiry);
  }
  Result<std::vector<std::optional<std::string>>> values(std::span<const std::string> names) override {
    return inner_.values(names);
  }
  bool take(const std::string& counter, const Rate& rate) override { return inner_.take(counter, rate); }
  Dependency dependency() override { return inner_.dependency(); }

  bool away = false;
  int writes = 0;

 private:
  MemoryCache inner_;
};

class InDoubtStore final : public MessageStore {
 public:
  explicit InDoubtStore(MessageStore& inner) : inner_(inner) {}
  Result<FeedPosition> position() override { return inner_.position(); }
  Result<> begin(std::uint64_t generation, const std::string& journal,
                 std::optional<std::uint64_t> restart_at) override {
    return inner_.begin(generation, journal, restart_at);
  }
  Result<StoreOutcome> store(std::uint64_t generation, std::uint64_t from, std::uint64_t to,
                             std::span<const wire::Record> records) override {
    auto outcome = inner_.store(generation, from, to, records);
    if (in_doubt) return fail(Errc::in_doubt, "The answer was lost.");
    return outcome;
  }
  Result<Page> page(const PageQuery& query) override {
    ++pages;
    return inner_.page(query);
  }
  Result<Page> thread(const ThreadQuery& query) override { return inner_.thread(query); }
  Result<std::map<Place, wire::Notes>> notes(std::span<const Place> messages) override {
    return inner_.notes(messages);
  }
  Result<std::uint64_t> last_seq(std::uint64_t room_id) override { return inner_.last_seq(room_id); }
  Result<> block(const ErasedName& name) override { return inner_.block(name); }
  Result<EraseStep> erase_some(const ErasedUser& who, const ErasePlace& from,
                               const NoteRooms& note) override {
    return inner_.erase_some(who, from, note);
  }
  Result<std::uint64_t> message_count() override { return inner_.message_count(); }

  bool in_doubt = false;
  int pages = 0;

 private:
  MessageStore& inner_;
};

class CachedMessageStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    lab_ = database_.make_room("lab").id;
    ASSERT_TRUE(store_.begin(1, "journal", std::nullopt));
  }
  void store(const TestRecords& records, std::uint64_t generation = 1) {
    ASSERT_TRUE(store_.store(generation, offset_, offset_ + 1, records.span()));
    ++offset_;
  }
  RoomHead head() {
    const auto room = database_.stores().rooms->get(lab_);
    return room ? RoomHead{room->epoch, room->last_seq, room->rewritten, room->expired} : RoomHead{};
  }
  Page newest(std::uint32_t limit = 5) { return page({.limit = limit}); }
  Page page(PageQuery query) {
    query.room_id = lab_;
    query.head = head();
    auto page = store_.page(query);
    EXPECT_TRUE(page);
    return page.value_or(Page{});
  }
  int hits() { return static_cast<int>(pages_counted(metrics_, "hit")); }

  FakeClock clock_;
  Metrics metrics_;
  TestDatabase database_{clock_};
  AwayCache cache_{clock_};
  InDoubtStore inner_{*database_.stores().messages};
  CachedMessageStore store_{inner_, cache_, kTail, metrics_};
  std::uint64_t lab_ = 0, offset_ = 0;
};

TEST_F(CachedMessageStoreTest, a_page_is_read_once) {
  store(TestRecords().add_range(lab_, 1, 9));
  EXPECT_EQ(newest().envelopes, test_envelopes(lab_, 5, 9));
  EXPECT_EQ(inner_.pages, 1);
  const auto again = newest();
  EXPECT_EQ(again.envelopes, test_envelopes(lab_, 5, 9));
  EXPECT_EQ(again.through, 9u);
  EXPECT_TRUE(again.more);
  EXPECT_EQ(page({.after = 3, .limit = 2}).envelopes, test_envelopes(lab_, 4, 5));
  EXPECT_EQ(page({.before = 3, .limit = 5}).envelopes, test_envelopes(lab_, 1, 2));
  EXPECT_EQ(inner_.pages, 1);
  EXPECT_EQ(hits(), 3);
}

TEST_F(CachedMessageStoreTest, a_deleted_message_leaves_the_cache_at_once) {
  const auto den = database_.make_room("den").id;
  store(TestRecords().add_range(lab_, 1, 9).add_range(den, 1, 3));
  newest();
  store(TestRecords().remove(lab_, 10, 8).add(den, 4));
  const auto page = newest();
  EXPECT_EQ(page.envelopes[2].find("\"content\":{},\"deleted\":{\"seq\":10,"),
            page.envelopes[2].find("\"content\""));
  EXPECT_EQ(inner_.pages, 2);
  EXPECT_EQ(newest().envelopes, page.envelopes);
  EXPECT_EQ(inner_.pages, 2);
  store(TestRecords().add(lab_, 11));
  EXPECT_EQ(newest(4).envelopes[0], page.envelopes[2]);
  EXPECT_EQ(inner_.pages, 2);
}

TEST_F(CachedMessageStoreTest, what_has_expired_is_in_no_page_and_leaves_the_cache) {
  store(TestRecords().add_range(lab_, 1, 9));
  EXPECT_EQ(newest(9).envelopes, test_envelopes(lab_, 1, 9));
  const RetentionRules rules{.fallback = {.messages = 4}};
  ASSERT_TRUE(database_.stores().retention->expire({.room_id = lab_, .rules = rules}));
  const auto page_now = newest(9);
  EXPECT_EQ(page_now.envelopes, test_envelopes(lab_, 6, 9));
  EXPECT_EQ(page_now.expired, 5u);
  EXPECT_FALSE(page_now.more);
  const auto asked = inner_.pages;
  EXPECT_EQ(page({.after = 2, .limit = 2}).envelopes, test_envelopes(lab_, 6, 7));
  EXPECT_EQ(page({.after = 2, .limit = 9}).expired, 5u);
  EXPECT_EQ(newest(9).envelopes, test_envelopes(lab_, 6, 9));
  EXPECT_EQ(inner_.pages, asked) << "a whole room can come from the cache";
  store_.expired(lab_);
  EXPECT_EQ(newest(9).envelopes, test_envelopes(lab_, 6, 9));
  EXPECT_GT(inner_.pages, asked);
}

TEST_F(CachedMessageStoreTest, what_is_stored_goes_through_to_the_cache) {
  store(TestRecords().add_range(lab_, 1, 9));
  newest();
  store(TestRecords().add_range(lab_, 10, 12));
  const auto page = newest();
  EXPECT_EQ(page.envelopes, test_envelopes(lab_, 8, 12));
  EXPECT_EQ(page.through, 12u);
  EXPECT_EQ(inner_.pages, 1);
}

TEST_F(CachedMessageStoreTest, a_room_nobody_reads_is_not_put_into_the_cache) {
  store(TestRecords().add_range(lab_, 1, 9));
  EXPECT_THAT(*cache_.find({.lease = 1, .room_id = lab_, .epoch = head().epoch}, 9, {1, 9}), IsEmpty());
}

TEST_F(CachedMessageStoreTest, pages_far_back_leave_the_cache_alone) {
  store(TestRecords().add_range(lab_, 1, 100));
  EXPECT_EQ(page({.before = 50, .limit = 5}).envelopes, test_envelopes(lab_, 45, 49));
  EXPECT_EQ(page({.after = 50, .limit = 5}).envelopes, test_envelopes(lab_, 51, 55));
  EXPECT_EQ(newest(40).envelopes, test_envelopes(lab_, 61, 100));
  EXPECT_EQ(cache_.writes, 1) << "the store() alone";
  EXPECT_EQ(pages_counted(metrics_, "bypass"), 3);
}

TEST_F(CachedMessageStoreTest, without_the_callers_look_at_the_room_the_store_answers) {
  store(TestRecords().add_range(lab_, 1, 9));
  newest();
  const auto page = store_.page({.room_id = lab_, .limit = 5});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->envelopes, test_envelopes(lab_, 5, 9));
  EXPECT_EQ(inner_.pages, 2);
}

TEST_F(CachedMessageStoreTest, while_the_cache_is_away_the_store_answers_and_is_not_made_to_read_more) {
  store(TestRecords().add_range(lab_, 1, 9));
  cache_.away = true;
  EXPECT_EQ(newest().envelopes, test_envelopes(lab_, 5, 9));
  EXPECT_EQ(newest().envelopes, test_envelopes(lab_, 5, 9));
  EXPECT_EQ(inner_.pages, 2);
  EXPECT_EQ(cache_.writes, 1) << "the store() alone";
}

TEST_F(CachedMessageStoreTest, a_cache_that_missed_messages_is_not_believed) {
  store(TestRecords().add_range(lab_, 1, 9));
  newest();
  cache_.away = true;
  store(TestRecords().add(lab_, 10));
  cache_.away = false;
  const auto page = newest();
  EXPECT_EQ(page.envelopes, test_envelopes(lab_, 6, 10));
  EXPECT_EQ(page.through, 10u);
  store(TestRecords().add(lab_, 11));
  EXPECT_EQ(newest().envelopes, test_envelopes(lab_, 7, 11));
}

TEST_F(CachedMessageStoreTest, a_store_in_doubt_shows_as_the_database_has_it) {
  store(TestRecords().add_range(lab_, 1, 9));
  newest();
  inner_.in_doubt = true;
  EXPECT_FALSE(store_.store(1, offset_, offset_ + 1, TestRecords().add(lab_, 10).span()));
  inner_.in_doubt = false;
  EXPECT_EQ(newest().envelopes, test_envelopes(lab_, 6, 10));
  store(TestRecords().add(lab_, 10));  // the consumer tries again
  EXPECT_EQ(newest().envelopes, test_envelopes(lab_, 6, 10));
}

TEST_F(CachedMessageStoreTest, what_another_parleyd_stores_is_seen_at_once) {
  store(TestRecords().add_range(lab_, 1, 9));
  newest();
  auto other = database_.open();
  ASSERT_TRUE(other.messages->begin(2, "journal", std::nullopt));
  ASSERT_TRUE(other.messages->store(2, offset_, offset_ + 1, TestRecords().add(lab_, 10).span()));
  EXPECT_EQ(newest().envelopes, test_envelopes(lab_, 6, 10));
  EXPECT_EQ(newest().through, 10u);
}

TEST_F(CachedMessageStoreTest, a_new_lease_begins_cold) {
  store(TestRecords().add_range(lab_, 1, 9));
  newest();
  ASSERT_TRUE(store_.begin(2, "journal", std::nullopt));
  newest();
  EXPECT_EQ(inner_.pages, 2);
  EXPECT_EQ(hits(), 0);
}

TEST_F(CachedMessageStoreTest, before_it_is_the_consumer_the_cache_is_left_alone) {
  CachedMessageStore standby(inner_, cache_, kTail, metrics_);
  store(TestRecords().add_range(lab_, 1, 9));
  cache_.writes = 0;
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(standby.page({.room_id = lab_, .limit = 5, .head = head()})->envelopes,
              test_envelopes(lab_, 5, 9));
  EXPECT_EQ(cache_.writes, 0);
  EXPECT_EQ(inner_.pages, 2);
}

TEST_F(CachedMessageStoreTest, a_refused_begin_leaves_the_cache_alone) {
  store(TestRecords().add_range(lab_, 1, 9));
  newest();
  EXPECT_FALSE(store_.begin(2, "another journal", std::nullopt));
  newest();
  newest();
  EXPECT_EQ(inner_.pages, 3);
}

TEST_F(CachedMessageStoreTest, a_deleted_room_has_no_pages) {
  store(TestRecords().add_range(lab_, 1, 9));
  newest();
  ASSERT_TRUE(database_.stores().rooms->erase(lab_));
  EXPECT_THAT(newest().envelopes, IsEmpty());
}

TEST_F(CachedMessageStoreTest, a_new_epoch_begins_cold) {
  store(TestRecords().add_range(lab_, 1, 9));
  newest();
  ASSERT_TRUE(database_.stores().directory->renew_epochs());
  EXPECT_EQ(newest().envelopes, test_envelopes(lab_, 5, 9));
  EXPECT_EQ(inner_.pages, 2);
}

TEST_F(CachedMessageStoreTest, quarantined_messages_are_in_no_page) {
  store(TestRecords().add_range(lab_, 1, 9));
  newest();
  store(TestRecords().add(lab_, 9, 0, 1).add(lab_, 10));
  EXPECT_EQ(newest().envelopes, test_envelopes(lab_, 5, 9));
  store(TestRecords().add(lab_, 10));  // repeated: it stands in quarantine
  EXPECT_EQ(newest().envelopes, test_envelopes(lab_, 5, 9));
}

TEST_F(CachedMessageStoreTest, a_hole_in_the_numbers_is_no_hole_in_the_page) {
  store(TestRecords().add_range(lab_, 1, 4).add_range(lab_, 8, 9));
  for (int i = 0; i < 3; ++i) {
    const auto page = newest(4);
    auto expected = test_envelopes(lab_, 3, 4);
    for (auto& envelope : test_envelopes(lab_, 8, 9)) expected.push_back(std::move(envelope));
    EXPECT_EQ(page.envelopes, expected);
    EXPECT_TRUE(page.more);
  }
}

}  // namespace
}  // namespace parley::backend
