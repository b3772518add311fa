#include "backend/move/store_move.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "backend/store/postgres_stores.h"
#include "backend/store/sqlite_stores.h"
#include "base/ids.h"
#include "tests/fakes/records.h"
#include "tests/fakes/test_database.h"

namespace parley::backend {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kMessages = 5000;  // of the larger room: three chunks

class StoreMove : public testing::Test {
 protected:
  void SetUp() override {
    if (auto why = TestDatabase::why_not(); !why.empty()) GTEST_SKIP() << why;
    database_ = std::make_unique<TestDatabase>();
    path_ = std::filesystem::path(testing::TempDir()) / ("move-" + random_id(8) + ".db");
    fill();
  }
  void TearDown() override {
    old_ = {};
    for (const char* tail : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(path_.string() + tail);
  }

  const std::vector<DeviceSeen> there_{{.user = "alice",
                                        .device = "pad",
                                        .token = std::string(26, '1'),
                                        .at = from_ms(17),
                                        .connected = true}};
  const std::vector<PresenceRow> seen_{
      {.user = "alice", .status = PresenceStatus::away, .last_seen = from_ms(17)}};

  // Something of everything.
  void fill() {
    old_ = open_sqlite();
    EXPECT_TRUE(
        old_.users->create({.name = "alice", .title = "Alice Ä.", .admin = true, .scram = "verifier"}));
    EXPECT_TRUE(old_.users->create({.name = "Bob", .title = "", .scram = ""}));
    EXPECT_TRUE(old_.users->create({.name = "Carol", .title = "", .scram = ""}));
    EXPECT_TRUE(old_.users->update(
        "Bob", {.disabled = true, .act = Act{.actor = "alice", .device = "desk", .action = "user.disable"}}));
    EXPECT_TRUE(old_.presence->put(seen_));
    EXPECT_TRUE(old_.presence->set_invisible("Bob", true));
    EXPECT_TRUE(old_.devices->seen(there_));
    EXPECT_TRUE(old_.users->create_token({.id = std::string(26, '1'),
                                          .user = "alice",
                                          .label = "phone",
                                          .sha256 = std::string("\0\1\2\377", 4) + std::string(28, 'x'),
                                          .expires_at = from_ms(4'000'000'000'000)}));
    lab_ = make_room("Lab");
    fill_notifications();
    den_ = make_room("den");
    gone_ = make_room("gone");
    EXPECT_TRUE(old_.rooms->update(lab_, {.title = "The lab", .is_public = true}));
    EXPECT_TRUE(old_.rooms->change_member({.room_id = den_, .user = "Bob", .banned = true}));
    EXPECT_TRUE(old_.rooms->update(lab_, {.slow_s = 30}));
    EXPECT_TRUE(old_.rooms->change_member(
        {.room_id = lab_, .user = "Bob", .role = wire::Role::reader, .muted_until = kForever}));
    EXPECT_TRUE(old_.admissions->invite({.room_id = lab_,
                                         .user = "Carol",
                                         .role = wire::Role::moderator,
                                         .by = "alice",
                                         .expires_at = clock_.wall() + std::chrono::hours(1)}));
    EXPECT_TRUE(old_.admissions->create_link({.id = "link1",
                                              .room_id = lab_,
                                              .by = "alice",
                                              .sha256 = std::string("\0\1\377", 3) + std::string(29, 'y'),
                                              .uses = 2}));
    EXPECT_TRUE(old_.admissions->create_link(
        {.id = "link2", .room_id = lab_, .by = "alice", .sha256 = std::string(32, 'z')}));
    EXPECT_TRUE(old_.messages->begin(7, "journal1", 100));
    Records records;
    records.add_range(lab_, 1, kMessages)
        .add_range(den_, 1, 3)
        .add_range(gone_, 1, 3)
        .add_range(orphan_, 1, 2);
    store(records);
    store(Records().add(den_, 3, 1));  // another message under a number that is taken
    EXPECT_TRUE(old_.rooms->erase(gone_));
  }
  // One job in each state, a letter, and what is wished.
  void fill_notifications() {
    EXPECT_TRUE(old_.push->set_quiet_hours("alice", quiet_));
    EXPECT_TRUE(old_.push->set_room("alice", lab_, {NotifyLevel::mentions, kForever}));
    EXPECT_TRUE(old_.push->set_blocked("alice", "Bob", true));
    auto put = old_.push->put(
        {.user = "alice", .device = "pad", .provider = "apns", .address = "adr", .keys = "{}"});
    phone_ = put ? put->id : "";
    EXPECT_TRUE(old_.notify->set_cursor(lab_, 17));
    const auto now = clock_.wall();
    std::vector<NotifyMark> marks;
    for (std::uint64_t seq = 1; seq <= 5; ++seq)
      marks.push_back({.user = "alice",
                       .target = seq == 5 ? phone_ : "@h" + std::to_string(seq),
                       .provider = "hook",
                       .room_id = lab_,
                       .seq = seq,
                       .due = now + std::chrono::milliseconds(seq)});
    EXPECT_TRUE(old_.notify->mark(marks, now));
    std::vector<NotifyVerdict> verdicts;
    for (const auto& job :
         old_.notify->due(now + std::chrono::milliseconds(4), 10).value_or(std::vector<NotifyJob>{}))
      verdicts.push_back({.job = job.id, .what = NotifyVerdict::What::ready, .want_seq = job.want_seq});
    EXPECT_TRUE(old_.notify->judge(verdicts, now));
    auto jobs = old_.deliveries->claim("hook", "me", 3, now, now);
    ASSERT_TRUE(jobs);
    EXPECT_EQ(jobs->size(), 3u);
    EXPECT_EQ(
        old_.deliveries->finish(
            "me",
            std::vector<NotifyResult>{
                {.job = jobs->at(0).id, .what = NotifyResult::What::sent, .outcome = "sent", .shown_seq = 1},
                {.job = jobs->at(1).id, .what = NotifyResult::What::dead, .outcome = "dead", .reason = "no"}},
            now),
        2u);
  }
  std::uint64_t make_room(const std::string& name) {
    auto room = old_.rooms->create(
        {.name = name, .title = "", .members = {{"alice", wire::Role::owner}, {"Bob", wire::Role::reader}}});
    EXPECT_TRUE(room) << room.error().message;
    return room ? room->value.id : 0;
  }
  void store(const Records& records) {
    auto stored = old_.messages->store(7, offset_, offset_ + 1000, records.span());
    EXPECT_TRUE(stored) << stored.error().message;
    offset_ += 1000;
  }

  Stores open_sqlite() {
    auto stores = open_sqlite_stores(path_, {}, clock_);
    EXPECT_TRUE(stores) << stores.error().message;
    return *std::move(stores);
  }
  Stores open_postgres() {
    auto stores = open_postgres_stores({.main = database_->address()}, {}, clock_);
    EXPECT_TRUE(stores) << stores.error().message;
    return *std::move(stores);
  }
  Result<Moved> move(const std::function<bool(const MoveProgress&)>& tell = [](const MoveProgress&) {
    return true;
  }) {
    return move_store(path_, database_->address(), clock_, tell);
  }

  void expect_notifications(Stores& now) {
    EXPECT_EQ(now.push->quiet_hours("alice"), quiet_);
    EXPECT_EQ(now.push->room("alice", lab_), (RoomNotify{NotifyLevel::mentions, kForever}));
    EXPECT_THAT(*now.push->blocked("alice"), testing::ElementsAre("Bob"));
    EXPECT_EQ(now.push->get(phone_)->value().address, "adr");
    EXPECT_EQ(now.notify->cursors(std::vector{lab_})->at(0), 17u);
    const auto then = clock_.wall() + std::chrono::hours(1);
    EXPECT_EQ(now.notify->due(then, 10)->at(0).target, phone_);
    const auto queue = now.deliveries->queues()->at(0);
    EXPECT_EQ(std::vector({queue.waiting, queue.ready, queue.sending, queue.shown, queue.dead}),
              std::vector<std::uint64_t>({1, 1, 1, 1, 1}));
    const auto letter = now.deliveries->dead(0, 10)->at(0);
    EXPECT_EQ(letter.room, "Lab");
    EXPECT_EQ(letter.notice, old_.deliveries->dead(0, 10)->at(0).notice);
    const auto log = now.deliveries->log({}), old_log = old_.deliveries->log({});
    ASSERT_EQ(log->size(), 2u);
    for (const int n : {0, 1}) {
      EXPECT_EQ(log->at(n).id, old_log->at(n).id);
      EXPECT_EQ(log->at(n).outcome, old_log->at(n).outcome);
    }
    // What comes next gets numbers of its own.
    const auto claimed = now.deliveries->claim("hook", "me", 10, then, then);
    ASSERT_EQ(claimed->size(), 2u);
    EXPECT_EQ(*now.deliveries->finish(
                  "me",
                  std::vector{NotifyResult{
                      .job = claimed->at(0).id, .what = NotifyResult::What::dead, .outcome = "dead"}},
                  then),
              1u);
    EXPECT_EQ(now.deliveries->log({})->size(), 3u);
    EXPECT_EQ(now.deliveries->retry_dead({}, then), 2u);
  }
  static std::vector<std::string> envelopes(Stores& stores, std::uint64_t room) {
    std::vector<std::string> all;
    for (;;) {
      auto page = stores.messages->page({.room_id = room, .after = all.size(), .limit = 500});
      EXPECT_TRUE(page) << page.error().message;
      if (!page || page->envelopes.empty()) return all;
      all.insert(all.end(), page->envelopes.begin(), page->envelopes.end());
    }
  }
  // In no order: each kind of store has its own.
  static std::multiset<std::string> directory(Stores& stores) {
    std::multiset<std::string> all;
    auto version =
        stores.directory->snapshot(100, [&](std::vector<wire::DirectoryChange> changes) -> Result<> {
          for (const auto& change : changes) {
            std::string bytes;
            wire::append_change(bytes, change);
            all.insert(bytes);
          }
          return {};
        });
    EXPECT_TRUE(version) << version.error().message;
    all.insert(std::to_string(version.value_or(0)) + *stores.directory->directory_id());
    return all;
  }

  SystemClock clock_;
  std::unique_ptr<TestDatabase> database_;
  std::filesystem::path path_;
  Stores old_;
  const QuietHours quiet_{1320, 420, "Europe/Berlin"};
  std::string phone_;
  std::uint64_t lab_ = 0, den_ = 0, gone_ = 0, orphan_ = 4711, offset_ = 100;
};

TEST_F(StoreMove, everything_is_there_afterwards_and_the_old_store_is_sealed) {
  const auto old_directory = directory(old_);
  const auto old_lab = envelopes(old_, lab_);
  const auto pending = old_.directory->unconfirmed_entries(100);
  auto moved = move();
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_EQ(moved->users, 3u);
  EXPECT_EQ(moved->messages, kMessages + 3 + 2);
  EXPECT_EQ(moved->copied, moved->messages);

  auto now = open_postgres();
  EXPECT_EQ(directory(now), old_directory);
  ASSERT_EQ(old_lab.size(), kMessages);
  EXPECT_EQ(envelopes(now, lab_), old_lab);
  EXPECT_EQ(envelopes(now, den_), envelopes(old_, den_));
  EXPECT_EQ(now.directory->unconfirmed_entries(100)->size(), pending->size());
  EXPECT_EQ(now.directory->steps_after(0, 1000)->size(), old_.directory->steps_after(0, 1000)->size());
  auto position = *now.messages->position();
  EXPECT_EQ(position.journal, "journal1");
  EXPECT_EQ(position.offset, offset_);
  EXPECT_EQ(position.generation, 7u);
  auto lab = *now.rooms->find("Lab");
  EXPECT_EQ(lab.title, "The lab");
  EXPECT_TRUE(lab.is_public);
  EXPECT_EQ(lab.last_seq, kMessages);
  EXPECT_EQ(lab.members, 2u);
  EXPECT_TRUE(now.rooms->get(den_)->quarantined);
  EXPECT_TRUE(now.rooms->member(den_, "Bob")->banned);
  EXPECT_EQ(now.rooms->find("gone").error().code, Errc::not_found);
  EXPECT_EQ(lab.slow_s, 30u);
  EXPECT_EQ(now.rooms->member(lab_, "Bob")->muted_until, kForever);
  EXPECT_EQ(now.admissions->invitation(lab_, "Carol")->role, wire::Role::moderator);
  EXPECT_EQ(now.admissions->find_link(std::string("\0\1\377", 3) + std::string(29, 'y'))->uses_left, 2u);
  EXPECT_EQ(now.admissions->find_link(std::string(32, 'z'))->uses_left, std::nullopt);
  EXPECT_EQ(
      now.rooms
          ->list({.which = RoomQuery::Which::all_public, .user = "alice", .after = "", .text = "THE LAB"})
          ->size(),
      1u);
  auto acts = *now.audit->list({});
  ASSERT_EQ(acts.size(), 1u);
  EXPECT_EQ(acts[0].act.device, "desk");
  EXPECT_TRUE(now.audit->record({.actor = "alice", .action = "later"}));
  EXPECT_GT(now.audit->list({})->front().id, acts[0].id);
  EXPECT_EQ(now.users->find("alice")->scram, "verifier");
  EXPECT_EQ(now.users->find("alice")->title, "Alice Ä.");
  EXPECT_EQ(now.users->tokens("alice")->at(0).label, "phone");
  const std::vector<std::string> both{"alice", "Bob"};
  EXPECT_THAT(*now.presence->get(both), testing::UnorderedElementsAreArray(*old_.presence->get(both)));
  EXPECT_TRUE(now.presence->get(std::span(both).last(1))->at(0).invisible);
  EXPECT_FALSE(old_.presence->put(seen_));
  EXPECT_EQ(now.devices->list("alice")->at(0).device, "pad");
  expect_notifications(now);
  EXPECT_EQ(now.devices->forget("alice", "pad")->value.size(), 1u);
  EXPECT_FALSE(old_.devices->seen(there_));
  EXPECT_EQ(database_->number("SELECT count(*) FROM quarantine"), 1);

  EXPECT_FALSE(old_.users->create({.name = "late", .title = "", .scram = ""}));
  EXPECT_FALSE(old_.messages->store(7, offset_, offset_ + 1, Records().add(lab_, kMessages + 1).span()));
  EXPECT_EQ(envelopes(old_, lab_), old_lab);
  auto again = open_sqlite_stores(path_, {}, clock_);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("was moved to postgresql://"));
  EXPECT_EQ(move().error().code, Errc::invalid_argument);
}

TEST_F(StoreMove, the_new_store_goes_on_where_the_old_one_stopped) {
  ASSERT_TRUE(move());
  auto now = open_postgres();
  ASSERT_TRUE(now.messages->begin(8, "journal1", std::nullopt));
  auto stored = now.messages->store(
      8, offset_, offset_ + 10, Records().add(lab_, kMessages).add(lab_, kMessages + 1).add(gone_, 4).span());
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->repeated, 1u);
  EXPECT_EQ(stored->stored, 1u);
  EXPECT_EQ(stored->dropped, 1u);
  EXPECT_TRUE(now.users->create({.name = "dora", .title = "", .scram = ""}));
}

