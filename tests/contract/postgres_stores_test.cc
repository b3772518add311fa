#include "backend/store/postgres_stores.h"

#include <gmock/gmock.h>

#include "backend/store/postgres_schema.h"
#include "tests/contract/postgres_testing.h"
#include "tests/fakes/records.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using PostgresStores = PostgresTest;

TEST_F(PostgresStores, an_empty_database_is_brought_to_the_newest_schema_once) {
  PostgresPool pool(address, {}, clock);
  const auto pending = *pending_postgres_migrations(pool);
  EXPECT_THAT(pending, SizeIs(testing::Gt(1u)));
  EXPECT_EQ(*migrate_postgres(pool), pending);
  EXPECT_THAT(*migrate_postgres(pool), IsEmpty());
  EXPECT_THAT(*pending_postgres_migrations(pool), IsEmpty());
  EXPECT_EQ(database->number("SELECT count(*) FROM directory"), 1);
}

TEST_F(PostgresStores, of_too_many_dead_letters_the_oldest_go) {
  auto stores = open();
  database->run(
      "INSERT INTO notify_dead(at, user_name, provider, target, room_id, seq, mention_seq, reason, notice, "
      "attempts)"
      " SELECT 1000, 'u', 'p', '@p', 0, i, 0, '', '', 1 FROM generate_series(1, 100005) AS i");
  EXPECT_TRUE(*stores.deliveries->sweep(from_ms(0), from_ms(0), 3));
  EXPECT_FALSE(*stores.deliveries->sweep(from_ms(0), from_ms(0), 3));
  EXPECT_EQ(stores.deliveries->dead(0, 1)->at(0).seq, 6u);
  EXPECT_EQ(stores.deliveries->queues()->at(0).dead, kDeadLettersMax);
}

TEST_F(PostgresStores, of_many_that_start_at_once_one_migrates) {
  std::vector<std::jthread> threads;
  std::atomic<std::size_t> done = 0;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      PostgresPool pool(address, {.connections = 1}, clock);
      auto migrated = migrate_postgres(pool);
      EXPECT_TRUE(migrated) << migrated.error().message;
      if (migrated) done += migrated->size();
    });
  }
  threads.clear();
  EXPECT_GT(done, 1u);
  EXPECT_EQ(database->number("SELECT count(*) FROM parley_schema"), static_cast<std::int64_t>(done));
}

TEST_F(PostgresStores, a_migration_that_was_cut_off_begins_anew) {
  proxy->cut_before(kCommit);
  PostgresPool pool(address, {}, clock);
  EXPECT_EQ(error_code(migrate_postgres(pool)), Errc::in_doubt);
  EXPECT_EQ(database->run("SELECT to_regclass('rooms') IS NULL"), "t");
  EXPECT_TRUE(open().users);
}

TEST_F(PostgresStores, a_database_of_a_newer_parleyd_is_left_alone) {
  open();
  database->run("INSERT INTO parley_schema VALUES (99, now())");
  auto stores = open_postgres_stores({.main = address}, {}, clock);
  EXPECT_EQ(error_code(stores), Errc::invalid_argument);
  EXPECT_THAT(stores.error().message, HasSubstr("99"));
}

TEST_F(PostgresStores, a_database_that_is_not_there_is_told_by_name) {
  address.database = "nowhere_at_all";
  auto stores = open_postgres_stores({.main = address}, {}, clock);
  EXPECT_EQ(error_code(stores), Errc::unavailable);
  EXPECT_THAT(stores.error().message, HasSubstr("nowhere_at_all"));
}

// What a client of RoomStore and UserStore sees of a commit whose answer is lost.
TEST_F(PostgresStores, a_change_whose_answer_was_lost_is_found_to_be_made) {
  auto stores = open();
  auto lab = make_room(stores, "lab");
  proxy->cut_after(kCommit);
  auto bob = stores.users->create({.name = "bob", .title = "", .scram = ""});
  ASSERT_TRUE(proxy->has_cut());
  ASSERT_TRUE(bob) << bob.error().message;
  EXPECT_EQ(bob->version, *stores.directory->version());
  proxy->cut_after(kCommit);
  auto joined = stores.rooms->change_member({.room_id = lab, .user = "bob", .role = wire::Role::member});
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->version, bob->version + 1);
  EXPECT_EQ(stores.rooms->get(lab)->members, 2u);
}

