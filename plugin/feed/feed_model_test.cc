#include <gtest/gtest.h>

#include <map>

#include "base/clock.h"
#include "plugin/feed/feed.h"
#include "plugin/journal/journal_testing.h"
#include "wire/feed.h"

// The whole protocol between journal, feed and store under everything that can happen to it: lost, late and repeated batches and
// acknowledgements, either side killed, trimming at any time. The store here is the simplest one that keeps its promises.
namespace parley::plugin {
namespace {

using namespace testing;  // NOLINT: the tests' own

constexpr std::uint64_t kRooms = 3;

// What the backend's database would hold. A copy of it is a snapshot.
struct Store {
  std::string journal;
  Offset offset = 0;
  std::uint64_t generation = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> rows;  // (room, seq) → message

  // One transaction. False: the batch does not follow, or is of an older generation; nothing was changed.
  bool take(const wire::FeedBatch& batch) {
    if (batch.generation != generation || batch.from > offset) return false;
    if (batch.to <= offset) return true;  // had it
    for (const Row& row : rows_of(batch.records)) {
      const auto [at, inserted] = rows.emplace(std::pair(row.room_id, row.seq), row.envelope);
      EXPECT_EQ(at->second, row.envelope) << "two messages have the same number";
    }
    offset = batch.to;
    return true;
  }
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {
    options_ = small_options(&disk_);
    start_broker();
  }

  template <class T>
  typename std::vector<T>::iterator pick(std::vector<T>& list) {
    return list.begin() + static_cast<std::ptrdiff_t>(random_() % list.size());
  }

  // One of the things that can happen, by its number.
  static constexpr int kEvents = 11;
  void happen(int event) {
    switch (event) {
      case 0:
        say();
        break;
      case 1:
        feed_->tick(clock_.steady(), [&](std::string_view p) { return publish(p); });
        break;
      case 2:
        deliver();
        break;
      case 3:
        if (!batches_.empty()) batches_.erase(pick(batches_));
        break;
      case 4:
        if (!acks_.empty()) acknowledge(pick(acks_));
        break;
      case 5:
        if (!acks_.empty()) acks_.erase(pick(acks_));
        break;
      case 6:
        clock_.advance(milliseconds(3000));
        break;
      case 7:
        attach();
        break;
      case 8:
        backend_dies();
        break;
      case 9:
        broker_is_killed();
        break;
      case 10:
        broker_stops();
        break;
    }
    check();
  }
  int random_event() {
    static constexpr int kWeights[kEvents] = {300, 200, 200, 10, 200, 10, 20, 10, 2, 1, 1};
    int at = static_cast<int>(random_() % 954);
    for (int event = 0;; ++event) {
      if ((at -= kWeights[event]) < 0) return event;
    }
  }

  // Nothing bad happens any more: everything said must be stored, once.
  void drain() {
    attach();
    for (int i = 0; i < 100'000 && store_.offset != journal_->end(); ++i) {
      happen(1);
      deliver();
      while (!acks_.empty()) acknowledge(acks_.begin());
      if (batches_.empty()) clock_.advance(milliseconds(3000));
    }
    ASSERT_EQ(store_.rows, said_);
    ASSERT_EQ(store_.offset, journal_->end());
  }
  std::size_t said() const { return said_.size(); }

 private:
  void say() {
    const Row row = next_row(*journal_, 1 + random_() % kRooms,
                             "m" + std::to_string(++messages_) + std::string(random_() % 900, 'x'));
    if (!journal_->is_open_for_messages()) return;
    if (append(*journal_, record_of(row))) said_.emplace(std::pair(row.room_id, row.seq), row.envelope);
  }

  bool publish(std::string_view payload) {
    if (random_() % 50 == 0) return false;
    batches_.emplace_back(payload);
    if (random_() % 20 == 0) batches_.emplace_back(payload);
    return true;
  }

  // Mostly the oldest, as a connection would, sometimes another.
  void deliver() {
    if (batches_.empty()) return;
    const auto which = random_() % 10 == 0 ? pick(batches_) : batches_.begin();
    const std::string payload = *which;
    batches_.erase(which);
    const auto batch = wire::parse_feed_batch(payload);
    ASSERT_TRUE(batch);
    if (attached_ && store_.take(*batch)) acks_.emplace_back(batch->generation, batch->to);
  }

