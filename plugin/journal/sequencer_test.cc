#include "plugin/journal/sequencer.h"

#include <gtest/gtest.h>

#include "plugin/journal/journal_testing.h"
#include "wire/envelope.h"

namespace parley::plugin {
namespace {

using namespace testing;  // NOLINT: the tests' own

class SequencerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    open();
    ASSERT_TRUE(journal->open_for_messages());
  }
  void open() {
    sequencer.reset();
    journal.reset();
    auto opened = Journal::open(dir, options);
    ASSERT_TRUE(opened) << opened.error().message;
    journal = std::move(*opened);
    sequencer = std::make_unique<LocalSequencer>(*journal);
  }
  SequencerResult put(const SequencerEntry& e) { return sequencer->put(e, clock.wall()); }
  std::uint64_t accepted(const SequencerEntry& e) {
    const SequencerResult result = put(e);
    const auto* ok = std::get_if<Accepted>(&result);
    return ok != nullptr ? ok->seq : 0;
  }
  std::uint64_t duplicate(const SequencerEntry& e) {
    const SequencerResult result = put(e);
    const auto* ok = std::get_if<Duplicate>(&result);
    return ok != nullptr ? ok->seq : 0;
  }
  wire::Code refused(const SequencerEntry& e) { return std::get<Refused>(put(e)).code; }

  static SequencerEntry entry(std::string_view ref = "") {
    SequencerEntry e;
    e.room = {7, "lab", "k3x97q2m", 0};
    e.user = "alice";
    e.device = "alice-phone";
    e.role = "member";
    e.type = "text";
    e.ref = ref;
    e.content = R"({"text":"hi"})";
    return e;
  }

  TempFolder dir;
  FakeDisk disk;
  FakeClock clock;
  JournalOptions options = small_options(&disk);
  std::unique_ptr<Journal> journal;
  std::unique_ptr<LocalSequencer> sequencer;
};

TEST_F(SequencerTest, numbers_begin_at_one_and_have_no_holes) {
  for (std::uint64_t seq = 1; seq <= 5; ++seq) EXPECT_EQ(accepted(entry()), seq);
  EXPECT_EQ(sequencer->last_seq(7), 5u);
  EXPECT_EQ(sequencer->last_seq(8), 0u);
}

TEST_F(SequencerTest, the_envelope_is_the_record_s_and_says_who_where_and_when) {
  const SequencerResult result = put(entry("a1"));
  const Accepted& ok = std::get<Accepted>(result);
  EXPECT_EQ(ok.offset, journal->end());
  const auto envelope = wire::parse_envelope(ok.envelope);
  ASSERT_TRUE(envelope) << envelope.error().message;
  EXPECT_EQ(envelope->seq, 1u);
  EXPECT_EQ(envelope->epoch, "k3x97q2m");
  EXPECT_EQ(envelope->room, "lab");
  EXPECT_EQ(envelope->from, "alice");
  EXPECT_EQ(envelope->role, "member");
  EXPECT_EQ(envelope->device, "alice-phone");
  EXPECT_EQ(envelope->at, to_ms(clock.wall()));
  EXPECT_EQ(envelope->ref, "a1");
  EXPECT_FALSE(envelope->imported);
  EXPECT_EQ(envelope->sent_at, 0);
  std::size_t size = 0;
  const auto run = journal->read(0, 4096);
  const auto record = wire::read_record(run->bytes, size);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->envelope, ok.envelope);
  EXPECT_EQ(record->room_id, 7u);
  EXPECT_EQ(record->id, envelope->id);
  EXPECT_EQ(record->flags, 0);
}

TEST_F(SequencerTest, a_repeated_ref_is_one_message_also_after_a_restart) {
  EXPECT_EQ(accepted(entry("a1")), 1u);
  EXPECT_EQ(accepted(entry()), 2u);
  EXPECT_EQ(duplicate(entry("a1")), 1u);
  open();
  EXPECT_EQ(duplicate(entry("a1")), 1u);
  SequencerEntry other = entry("a1");
  other.content = R"({"text":"something else"})";
  EXPECT_EQ(duplicate(other), 1u) << "the first one wins whatever a repeat contains";
  EXPECT_EQ(accepted(entry()), 3u);
  clock.advance(std::chrono::hours(24));
  EXPECT_EQ(accepted(entry("a1")), 4u) << "after ref_window";
}