TEST_F(PostgresStores, a_change_that_was_lost_is_found_not_to_be_made) {
  auto stores = open();
  make_room(stores, "lab");
  auto version = *stores.directory->version();
  proxy->cut_before(kCommit);
  auto bob = stores.users->create({.name = "bob", .title = "", .scram = ""});
  ASSERT_TRUE(proxy->has_cut());
  EXPECT_EQ(error_code(bob), Errc::unavailable);
  EXPECT_EQ(stores.directory->version(), version);
  EXPECT_EQ(error_code(stores.users->find("bob")), Errc::not_found);
  EXPECT_TRUE(stores.users->create({.name = "bob", .title = "", .scram = ""}));
}

TEST_F(PostgresStores, setting_the_same_again_needs_no_settling) {
  auto stores = open();
  make_room(stores, "lab");
  for (bool before : {true, false}) {
    before ? proxy->cut_before(kCommit) : proxy->cut_after(kCommit);
    auto titled = stores.users->update("alice", {.title = before ? "A" : "B"});
    ASSERT_TRUE(titled) << titled.error().message;
    EXPECT_EQ(titled->version, 0u);
    EXPECT_EQ(stores.users->find("alice")->title, before ? "A" : "B");
  }
}

TEST_F(PostgresStores, a_batch_whose_answer_was_lost_may_be_stored_again) {
  auto stores = open();
  auto lab = make_room(stores, "lab");
  ASSERT_TRUE(stores.messages->begin(1, "j", std::nullopt));
  auto records = Records().add_range(lab, 1, 300);
  proxy->cut_after(kCommit);
  EXPECT_EQ(error_code(stores.messages->store(1, 0, 100, records.span())), Errc::unavailable);
  auto again = stores.messages->store(1, 0, 100, records.span());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->repeated, 300u);
  EXPECT_EQ(stores.messages->message_count(), 300u);
}

TEST_F(PostgresStores, messages_beyond_the_progress_somebody_set_back_are_met_with_care) {
  auto stores = open();
  auto lab = make_room(stores, "lab");
  ASSERT_TRUE(stores.messages->store(1, 0, 100, Records().add_range(lab, 1, 5).span()));
  database->run("UPDATE room_progress SET last_seq = 2");
  auto outcome = stores.messages->store(1, 100, 200, Records().add_range(lab, 4, 7).span());
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->repeated, 2u);
  EXPECT_EQ(outcome->stored, 2u);
  EXPECT_EQ(stores.messages->last_seq(lab), 7u);
}

// Plans are kept by connection until the next ANALYZE.
TEST_F(PostgresStores, plans_from_when_all_was_small_read_no_whole_table_when_it_has_grown) {
  constexpr std::uint64_t kMany = 20'000;
  const std::string tuples_read =
      "SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes) + (SELECT sum(seq_tup_read) FROM "
      "pg_stat_user_tables)";
  auto stores = open({.full_text = false, .pool = {.connections = 1}});
  auto lab = make_room(stores, "lab");
  database->run(
      "DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r' AND "
      "relnamespace ="
      " 'public'::regnamespace LOOP EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', t); END "
      "LOOP; END $$");
  const auto first = Records().add_range(lab, 1, 10);
  auto meet_again = [&] {
    auto outcome = stores.messages->store(1, 0, 10, first.span());
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(stores.messages->page({.room_id = lab, .before = 6})->envelopes.size(), 5u);
    EXPECT_TRUE(stores.users->find("alice"));
  };
  ASSERT_TRUE(stores.messages->store(1, 0, 10, first.span()));
  database->run("ANALYZE");
  for (int i = 0; i < 10; ++i) meet_again();
  ASSERT_TRUE(stores.messages->store(1, 10, 20, Records().add_range(lab, 11, kMany).span()));
  database->run("INSERT INTO room_progress SELECT n, 'other', 0 FROM generate_series(1000000, 1020000) n");
  meet_again();
  stores = {};  // a session's end tells what it has read
  EXPECT_TRUE(eventually([&] { return database->number(tuples_read) > 100; }));
  EXPECT_LT(database->number(tuples_read), kMany / 4);
}