TEST_F(StoreMove, one_that_was_stopped_goes_on_and_leaves_the_old_store_as_it_was) {
  auto stopped = move([](const MoveProgress& now) { return now.done < 2000; });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::unavailable);
  EXPECT_TRUE(old_.users->create({.name = "dora", .title = "", .scram = ""}));
  store(Records().add_range(lab_, kMessages + 1, kMessages + 5));
  auto moved = move();
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_LT(moved->copied, moved->messages);
  EXPECT_EQ(moved->users, 4u);
  auto now = open_postgres();
  EXPECT_EQ(envelopes(now, lab_), envelopes(old_, lab_));
  EXPECT_EQ(envelopes(now, lab_).size(), kMessages + 5);
}

TEST_F(StoreMove, what_is_stored_meanwhile_comes_along) {
  std::uint64_t next = kMessages + 1;
  auto moved = move([&](const MoveProgress& now) {
    if (now.what != std::string_view("finishing") && next < kMessages + 300) {
      store(Records().add_range(lab_, next, next + 9));
      next += 10;
      EXPECT_TRUE(old_.users->create({.name = "u" + std::to_string(next), .title = "", .scram = ""}));
    }
    return true;
  });
  ASSERT_TRUE(moved) << moved.error().message;
  ASSERT_GT(next, kMessages + 20);
  auto now = open_postgres();
  EXPECT_EQ(envelopes(now, lab_).size(), next - 1);
  EXPECT_EQ(envelopes(now, lab_), envelopes(old_, lab_));
  EXPECT_EQ(directory(now), directory(old_));
}

