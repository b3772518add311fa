#include "tests/contract/notify_contract.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using State = NotifyJob::State;
using Verdict = NotifyVerdict::What;

class NotifyStoreContract : public NotifyContract {
 protected:
  std::vector<std::string> names(const CandidateQuery& query) {
    std::vector<std::string> out;
    for (const auto& one : ok(notify().candidates(query))) out.push_back(one.user);
    return out;
  }
  std::uint32_t touch(std::vector<std::uint64_t> seqs) { return ok(notify().touch(lab_, seqs, now())); }
  std::vector<std::string> outcomes() {
    std::vector<std::string> out;
    for (const auto& row : ok(deliveries().log({})))
      out.push_back(row.outcome + " " + row.reason + " " + std::to_string(row.seq));
    return out;
  }
};

TEST_P(NotifyStoreContract, a_cursor_is_where_it_was_set) {
  const auto den = add_room("den", "alice").id;
  EXPECT_THAT(ok(notify().cursors(std::vector{lab_, den})), ElementsAre(0u, 0u));
  ok(notify().set_cursor(den, 9));
  ok(notify().set_cursor(den, 7));
  ok(notify().set_cursor(lab_ + 1, 5));
  reopen();
  EXPECT_THAT(ok(notify().cursors(std::vector{den, lab_, lab_ + 1, den})), ElementsAre(7u, 0u, 0u, 7u));
  EXPECT_THAT(ok(notify().cursors({})), IsEmpty());
  ok(rooms().erase(den, std::nullopt));
  EXPECT_THAT(ok(notify().cursors(std::vector{den})), ElementsAre(0u));
}