TEST_F(PostgresStores, two_variants_of_a_number_within_a_batch_quarantine_the_room) {
  auto stores = open();
  auto lab = make_room(stores, "lab");
  auto outcome = stores.messages->store(1, 0, 100, Records().add(lab, 1).add(lab, 1, 1).add(lab, 2).span());
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->stored, 1u);
  EXPECT_EQ(outcome->quarantined, 2u);
  EXPECT_TRUE(stores.rooms->get(lab)->quarantined);
}

TEST_F(PostgresStores, messages_of_a_deleted_room_leave_the_disk) {
  auto stores = open();
  auto lab = make_room(stores, "lab");
  ASSERT_TRUE(stores.messages->store(1, 0, 100, Records().add_range(lab, 1, 5000).span()));
  ASSERT_TRUE(stores.rooms->erase(lab));
  EXPECT_TRUE(eventually([&] { return database->number("SELECT state FROM room_progress") == 2; }));
  EXPECT_EQ(database->number("SELECT count(*) FROM messages"), 0);
  EXPECT_EQ(database->number("SELECT count(*) FROM mentions"), 0);
}

TEST_F(PostgresStores, a_purge_that_was_cut_off_goes_on_when_opened) {
  open();
  database->run(
      "INSERT INTO room_progress(room_id, room, state) VALUES (5, 'r', 1);"
      "INSERT INTO messages VALUES (5, 1, gen_random_uuid(), 0, '', '', '', 0, '');"
      "INSERT INTO mentions VALUES (5, 'bob', 1)");
  auto stores = open();
  EXPECT_TRUE(eventually([&] { return database->number("SELECT state FROM room_progress") == 2; }));
  EXPECT_EQ(database->number("SELECT count(*) FROM messages"), 0);
  EXPECT_EQ(database->number("SELECT count(*) FROM mentions"), 0);
}

TEST_F(PostgresStores, pages_come_from_a_replica_that_has_enough_and_only_then) {
  TestDatabase behind;
  auto dead = behind.address();
  dead.ports = std::to_string(TcpProxy(1).port());
  std::uint64_t lab = 0;
  {
    auto stores = open();
    lab = make_room(stores, "lab");
    ASSERT_TRUE(stores.messages->store(1, 0, 100, Records().add_range(lab, 1, 5).span()));
    auto replica = open_postgres_stores({.main = behind.address()}, {}, clock);
    ASSERT_TRUE(replica) << replica.error().message;
    ASSERT_TRUE(replica->messages->store(1, 0, 100, Records().add_range(lab, 1, 3).span()));
  }
  auto through = [&](const PostgresAddress& replica, std::uint64_t last_seq) {
    auto stores = open_postgres_stores({.main = address, .replicas = {replica}}, {}, clock);
    EXPECT_TRUE(stores) << stores.error().message;
    auto page = stores->messages->page({.room_id = lab, .head = RoomHead{.epoch = "", .last_seq = last_seq}});
    return page ? page->through : 0;
  };
  EXPECT_EQ(through(behind.address(), 3), 3u);
  EXPECT_EQ(through(behind.address(), 4), 5u);
  EXPECT_EQ(through(dead, 3), 5u);
}

TEST_F(PostgresStores, a_database_of_another_encoding_is_refused) {
  database->recreate("ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'");
  auto stores = open_postgres_stores({.main = address}, {}, clock);
  EXPECT_EQ(error_code(stores), Errc::invalid_argument);
  EXPECT_THAT(stores.error().message, HasSubstr("UTF8"));
}

TEST_F(PostgresStores, sql_shows_contents_beside_the_envelope_kept_word_for_word) {
  auto stores = open();
  auto lab = make_room(stores, "lab");
  const std::string envelope = R"({ "seq":1,"content":{"text":"a\u00e9b", "n":1.0,"n":2}})";
  wire::Record record{.room_id = lab, .seq = 1, .at_ms = 1'000};
  record.room = "lab", record.from = "alice", record.type = "text", record.envelope = envelope;
  ASSERT_TRUE(stores.messages->store(1, 0, 10, {&record, 1}));
  EXPECT_THAT(stores.messages->page({.room_id = lab})->envelopes, ElementsAre(envelope));
  EXPECT_EQ(database->run("SELECT content FROM message_contents WHERE room = 'lab'"),
            R"({"n": 2, "text": "aéb"})");
}

}  // namespace
}  // namespace parley::backend