TEST_F(StoreMove, what_is_deleted_meanwhile_is_gone_from_the_copy_too) {
  store(Records()
            .say(lab_, {.seq = kMessages + 1, .content = R"({"text":"secret @bob"})"})
            .say(lab_, {.seq = kMessages + 2, .content = R"({"text":"an answer","thread":1})"})
            .say(lab_, {.seq = kMessages + 3,
                        .type = "reaction",
                        .content = R"({"type":"reaction","target":5,"key":"+1"})"}));
  bool told = false;
  auto moved = move([&](const MoveProgress& now) {
    if (!told && now.what == std::string_view("checking")) {
      told = true;
      store(Records()
                .say(lab_,
                     {.seq = kMessages + 4,
                      .type = "delete",
                      .content = "{\"type\":\"delete\",\"target\":" + std::to_string(kMessages + 1) + "}"})
                .say(lab_,
                     {.seq = kMessages + 5, .type = "delete", .content = R"({"type":"delete","target":2})"}));
    }
    return true;
  });
  ASSERT_TRUE(moved) << moved.error().message;
  ASSERT_TRUE(told);
  auto now = open_postgres();
  EXPECT_EQ(envelopes(now, lab_), envelopes(old_, lab_));
  EXPECT_THAT(envelopes(now, lab_)[kMessages], testing::Not(HasSubstr("secret")));
  EXPECT_EQ(now.rooms->get(lab_)->counted, old_.rooms->get(lab_)->counted);
  EXPECT_EQ(now.rooms->get(lab_)->rewritten, kMessages + 5);
  EXPECT_EQ(database_->number("SELECT count(*) FROM reactions"), 1);
  EXPECT_EQ(database_->number("SELECT count(*) FROM threads"), 1);
  EXPECT_EQ(database_->number("SELECT count(*) FROM mentions"), 0);
}

