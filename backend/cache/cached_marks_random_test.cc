// Marks over a cache with faults are those of a store without one, whatever becomes of rooms, members and the lease.
#include <gtest/gtest.h>

#include <random>

#include "backend/cache/cached_mark_store.h"
#include "backend/cache/faulty_cache.h"
#include "backend/cache/make_cache.h"
#include "backend/cache/mark_copying_room_store.h"
#include "base/ids.h"
#include "tests/fakes/memory_stores.h"
#include "tests/fakes/records.h"

namespace parley::backend {
namespace {

using What = MarkOutcome::What;
using wire::Role;

const std::vector<std::string> kUsers{"al", "bo", "cy", "di"}, kRooms{"lab", "hall"};

// One of the two installations that everything happens to.
struct Side {
  explicit Side(const Clock& clock) : stores(open_memory_stores(database, 1'000, clock)) {
    for (const auto& user : kUsers) (void)stores.users->create({.name = user, .title = "", .scram = ""});
    (void)stores.messages->begin(1, "journal", std::nullopt);
    rooms = stores.rooms.get();
    marks = stores.marks.get();
  }
  std::uint64_t id(const std::string& room) { return rooms->find(room)->id; }
  void make(const std::string& room) {
    (void)rooms->create({.name = room, .title = "", .members = {{"al", Role::owner}, {"bo", Role::member}}});
  }
  void say(const std::string& room) {
    const auto last = rooms->find(room)->last_seq, at = stores.messages->position()->offset;
    (void)stores.messages->store(1, at, at + 1, Records().add_range(id(room), last + 1, last + 2).span());
  }

  std::shared_ptr<MemoryDatabase> database = std::make_shared<MemoryDatabase>();
  Stores stores;
  RoomStore* rooms;
  MarkStore* marks;
};

class Run {
 public:
  Run(unsigned seed, const std::string& url) : random_(seed) {
    auto made = make_cache({.url = url, .installation = "marks-" + random_id(12)}, clock_,
                           [](LogLevel, std::string_view) {});
    real_ = std::move(made->cache);
    faulty_ = std::make_unique<FaultyCache>(*real_, seed);
    cached_ = std::make_unique<CachedMarkStore>(*over_.stores.marks, copies_, *faulty_, metrics_);
    over_.rooms = &told_;
    over_.marks = cached_.get();
    for (auto* side : sides_)
      for (const auto& room : kRooms) side->make(room);
    copies_.begin();
  }

  void step() {
    const auto what = random_() % 100;
    if (what < 70)
      raise();
    else if (what < 82)
      say(pick(kRooms));
    else if (what < 94)
      change_member();
    else if (what < 96)
      make_anew(pick(kRooms));
    else
      attach_again();
    compare();
  }
  double hits() { return metrics_.counter("parley_cache_marks_total", "", {{"result", "hit"}}).value(); }

 private:
  const std::string& pick(const std::vector<std::string>& list) { return list[random_() % list.size()]; }

  void raise() {
    std::vector<MarkRaise> raises;
    for (auto n = 1 + random_() % 6; n-- > 0;) {
      auto& one = raises.emplace_back(MarkRaise{.room = pick(kRooms), .user = pick(kUsers)});
      const auto last = bare_.rooms->find(one.room)->last_seq + 2;
      one.to = {.received = last - std::min(last, random_() % 8),
                .read = last - std::min(last, random_() % 12)};
      one.checked = random_() % 8 != 0;
    }
    std::vector<MarkOutcome> outcomes[2];
    for (int i = 0; i < 2; ++i) {
      auto mine = raises;
      for (auto& one : mine)
        if (!one.checked) one.room_id = sides_[i]->id(one.room);
      outcomes[i] = *sides_[i]->marks->raise(mine);
    }
    for (std::size_t i = 0; i < raises.size(); ++i) {
      ASSERT_EQ(outcomes[1][i].what, outcomes[0][i].what);
      ASSERT_LE(outcomes[1][i].now.received, outcomes[0][i].now.received);
      ASSERT_LE(outcomes[1][i].now.read, outcomes[0][i].now.read);
    }
  }
  void say(const std::string& room) {
    for (auto* side : sides_) side->say(room);
  }
  void change_member() {
    const auto room = pick(kRooms), user = pick(kUsers);
    const auto in = random_() % 3 != 0, banned = !in && random_() % 2;
    for (auto* side : sides_)
      (void)side->rooms->change_member({.room_id = side->id(room),
                                        .user = user,
                                        .role = in ? Role::member : Role::none,
                                        .banned = banned});
  }
  void make_anew(const std::string& room) {
    for (auto* side : sides_) {
      (void)side->rooms->erase(side->id(room));
      side->make(room);
    }
    kept_.clear();
  }
  // What may happen while another backend leads, or none: an older database, epochs renewed, receipts heard by others.
  void attach_again() {
    copies_.end();
    if (random_() % 2) raise();
    const auto what = random_() % 4;
    if (what == 0) keep();
    if (what == 1) put_back();
    if (what == 2)
      for (auto* side : sides_) (void)side->stores.directory->renew_epochs();
    copies_.begin();
  }
  void keep() {
    kept_.clear();
    for (auto* side : sides_) kept_.push_back(side->database->standings);
  }
  void put_back() {
    if (kept_.empty()) return;
    for (int i = 0; i < 2; ++i) sides_[i]->database->standings = kept_[static_cast<std::size_t>(i)];
  }

  void compare() {
    for (const auto& room : kRooms)
      for (const auto& user : kUsers) {
        const auto one = bare_.rooms->member(bare_.id(room), user),
                   other = over_.rooms->member(over_.id(room), user);
        ASSERT_EQ(other->role, one->role);
        ASSERT_EQ(other->marks, one->marks) << user << " in " << room;
      }
  }

  std::mt19937 random_;
  SystemClock clock_;
  Metrics metrics_;
  MarkCopies copies_{50};
  Side bare_{clock_}, over_{clock_};
  Side* sides_[2] = {&bare_, &over_};
  MarkCopyingRoomStore told_{*over_.stores.rooms, copies_};
  std::unique_ptr<Cache> real_;
  std::unique_ptr<FaultyCache> faulty_;
  std::unique_ptr<CachedMarkStore> cached_;
  std::vector<decltype(MemoryDatabase::standings)> kept_;
};

void run(const std::string& url, int steps) {
  const char* given = std::getenv("PARLEY_SEED");
  const auto seed = given ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
  SCOPED_TRACE("PARLEY_SEED=" + std::to_string(seed));
  Run run(seed, url);
  for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) run.step();
  EXPECT_GT(run.hits(), steps / 20) << "the cache gave hardly anything: nothing was tested";
}

TEST(CachedMarksRandom, in_process_with_faults_equal_the_stores) {
  run("memory://", 6'000);
}

TEST(CachedMarksRandom, in_redis_with_faults_equal_the_stores) {
  const char* redis = std::getenv("PARLEY_TEST_REDIS");
  if (!redis) GTEST_SKIP() << "PARLEY_TEST_REDIS names no Redis";
  run(redis, 2'000);
}

}  // namespace
}  // namespace parley::backend