TEST_F(SequencerTest, refs_of_others_other_rooms_and_the_backend_are_apart) {
  EXPECT_EQ(accepted(entry("a1")), 1u);
  SequencerEntry bob = entry("a1");
  bob.user = "bob";
  EXPECT_EQ(accepted(bob), 2u);
  SequencerEntry elsewhere = entry("a1");
  elsewhere.room.id = 8;
  EXPECT_EQ(accepted(elsewhere), 1u);
  SequencerEntry backend = entry("a1");
  backend.by_backend = true;
  EXPECT_EQ(accepted(backend), 3u);
  EXPECT_EQ(duplicate(backend), 3u);
}

TEST_F(SequencerTest, imported_entries_carry_their_own_time) {
  SequencerEntry e = entry("irc:1");
  e.device = "";
  e.by_backend = e.imported = true;
  e.sent_at = 1'149'498'000'000;
  const SequencerResult result = put(e);
  const Accepted& ok = std::get<Accepted>(result);
  EXPECT_TRUE(ok.imported);
  const auto envelope = wire::parse_envelope(ok.envelope);
  ASSERT_TRUE(envelope);
  EXPECT_TRUE(envelope->imported);
  EXPECT_EQ(envelope->sent_at, 1'149'498'000'000);
  EXPECT_EQ(envelope->device, "");
  std::size_t size = 0;
  EXPECT_EQ(wire::read_record(journal->read(0, 4096)->bytes, size)->flags,
            wire::kRecordImported | wire::kRecordAppended);
  e.ref = "irc:2";
  e.sent_at = 0;
  EXPECT_EQ(wire::parse_envelope(std::get<Accepted>(put(e)).envelope)->sent_at, to_ms(clock.wall()));
}

TEST_F(SequencerTest, a_room_continues_above_its_floor) {
  SequencerEntry e = entry();
  e.room.floor = 100;
  EXPECT_EQ(accepted(e), 101u);
  e.room.floor = 50;
  EXPECT_EQ(accepted(e), 102u);
  sequencer->raise_floor(7, 200);
  EXPECT_EQ(accepted(e), 203u - 2);
  sequencer->raise_floor(7, 10);
  EXPECT_EQ(accepted(e), 202u);
}

TEST_F(SequencerTest, a_refused_message_takes_neither_number_nor_ref) {
  options.max_bytes = 700;
  open();
  EXPECT_EQ(accepted(entry()), 1u);
  EXPECT_EQ(accepted(entry()), 2u);
  EXPECT_EQ(refused(entry("a1")), wire::Code::backlog_full);
  EXPECT_EQ(sequencer->last_seq(7), 2u);
  journal->trim(journal->end());
  EXPECT_EQ(accepted(entry("a1")), 3u);
  EXPECT_EQ(duplicate(entry("a1")), 3u);
}

TEST_F(SequencerTest, a_full_disk_and_a_giant_message_are_told_apart) {
  SequencerEntry giant = entry();
  const std::string content = R"({"text":")" + std::string(5000, 'x') + R"("})";
  giant.content = content;
  EXPECT_EQ(refused(giant), wire::Code::too_large);
  disk.full = true;
  SequencerResult result = put(entry());
  while (std::holds_alternative<Accepted>(result)) result = put(entry());
  const Refused& full = std::get<Refused>(result);
  EXPECT_EQ(full.code, wire::Code::unavailable);
  EXPECT_NE(full.reason.find("disk"), std::string::npos);
  disk.full = false;
}

TEST_F(SequencerTest, a_journal_with_a_new_id_takes_nothing_before_it_is_opened) {
  ASSERT_TRUE(journal->renew());
  EXPECT_TRUE(sequencer->closed());
  EXPECT_EQ(refused(entry()), wire::Code::unavailable);
  ASSERT_TRUE(journal->open_for_messages());
  EXPECT_EQ(accepted(entry()), 1u);
}

TEST_F(SequencerTest, entries_that_no_record_can_hold_are_our_bug_and_refused) {
  SequencerEntry e = entry();
  e.room.id = 0;
  EXPECT_EQ(refused(e), wire::Code::internal);
  e = entry();
  const std::string long_name(256, 'x');
  e.user = long_name;
  EXPECT_EQ(refused(e), wire::Code::internal);
}

}  // namespace
}  // namespace parley::plugin