  void acknowledge(std::vector<std::pair<std::uint64_t, Offset>>::iterator which) {
    const auto [generation, offset] = *which;
    acks_.erase(which);
    const Result<> taken = feed_->ack(generation, offset, clock_.steady());
    if (!taken && generation == feed_->generation() && attached_) ADD_FAILURE() << taken.error().message;
  }

  void attach() {
    wire::Attach hello;
    hello.journal = store_.journal;
    hello.offset = store_.offset;
    const auto ok = feed_->attach(hello, "backend", clock_.wall());
    ASSERT_TRUE(ok) << ok.error().message;
    ASSERT_FALSE(ok->renewed) << ok->reason;
    ASSERT_GT(ok->generation, store_.generation);
    store_.journal = ok->journal;
    store_.generation = ok->generation;
    ASSERT_TRUE(feed_->start(ok->generation, store_.offset, clock_.steady()));
    attached_ = true;
  }

  void backend_dies() {
    feed_->detach("backend");
    attached_ = false;
    if (random_() % 2 == 0) batches_.clear();
  }

  void start_broker() {
    auto journal = Journal::open(*dir_, options_);
    ASSERT_TRUE(journal) << journal.error().message;
    journal_ = std::move(*journal);
    feed_ = std::move(
        *Feed::open(*journal_, {.window = 3, .batch_bytes = 1500, .resend_after = milliseconds(5000)}));
    attached_ = false;
  }
  void broker_is_killed() {
    ASSERT_TRUE(journal_->settle(kBound));
    auto after = std::make_unique<TempFolder>();
    after->become(*dir_);
    feed_.reset();
    journal_.reset();
    dir_ = std::move(after);
    start_broker();
  }
  void broker_stops() {
    feed_.reset();
    journal_.reset();
    start_broker();
  }

  // What must hold at all times.
  void check() {
    ASSERT_LE(journal_->start(), store_.offset) << "trimmed before it was stored";
    ASSERT_LE(journal_->acked(), std::max(store_.offset, journal_->start()));
    ASSERT_LE(store_.rows.size(), said_.size());
  }

  std::mt19937_64 random_;
  FakeDisk disk_;
  FakeClock clock_;
  std::unique_ptr<TempFolder> dir_ = std::make_unique<TempFolder>();
  JournalOptions options_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Feed> feed_;
  Store store_;
  bool attached_ = false;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> said_;
  std::uint64_t messages_ = 0;
  std::vector<std::string> batches_;                    // on their way to the backend
  std::vector<std::pair<std::uint64_t, Offset>> acks_;  // and back
};

TEST(FeedModel, whatever_happens_everything_said_is_stored_exactly_once) {
  const std::uint64_t seed = random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (std::uint64_t run = 0; run < 6 && !::testing::Test::HasFatalFailure(); ++run) {
    World world(seed + run);
    world.happen(7);
    for (int i = 0; i < 6000 && !::testing::Test::HasFatalFailure(); ++i) world.happen(world.random_event());
    world.drain();
    EXPECT_GT(world.said(), 500u);
  }
}

// Every order of the few events that matter, up to a depth: say, tick, deliver, lose, acknowledge, time-out, attach.
TEST(FeedModel, every_short_history_keeps_the_promises) {
  static constexpr int kAlphabet[] = {0, 1, 2, 3, 4, 6, 7};
  static constexpr int kDepth = 5;
  World world(1);
  world.happen(7);
  std::array<std::size_t, kDepth> at{};
  for (;;) {
    for (const std::size_t i : at) world.happen(kAlphabet[i]);
    if (::testing::Test::HasFatalFailure()) break;
    std::size_t digit = 0;
    while (digit < kDepth && ++at[digit] == std::size(kAlphabet)) at[digit++] = 0;
    if (digit == kDepth) break;
  }
  world.drain();
}

}  // namespace
}  // namespace parley::plugin
