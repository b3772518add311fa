// CachedMessageStore over a cache with faults gives every page the bare store gives.
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "backend/cache/cache_testing.h"
#include "backend/cache/cached_message_store.h"
#include "backend/cache/faulty_cache.h"
#include "backend/cache/make_cache.h"

namespace parley::backend {
namespace {

constexpr TailLimits kTail{.messages = 12, .bytes = 1'500};

class Run {
 public:
  Run(unsigned seed, const std::string& url) : random_(seed) {
    auto made = make_cache(
        {.url = url, .installation = "random-" + random_id(12), .memory_bytes = 6'000, .tail = kTail}, clock_,
        [](LogLevel, std::string_view) {});
    real_ = std::move(made->cache);
    faulty_ = std::make_unique<FaultyCache>(*real_, seed);
    cached_ = std::make_unique<CachedMessageStore>(bare(), *faulty_, kTail, metrics_);
    for (int i = 0; i < 4; ++i) add_room();
    attach();
  }

  void step() {
    const auto what = random_() % 100;
    if (what < 40)
      store(*cached_);
    else if (what < 43)
      another_stores();
    else if (what < 45)
      attach();
    else if (what < 46)
      renew_epochs();
    else if (what < 47)
      delete_room();
    else if (what < 60)
      expire();
    compare();
  }
  double hits() { return pages_counted(metrics_, "hit"); }

 private:
  MessageStore& bare() { return *database_.stores().messages; }
  RoomStore& rooms() { return *database_.stores().rooms; }

  void add_room() { rooms_.push_back(database_.make_room("room" + std::to_string(++names_)).id); }
  void attach() { ASSERT_TRUE(cached_->begin(++generation_, "journal", std::nullopt)); }
  void renew_epochs() {
    ASSERT_TRUE(database_.stores().directory->renew_epochs());
    attach();
    // Numbers go on above whatever either side remembers.
    for (auto& [room, seq] : next_) seq += random_() % 3;
  }
  void delete_room() {
    const auto at = random_() % rooms_.size();
    ASSERT_TRUE(rooms().erase(rooms_[at]));
    gone_.push_back(rooms_[at]);
    rooms_.erase(rooms_.begin() + static_cast<std::ptrdiff_t>(at));
    add_room();
  }
  // Another process may do it: then the cache is not told.
  void expire() {
    const auto room = rooms_[random_() % rooms_.size()];
    const RetentionRules rules{.fallback = {.messages = 1 + random_() % 15}};
    const auto max = static_cast<std::uint32_t>(1 + random_() % 10);
    ASSERT_TRUE(database_.stores().retention->expire({.room_id = room, .rules = rules, .rows_max = max}));
    if (random_() % 2) cached_->expired(room);
  }
  // Another parleyd had its time; this one notices when it attaches again.
  void another_stores() {
    ++generation_;
    auto other = database_.open();
    ASSERT_TRUE(other.messages->begin(generation_, "journal", std::nullopt));
    for (int i = 0; i < 3; ++i) {
      store(*other.messages);
      compare();
    }
    attach();
  }

  void store(MessageStore& store) {
    TestRecords records;
    for (auto n = random_() % 6; n-- > 0;) {
      const auto room = rooms_[random_() % rooms_.size()];
      auto& next = next_[room];
      if (next == 0) next = 1;
      const auto first = random_() % 12 == 0 && next > 1 ? next - 1 : next;  // a repeat
      for (auto seq = first; seq < next; ++seq) records.add(room, seq, sizes_(random_));
      if (next > 1 && random_() % 8 == 0)
        records.remove(room, next, std::max<std::uint64_t>(next, 13) - 1 - random_() % 12);
      else
        records.add(room, next, sizes_(random_));
      ++next;
      if (random_() % 40 == 0) records.add(room, next - 1, 5, 1);  // a conflict: quarantine
    }
    if (!gone_.empty() && random_() % 10 == 0) records.add(gone_.back(), ++late_);
    const auto outcome = store.store(generation_, offset_, offset_ + 10, records.span());
    ASSERT_TRUE(outcome) << outcome.error().message;
    offset_ += 10;
  }

  void compare() {
    for (const auto id : rooms_) {
      const auto room = rooms().get(id);
      ASSERT_TRUE(room);
      PageQuery query{.room_id = id, .limit = 1 + static_cast<std::uint32_t>(random_() % 14)};
      if (random_() % 4 == 0) query.max_bytes = random_() % 600;
      const auto near = room->last_seq + 2 - std::min<std::uint64_t>(room->last_seq + 2, random_() % 16);
      const auto direction = random_() % 3;
      if (direction == 1) query.after = near;
      if (direction == 2) query.before = near;
      query.head = RoomHead{room->epoch, room->last_seq, room->rewritten, room->expired};
      const auto expected = bare().page(query), given = cached_->page(query);
      ASSERT_TRUE(expected && given);
      ASSERT_EQ(given->envelopes, expected->envelopes);
      ASSERT_EQ(given->more, expected->more);
      ASSERT_EQ(given->through, expected->through);
      ASSERT_EQ(given->expired, expected->expired);
    }
  }

  std::mt19937 random_;
  std::uniform_int_distribution<std::size_t> sizes_{0, 150};
  SystemClock clock_;
  Metrics metrics_;
  TestDatabase database_{clock_};
  std::unique_ptr<Cache> real_;
  std::unique_ptr<FaultyCache> faulty_;
  std::unique_ptr<CachedMessageStore> cached_;
  std::vector<std::uint64_t> rooms_, gone_;
  std::map<std::uint64_t, std::uint64_t> next_;
  std::uint64_t names_ = 0, generation_ = 0, offset_ = 0, late_ = 1'000;
};

void run(const std::string& url, int steps) {
  const char* given = std::getenv("PARLEY_SEED");
  const auto seed = given ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
  SCOPED_TRACE("PARLEY_SEED=" + std::to_string(seed));
  std::cout << "PARLEY_SEED=" << seed << std::endl;
  Run run(seed, url);
  for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) run.step();
  EXPECT_GT(run.hits(), steps / 10) << "the cache gave hardly anything: nothing was tested";
  std::cout << run.hits() << " pages of about " << steps * 4 << " came from the cache" << std::endl;
}

TEST(CachedPagesRandom, in_process_with_faults_equal_the_stores) {
  run("memory://", 1'500);
}

TEST(CachedPagesRandom, in_redis_with_faults_equal_the_stores) {
  const char* redis = std::getenv("PARLEY_TEST_REDIS");
  if (!redis) GTEST_SKIP() << "PARLEY_TEST_REDIS names no Redis";
  run(redis, 1'000);
}

}  // namespace
}  // namespace parley::backend