// Its numbers mean other messages from now on.
TEST_P(NotifyStoreContract, with_new_epochs_a_room_forgets_what_was_told_of_messages_it_has_no_more) {
  ok(notify().set_cursor(lab_, 1'000));
  show_bob(20);
  auto digest = to("carl", 5);
  digest.room_id = 0;
  mark({digest, to("carl", 30)});
  ok(directory().renew_epochs());
  EXPECT_THAT(ok(notify().cursors(std::vector{lab_})), ElementsAre(0u));
  EXPECT_EQ(the_waiting().room_id, 0u);
  mark_bob(1);
  EXPECT_EQ(waiting().size(), 2u);
}

TEST_P(NotifyStoreContract, a_clock_that_is_set_back_makes_nobody_wait_for_the_old_time) {
  show_bob(1, 30'000);
  clock_.step_wall(-std::chrono::hours(2));
  mark_bob(2, 5'000);
  EXPECT_EQ(the_waiting().due, in(5'000));
}

TEST_P(NotifyStoreContract, a_candidate_comes_with_all_that_decides) {
  const auto phone = reach("bob", "phone"), mail = reach("bob", "mail", "", "email");
  ok(push().set_room("bob", lab_, {NotifyLevel::mentions, in(5'000)}));
  ok(push().set_quiet_hours("bob", {60, 120, "Europe/Berlin"}));
  ok(push().set_blocked("bob", "alice", true));
  ok(push().set_blocked("bob", "carl", true));
  ok(marks().raise(std::vector{MarkRaise{.room_id = lab_, .user = "bob", .to = {.received = 3, .read = 3}}}));
  reopen();
  const auto all = ok(notify().candidates({.room_id = lab_, .senders = {"alice", "dora"}}));
  ASSERT_EQ(all.size(), 1u);
  const auto& bob = all[0];
  EXPECT_EQ(bob.user, "bob");
  EXPECT_EQ(bob.role, wire::Role::member);
  EXPECT_EQ(bob.read, 3u);
  EXPECT_EQ(bob.room, (RoomNotify{NotifyLevel::mentions, in(5'000)}));
  EXPECT_EQ(bob.quiet, (QuietHours{60, 120, "Europe/Berlin"}));
  EXPECT_THAT(bob.blocked, ElementsAre("alice"));
  ASSERT_EQ(bob.targets.size(), 2u);
  EXPECT_LT(bob.targets[0].id, bob.targets[1].id);
  for (const auto& target : bob.targets) EXPECT_EQ(target.provider, target.id == phone ? "fcm" : "email");
  EXPECT_NE(phone, mail);
  EXPECT_THAT(ok(notify().candidates({.room_id = lab_}))[0].blocked, IsEmpty());
}

TEST_P(NotifyStoreContract, candidates_are_paged_by_name) {
  for (const char* user : {"alice", "bob", "carl"}) reach(user, "phone");
  add_user("dora");
  reach("dora", "phone");
  add_user("Zoe");
  join(lab_, "Zoe");
  EXPECT_THAT(names({.room_id = lab_}), ElementsAre("alice", "bob", "carl"));
  EXPECT_THAT(names({.room_id = lab_, .reachable_only = false}), ElementsAre("Zoe", "alice", "bob", "carl"));
  EXPECT_THAT(names({.room_id = lab_, .limit = 2}), ElementsAre("alice", "bob"));
  EXPECT_THAT(names({.room_id = lab_, .after = "alice", .limit = 1}), ElementsAre("bob"));
  EXPECT_THAT(names({.room_id = lab_, .after = "carl"}), IsEmpty());
  EXPECT_THAT(names({.room_id = lab_ + 1}), IsEmpty());
}

TEST_P(NotifyStoreContract, those_asked_for_come_whether_members_or_not) {
  add_user("dora");
  reach("dora", "phone");
  ok(push().set_room("dora", lab_, {NotifyLevel::all, {}}));
  const auto all = ok(notify().candidates(
      {.room_id = lab_, .after = "zz", .limit = 1, .users = {{"bob", "dora", "nobody"}}}));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].user, "bob");
  EXPECT_EQ(all[0].role, wire::Role::member);
  EXPECT_THAT(all[0].targets, IsEmpty());
  EXPECT_EQ(all[1].user, "dora");
  EXPECT_EQ(all[1].role, wire::Role::none);
  EXPECT_EQ(all[1].read, 0u);
  EXPECT_EQ(all[1].room.level, NotifyLevel::all);
  EXPECT_EQ(all[1].targets.size(), 1u);
  EXPECT_EQ(ok(notify().candidates({.room_id = 0, .users = {{"bob"}}})).size(), 1u);
  EXPECT_THAT(names({.room_id = lab_, .users = std::vector<std::string>{}}), IsEmpty());
}

TEST_P(NotifyStoreContract, banned_and_disabled_ones_are_no_candidates) {
  reach("bob", "phone");
  reach("carl", "phone");
  ok(rooms().change_member({.room_id = lab_, .user = "bob", .banned = true}));
  ok(users().update("carl", {.disabled = true}));
  EXPECT_THAT(names({.room_id = lab_, .reachable_only = false}), ElementsAre("alice"));
  EXPECT_THAT(names({.room_id = lab_, .users = {{"bob", "carl"}}}), ElementsAre("bob"));
  EXPECT_EQ(ok(push().list("carl")).size(), 1u);
  mark({to("carl", 1)});
  EXPECT_THAT(waiting(), IsEmpty());
  ok(users().update("carl", {.disabled = false}));
  EXPECT_THAT(names({.room_id = lab_}), ElementsAre("carl"));
}

TEST_P(NotifyStoreContract, a_mark_makes_a_job_that_waits) {
  const auto phone = reach("bob", "phone");
  auto mention = to("bob", 5, 200, phone);
  mention.mention = true;
  mark({mention, to("carl", 5, 100)});
  reopen();
  EXPECT_EQ(ok(notify().next_due()), in(100));
  EXPECT_THAT(ok(notify().due(in(99), 10)), IsEmpty());
  EXPECT_EQ(ok(notify().due(in(100), 10)).size(), 1u);
  const auto jobs = waiting();
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].user, "carl");
  EXPECT_EQ(jobs[0].mention_seq, 0u);
  const auto& job = jobs[1];
  EXPECT_EQ(job.user, "bob");
  EXPECT_EQ(job.target, phone);
  EXPECT_EQ(job.provider, "fcm");
  EXPECT_EQ(job.room_id, lab_);
  EXPECT_EQ(job.state, State::waiting);
  EXPECT_EQ(job.due, in(200));
  EXPECT_EQ(job.since, now());
  EXPECT_EQ(job.want_seq, 5u);
  EXPECT_EQ(job.mention_seq, 5u);
  EXPECT_FALSE(job.changed);
  EXPECT_EQ(job.shown_seq, 0u);
  EXPECT_EQ(job.notice, "");
  EXPECT_EQ(ok(notify().due(in(1'000), 1)).size(), 1u);
}

TEST_P(NotifyStoreContract, marking_the_same_again_changes_nothing) {
  mark_bob(5, 100);
  const auto before = the_waiting();
  mark_bob(5, 100);
  mark_bob(4, 300);
  const auto after = the_waiting();
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.want_seq, 5u);
  EXPECT_EQ(after.due, in(100));
  mark({});
  EXPECT_EQ(ok(notify().next_due()), in(100));
}

TEST_P(NotifyStoreContract, what_waits_is_only_ever_due_sooner) {
  mark_bob(5, 100);
  const auto begun = now();
  clock_.advance(std::chrono::milliseconds(10));
  auto mention = to("bob", 6, 20);
  mention.mention = true;
  mark({mention});
  mark_bob(7, 500);
  const auto job = the_waiting();
  EXPECT_EQ(job.due, in(20));
  EXPECT_EQ(job.since, begun);
  EXPECT_EQ(job.want_seq, 7u);
  EXPECT_EQ(job.mention_seq, 6u);
}

TEST_P(NotifyStoreContract, what_is_ready_or_being_sent_only_learns_of_it) {
  mark_bob(5);
  make_ready();
  mark_bob(6, 500);
  EXPECT_THAT(waiting(), IsEmpty());
  const auto job = claim_one();
  EXPECT_EQ(job.want_seq, 6u);
  EXPECT_EQ(job.notice_seq, 6u);
  mark_bob(8, 500);
  EXPECT_EQ(queue(), "waiting 0 ready 0 sending 1 shown 0 dead 0");
  clock_.advance(std::chrono::seconds(31));
  const auto again = claim_one();
  EXPECT_EQ(again.want_seq, 8u);
  EXPECT_EQ(again.notice_seq, 6u);
}

TEST_P(NotifyStoreContract, after_what_is_shown_a_newer_message_waits_for_its_turn) {
  show_bob(5, 10'000);
  mark_bob(5);
  mark_bob(3);
  EXPECT_THAT(waiting(), IsEmpty());
  clock_.advance(std::chrono::seconds(1));
  mark_bob(6, 2'000);
  auto job = the_waiting();
  EXPECT_EQ(job.due, in(9'000));
  EXPECT_EQ(job.since, now());
  EXPECT_EQ(job.want_seq, 6u);
  EXPECT_EQ(job.shown_seq, 5u);
  EXPECT_EQ(job.notice_seq, 5u);
  mark_bob(7, 0);
  EXPECT_EQ(the_waiting().due, in(9'000));
  EXPECT_EQ(the_waiting().want_seq, 7u);
}

TEST_P(NotifyStoreContract, after_its_turn_a_newer_message_is_due_as_it_says) {
  show_bob(5, 10'000);
  clock_.advance(std::chrono::seconds(20));
  mark_bob(6, 2'000);
  EXPECT_EQ(the_waiting().due, in(2'000));
}

TEST_P(NotifyStoreContract, nothing_is_marked_for_targets_or_rooms_that_are_gone) {
  const auto phone = reach("bob", "phone");
  auto elsewhere = to("bob", 1);
  elsewhere.room_id = lab_ + 1;
  mark({elsewhere, to("bob", 1, 0, "gone"), to("carl", 1, 0, phone), to("nobody", 1)});
  EXPECT_THAT(waiting(), IsEmpty());
  auto digest = to("bob", 1);
  digest.room_id = 0;
  mark({digest, to("bob", 1, 0, phone)});
  EXPECT_EQ(waiting().size(), 2u);
}

TEST_P(NotifyStoreContract, an_erased_room_takes_its_jobs_along) {
  auto digest = to("bob", 1);
  digest.room_id = 0;
  mark({to("bob", 1), to("carl", 1), digest});
  make_ready();
  ok(rooms().erase(lab_, std::nullopt));
  EXPECT_EQ(claim_one().room_id, 0u);
}

TEST_P(NotifyStoreContract, a_thousand_are_marked_at_once) {
  std::vector<NotifyMark> marks;
  for (std::uint32_t n = 0; n < kNotifyBatchMax; ++n)
    marks.push_back(to("bob", n + 1, n, "@h" + std::to_string(n)));
  mark(marks);
  mark(marks);
  const auto jobs = waiting();
  ASSERT_EQ(jobs.size(), kNotifyBatchMax);
  for (std::uint32_t n = 0; n < kNotifyBatchMax; ++n) EXPECT_EQ(jobs[n].want_seq, n + 1);
}

TEST_P(NotifyStoreContract, a_change_of_what_is_shown_is_judged_at_once) {
  show_bob(5, 10'000);
  EXPECT_EQ(touch({4, 6}), 0u);
  EXPECT_EQ(ok(notify().touch(lab_ + 1, std::vector<std::uint64_t>{5}, now())), 0u);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(touch({4, 5}), 1u);
  const auto job = the_waiting();
  EXPECT_TRUE(job.changed);
  EXPECT_EQ(job.due, now());
  EXPECT_EQ(job.since, now());
  EXPECT_EQ(job.want_seq, 5u);
  EXPECT_EQ(touch({5}), 1u);
  make_ready();
  const auto claimed = claim_one();
  EXPECT_TRUE(claimed.changed);
  EXPECT_EQ(claimed.shown_seq, 5u);
  finish(sent(claimed, 5));
  EXPECT_THAT(waiting(), IsEmpty());
  EXPECT_EQ(queue(), "waiting 0 ready 0 sending 0 shown 1 dead 0");
  mark_bob(6);
  EXPECT_FALSE(the_waiting().changed);
}

TEST_P(NotifyStoreContract, a_change_hurries_what_waits) {
  show_bob(5, 10'000);
  mark_bob(6);
  EXPECT_EQ(the_waiting().due, in(10'000));
  EXPECT_EQ(touch({5}), 1u);
  EXPECT_EQ(the_waiting().due, now());
  EXPECT_TRUE(the_waiting().changed);
  mark_bob(7, 300);
  EXPECT_EQ(the_waiting().due, now());
}

TEST_P(NotifyStoreContract, a_change_of_what_is_just_being_sent_is_told_afterwards) {
  mark_bob(5);
  make_ready();
  const auto job = claim_one();
  EXPECT_EQ(touch({6}), 0u);
  EXPECT_EQ(touch({5}), 1u);
  EXPECT_THAT(waiting(), IsEmpty());
  finish(sent(job, 5, 2'000));
  const auto changed = the_waiting();
  EXPECT_TRUE(changed.changed);
  EXPECT_EQ(changed.due, in(2'000));
  make_ready();
  finish(sent(claim_one(), 5));
  EXPECT_THAT(waiting(), IsEmpty());
}

TEST_P(NotifyStoreContract, what_is_withdrawn_is_shown_no_more_but_holds_its_turn) {
  show_bob(5);
  touch({5});
  make_ready();
  auto withdrawn = sent(claim_one(), 0, 10'000);
  withdrawn.outcome = "withdrawn";
  finish(withdrawn);
  EXPECT_EQ(touch({5}), 0u);
  mark_bob(5);
  EXPECT_THAT(waiting(), IsEmpty());
  mark_bob(6);
  EXPECT_EQ(the_waiting().due, in(10'000));
}

TEST_P(NotifyStoreContract, a_verdict_makes_ready_puts_off_or_drops) {
  mark({to("alice", 5), to("bob", 6), to("carl", 7)});
  auto jobs = waiting();
  ASSERT_EQ(jobs.size(), 3u);
  std::ranges::sort(jobs, {}, &NotifyJob::user);
  ok(notify().judge(
      std::vector<NotifyVerdict>{{.job = jobs[0].id, .what = Verdict::ready, .want_seq = 5},
                                 {.job = jobs[1].id, .what = Verdict::later, .due = in(700), .want_seq = 6},
                                 {.job = jobs[2].id, .what = Verdict::drop, .want_seq = 7, .reason = "read"},
                                 {.job = jobs[2].id + 1'000, .what = Verdict::ready, .want_seq = 7}},
      now()));
  EXPECT_EQ(the_waiting().user, "bob");
  EXPECT_EQ(the_waiting().due, in(700));
  EXPECT_EQ(claim_one().user, "alice");
  EXPECT_EQ(queue(), "waiting 1 ready 0 sending 1 shown 0 dead 0");
  const auto log = ok(deliveries().log({}));
  ASSERT_EQ(log.size(), 1u);
  EXPECT_EQ(log[0].user, "carl");
  EXPECT_EQ(log[0].provider, "hook");
  EXPECT_EQ(log[0].target, "@hook");
  EXPECT_EQ(log[0].room, "lab");
  EXPECT_EQ(log[0].seq, 7u);
  EXPECT_EQ(log[0].outcome, "dropped");
  EXPECT_EQ(log[0].reason, "read");
  EXPECT_EQ(log[0].at, now());
  ok(notify().judge({}, now()));
}

TEST_P(NotifyStoreContract, what_has_come_since_is_neither_dropped_nor_put_off) {
  mark_bob(5, 10);
  const auto judged = the_waiting();
  mark_bob(6, 400);
  judge({.job = judged.id, .what = Verdict::drop, .want_seq = 5, .reason = "read"});
  judge({.job = judged.id, .what = Verdict::later, .due = in(9'000), .want_seq = 5});
  EXPECT_EQ(the_waiting().want_seq, 6u);
  EXPECT_EQ(the_waiting().due, in(10));
  EXPECT_THAT(outcomes(), IsEmpty());
  judge({.job = judged.id, .what = Verdict::ready, .want_seq = 5});
  EXPECT_EQ(claim_one().notice_seq, 6u);
}

TEST_P(NotifyStoreContract, what_was_changed_since_is_not_dropped) {
  show_bob(5);
  mark_bob(6);
  const auto judged = the_waiting();
  touch({5});
  judge(
      {.job = judged.id, .what = Verdict::drop, .want_seq = 6, .changed = judged.changed, .reason = "read"});
  EXPECT_TRUE(the_waiting().changed);
  judge({.job = judged.id, .what = Verdict::drop, .want_seq = 6, .changed = true, .reason = "read"});
  EXPECT_THAT(waiting(), IsEmpty());
}

TEST_P(NotifyStoreContract, a_dropped_one_that_shows_something_is_shown_again) {
  show_bob(5, 10'000);
  clock_.advance(std::chrono::seconds(1));
  mark_bob(6);
  judge({.job = the_waiting().id, .what = Verdict::drop, .want_seq = 6, .reason = "muted"});
  EXPECT_EQ(queue(), "waiting 0 ready 0 sending 0 shown 1 dead 0");
  EXPECT_THAT(outcomes(), ElementsAre("dropped muted 6", "sent  5"));
  mark_bob(6);
  EXPECT_THAT(waiting(), IsEmpty());
  EXPECT_EQ(touch({5}), 1u);
  judge({.job = the_waiting().id, .what = Verdict::drop, .want_seq = 6, .reason = "read"});
  mark_bob(7);
  EXPECT_EQ(the_waiting().due, in(9'000));
}

TEST_P(NotifyStoreContract, what_waits_no_more_is_not_judged) {
  mark_bob(5);
  const auto id = the_waiting().id;
  make_ready();
  judge({.job = id, .what = Verdict::drop, .want_seq = 5, .reason = "read"});
  EXPECT_EQ(queue(), "waiting 0 ready 1 sending 0 shown 0 dead 0");
  claim_one();
  judge({.job = id, .what = Verdict::later, .due = in(1), .want_seq = 5});
  judge({.job = id, .what = Verdict::ready, .want_seq = 5});
  EXPECT_EQ(queue(), "waiting 0 ready 0 sending 1 shown 0 dead 0");
}

INSTANTIATE_TEST_SUITE_P(Stores, NotifyStoreContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