TEST_F(StoreMove, what_expires_meanwhile_is_gone_from_the_copy_too) {
  EXPECT_TRUE(old_.rooms->update(lab_, {.retain = Retention{.messages = 2000}}));
  EXPECT_TRUE(old_.rooms->update(den_, {.retain = Retention{.seconds = 1}}));
  EXPECT_TRUE(old_.retention->hold(orphan_, true, {}).error().code == Errc::not_found);
  const auto expire = [&](std::uint64_t room, std::uint32_t rows) {
    auto done = old_.retention->expire(
        {.room_id = room, .now = clock_.wall() + std::chrono::hours(100'000), .rows_max = rows});
    EXPECT_TRUE(done) << done.error().message;
  };
  expire(lab_, 100);
  std::set<std::string> seen;
  auto moved = move([&](const MoveProgress& now) {
    if (now.what == std::string_view("finishing")) return true;  // nobody else writes then
    if (seen.insert(std::string(now.what)).second) expire(lab_, 700);
    if (now.what == std::string_view("checking")) expire(den_, 10);
    return true;
  });
  ASSERT_TRUE(moved) << moved.error().message;
  ASSERT_TRUE(seen.contains("checking"));
  auto now = open_postgres();
  for (const auto room : {lab_, den_}) {
    const auto is = *now.rooms->get(room), was = *old_.rooms->get(room);
    EXPECT_GT(is.expired, 0u);
    EXPECT_EQ(is.expired, was.expired);
    EXPECT_EQ(is.retain, was.retain);
    EXPECT_EQ(is.last_message, was.last_message);
    const PageQuery all{.room_id = room, .after = 0, .limit = 10'000, .max_bytes = 1 << 24};
    EXPECT_EQ(now.messages->page(all)->envelopes, old_.messages->page(all)->envelopes);
    EXPECT_EQ(now.messages->page(all)->expired, is.expired);
  }
  EXPECT_EQ(now.messages->message_count(), old_.messages->message_count());
}

TEST_F(StoreMove, what_is_held_stays_held) {
  store(Records().say(lab_, {.seq = kMessages + 1, .content = R"({"text":"secret"})"}));
  ASSERT_TRUE(old_.retention->hold(lab_, true, {}));
  store(Records().say(lab_,
                      {.seq = kMessages + 2,
                       .type = "delete",
                       .content = "{\"type\":\"delete\",\"target\":" + std::to_string(kMessages + 1) + "}"}));
  auto moved = move();
  ASSERT_TRUE(moved) << moved.error().message;
  auto now = open_postgres();
  EXPECT_TRUE(now.rooms->get(lab_)->held);
  EXPECT_FALSE(now.rooms->get(den_)->held);
  EXPECT_EQ(now.retention->kept_aside(lab_, 0, 10)->envelopes,
            old_.retention->kept_aside(lab_, 0, 10)->envelopes);
  EXPECT_EQ(now.retention->kept_aside(lab_, 0, 10)->envelopes.size(), 1u);
  EXPECT_EQ(now.retention->expire({.room_id = lab_, .rules = {.ceiling = {.messages = 1}}})->rows, 0u);
}

TEST_F(StoreMove, a_copy_that_differs_is_found_before_anything_is_sealed) {
  ASSERT_FALSE(move([](const MoveProgress& now) { return now.what == std::string_view("copying"); }));
  database_->run(
      "UPDATE messages SET envelope = replace(envelope, '\"seq\":1234', '\"seq\":4321') WHERE seq = 1234");
  auto moved = move();
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, Errc::corrupt);
  EXPECT_THAT(moved.error().message, HasSubstr("Lab"));
  EXPECT_TRUE(old_.users->create({.name = "dora", .title = "", .scram = ""}));
}

TEST_F(StoreMove, another_installations_database_is_left_alone) {
  ASSERT_TRUE(open_postgres().users->create({.name = "zoe", .title = "", .scram = ""}));
  auto moved = move();
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, Errc::invalid_argument);
  EXPECT_TRUE(open_postgres().users->find("zoe"));
}

}  // namespace
}  // namespace parley::backend
