#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "tests/contract/notify_contract.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::MatchesRegex;

class NotifyDeliveryContract : public NotifyContract {
 protected:
  std::vector<DeadLetter> letters() { return ok(deliveries().dead(0, 100)); }
  std::uint32_t retry_dead(std::vector<std::uint64_t> ids = {}) {
    return ok(deliveries().retry_dead(ids, now()));
  }
  NotifyJob kill(const std::string& user, std::uint64_t seq, const std::string& target = "@hook") {
    mark({to(user, seq, 0, target)});
    make_ready();
    auto jobs = claim("one", 1, 30'000, target == "@hook" ? "hook" : "fcm");
    EXPECT_EQ(jobs.size(), 1u);
    EXPECT_EQ(finish(ended(jobs[0], What::dead, "dead", "The payload is too large.")), 1u);
    return jobs[0];
  }
  // Many ready jobs of the provider "hook".
  void many(std::uint32_t count) {
    std::vector<NotifyMark> marks;
    for (std::uint32_t n = 0; n < count; ++n) {
      marks.push_back(to("bob", 1, 0, "@" + std::to_string(n)));
      marks.back().provider = "hook";
    }
    mark(marks);
    make_ready();
  }
};

TEST_P(NotifyDeliveryContract, a_claim_takes_what_is_ready_the_longest_due_first) {
  mark({to("carl", 5), to("bob", 6, 0, reach("bob", "phone"))});
  make_ready();
  clock_.advance(std::chrono::milliseconds(5));
  mark({to("alice", 5), to("bob", 5)});
  make_ready();
  EXPECT_THAT(ok(deliveries().claim("nobody's", "one", 10, now(), in(1))), IsEmpty());
  const auto jobs = claim("one", 2);
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].user, "carl");
  const auto& job = jobs[0];
  EXPECT_EQ(job.state, NotifyJob::State::sending);
  EXPECT_EQ(job.due, in(30'000));
  EXPECT_EQ(job.notice_seq, 5u);
  EXPECT_EQ(job.attempts, 0u);
  EXPECT_THAT(job.notice, MatchesRegex("[A-Z0-9]+"));
  EXPECT_EQ(job.notice.size(), 26u);
  EXPECT_NE(job.notice, jobs[1].notice);
  EXPECT_EQ(claim().size(), 1u);
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_EQ(claim("one", 10, 30'000, "fcm").size(), 1u);
}

TEST_P(NotifyDeliveryContract, a_claim_that_ends_comes_back_with_the_same_notice) {
  mark_bob(5);
  make_ready();
  const auto first = claim_one("one");
  clock_.advance(std::chrono::milliseconds(29'999));
  EXPECT_THAT(claim("two"), IsEmpty());
  clock_.advance(std::chrono::milliseconds(1));
  reopen();
  const auto second = claim_one("two");
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(second.notice, first.notice);
  EXPECT_EQ(second.notice_seq, first.notice_seq);
  EXPECT_EQ(finish(sent(first, 5), "one"), 0u);
  EXPECT_THAT(ok(deliveries().log({})), IsEmpty());
  EXPECT_EQ(finish(sent(second, 5), "two"), 1u);
  EXPECT_EQ(finish(sent(second, 5), "two"), 0u);
}

TEST_P(NotifyDeliveryContract, two_share_the_jobs_without_doubling) {
  many(300);
  std::mutex mutex;
  std::map<std::uint64_t, int> claimed;
  std::atomic<std::uint32_t> finished = 0;
  const auto work = [&](const std::string& by) {
    for (;;) {
      const auto jobs = claim(by, 7);
      if (jobs.empty()) return;
      std::vector<NotifyResult> results;
      for (const auto& job : jobs) results.push_back(sent(job, 1));
      {
        std::lock_guard lock(mutex);
        for (const auto& job : jobs) ++claimed[job.id];
      }
      finished += ok(deliveries().finish(by, results, now()));
    }
  };
  { std::jthread one(work, "one"), two(work, "two"), three(work, "three"); }
  EXPECT_EQ(claimed.size(), 300u);
  for (const auto& [id, times] : claimed) EXPECT_EQ(times, 1);
  EXPECT_EQ(finished, 300u);
  EXPECT_EQ(queue(), "waiting 0 ready 0 sending 0 shown 300 dead 0");
}

// Marks, changes, verdicts, claims and results of the same jobs, from several sides: each gets through.
TEST_P(NotifyDeliveryContract, writers_do_not_stand_in_each_others_way) {
  many(200);
  std::atomic<bool> stop = false;
  const auto marker = [&](std::uint64_t seq) {
    while (!stop) {
      std::vector<NotifyMark> marks;
      for (int n = 0; n < 200; ++n) {
        marks.push_back(to("bob", ++seq, 0, "@" + std::to_string((n * 37) % 200)));
        marks.back().provider = "hook";
      }
      ok(notify().mark(marks, now()));
      ok(notify().touch(lab_, std::vector<std::uint64_t>{1, 2, 3}, now()));
    }
  };
  const auto sender = [&](const std::string& by) {
    for (int round = 0; round < 40; ++round) {
      make_ready();
      std::vector<NotifyResult> results;
      for (const auto& job : claim(by, 50)) results.insert(results.begin(), sent(job, 1 + round % 3));
      ok(deliveries().finish(by, results, now()));
    }
  };
  {
    std::jthread first(marker, 10), second(marker, 5);
    { std::jthread one(sender, "one"), two(sender, "two"); }
    stop = true;
  }
}

TEST_P(NotifyDeliveryContract, what_was_sent_is_shown_and_logged) {
  mark_bob(5);
  make_ready();
  const auto job = claim_one();
  clock_.advance(std::chrono::seconds(1));
  auto result = sent(job, 4);
  result.took = std::chrono::milliseconds(37);
  EXPECT_EQ(finish(result), 1u);
  EXPECT_EQ(queue(), "waiting 0 ready 0 sending 0 shown 1 dead 0");
  const auto log = ok(deliveries().log({}));
  ASSERT_EQ(log.size(), 1u);
  EXPECT_EQ(log[0].at, now());
  EXPECT_EQ(log[0].user, "bob");
  EXPECT_EQ(log[0].room, "lab");
  EXPECT_EQ(log[0].seq, 4u);
  EXPECT_EQ(log[0].outcome, "sent");
  EXPECT_EQ(log[0].notice, job.notice);
  EXPECT_EQ(log[0].attempts, 1u);
  EXPECT_EQ(log[0].took, std::chrono::milliseconds(37));
  EXPECT_EQ(ok(notify().touch(lab_, std::vector<std::uint64_t>{4}, now())), 1u);
  EXPECT_EQ(the_waiting().shown_at, now());
}

TEST_P(NotifyDeliveryContract, what_came_while_it_was_sent_is_told_next_with_another_notice) {
  mark_bob(5);
  make_ready();
  const auto job = claim_one();
  mark_bob(7);
  finish(sent(job, 5, 3'000));
  EXPECT_EQ(the_waiting().due, in(3'000));
  EXPECT_EQ(the_waiting().since, now());
  EXPECT_EQ(the_waiting().shown_seq, 5u);
  make_ready();
  const auto next = claim_one();
  EXPECT_NE(next.notice, job.notice);
  EXPECT_EQ(next.notice_seq, 7u);
  EXPECT_EQ(next.attempts, 0u);
}

TEST_P(NotifyDeliveryContract, what_there_was_no_need_to_send_is_gone_or_shown_again) {
  mark_bob(5);
  make_ready();
  finish(ended(claim_one(), What::unneeded, "dropped", "read"));
  EXPECT_EQ(queue(), "nothing");
  EXPECT_EQ(ok(deliveries().log({})).at(0).attempts, 0u);
  show_bob(6, 10'000);
  mark_bob(7);
  make_ready();
  finish(ended(claim_one(), What::unneeded, "dropped", "read"));
  EXPECT_EQ(queue(), "waiting 0 ready 0 sending 0 shown 1 dead 0");
  mark_bob(8);
  EXPECT_EQ(the_waiting().due, in(10'000));
  EXPECT_EQ(the_waiting().shown_seq, 6u);
  make_ready();
  const auto job = claim_one();
  mark_bob(9);
  finish(ended(job, What::unneeded, "dropped", "read"));
  EXPECT_EQ(the_waiting().want_seq, 9u);
  EXPECT_EQ(the_waiting().due, in(10'000));
}

TEST_P(NotifyDeliveryContract, a_retry_comes_at_its_time_with_the_same_notice) {
  mark_bob(5);
  make_ready();
  const auto first = claim_one();
  auto later = ended(first, What::retry, "retry", "503");
  later.due = in(2'000);
  finish(later);
  EXPECT_EQ(queue(), "waiting 0 ready 1 sending 0 shown 0 dead 0");
  EXPECT_THAT(claim(), IsEmpty());
  mark_bob(6);
  clock_.advance(std::chrono::seconds(2));
  const auto second = claim_one("two");
  EXPECT_EQ(second.notice, first.notice);
  EXPECT_EQ(second.notice_seq, 5u);
  EXPECT_EQ(second.want_seq, 6u);
  EXPECT_EQ(second.attempts, 1u);
  later = ended(second, What::retry, "retry", "rate");
  later.attempt = false;
  finish(later, "two");
  const auto third = claim_one();
  EXPECT_EQ(third.attempts, 1u);
  finish(sent(third, 5));
  const auto log = ok(deliveries().log({}));
  ASSERT_EQ(log.size(), 3u);
  EXPECT_EQ(log[0].outcome, "sent");
  EXPECT_EQ(log[0].attempts, 2u);
  EXPECT_EQ(log[2].reason, "503");
  EXPECT_EQ(log[2].attempts, 1u);
  EXPECT_EQ(the_waiting().want_seq, 6u);
}

TEST_P(NotifyDeliveryContract, a_dead_one_leaves_a_letter) {
  const auto job = kill("bob", 5);
  EXPECT_EQ(queue(), "waiting 0 ready 0 sending 0 shown 0 dead 1");
  reopen();
  ASSERT_EQ(letters().size(), 1u);
  const auto letter = letters()[0];
  EXPECT_EQ(letter.at, now());
  EXPECT_EQ(letter.user, "bob");
  EXPECT_EQ(letter.provider, "hook");
  EXPECT_EQ(letter.target, "@hook");
  EXPECT_EQ(letter.room, "lab");
  EXPECT_EQ(letter.seq, 5u);
  EXPECT_EQ(letter.reason, "The payload is too large.");
  EXPECT_EQ(letter.notice, job.notice);
  EXPECT_EQ(letter.attempts, 1u);
  EXPECT_EQ(ok(deliveries().log({})).at(0).outcome, "dead");
}

TEST_P(NotifyDeliveryContract, what_came_before_it_died_waits_anew_at_once) {
  mark_bob(5);
  make_ready();
  const auto job = claim_one();
  mark_bob(6, 5'000);
  finish(ended(job, What::dead, "dead", "no"));
  EXPECT_EQ(the_waiting().due, now());
  EXPECT_EQ(the_waiting().want_seq, 6u);
  make_ready();
  EXPECT_NE(claim_one().notice, job.notice);
}

TEST_P(NotifyDeliveryContract, a_letter_is_tried_again_with_the_same_notice) {
  const auto job = kill("bob", 5);
  EXPECT_EQ(retry_dead({letters()[0].id + 1}), 0u);
  EXPECT_EQ(retry_dead({letters()[0].id}), 1u);
  EXPECT_THAT(letters(), IsEmpty());
  const auto again = claim_one();
  EXPECT_EQ(again.user, "bob");
  EXPECT_EQ(again.room_id, lab_);
  EXPECT_EQ(again.notice, job.notice);
  EXPECT_EQ(again.notice_seq, 5u);
  EXPECT_EQ(again.attempts, 0u);
  EXPECT_EQ(retry_dead(), 0u);
}

TEST_P(NotifyDeliveryContract, all_letters_are_tried_again_each_target_once) {
  const auto phone = reach("bob", "phone");
  kill("bob", 5);
  const auto newest = kill("bob", 8);
  kill("carl", 5);
  kill("bob", 5, phone);
  ok(push().remove("bob", "phone", ""));
  EXPECT_EQ(letters().size(), 4u);
  EXPECT_EQ(retry_dead(), 2u);
  EXPECT_THAT(letters(), IsEmpty());
  auto jobs = claim();
  std::ranges::sort(jobs, {}, &NotifyJob::user);
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].notice, newest.notice);
  EXPECT_EQ(jobs[0].notice_seq, 8u);
  EXPECT_EQ(jobs[1].user, "carl");
}

TEST_P(NotifyDeliveryContract, a_letter_beside_a_job_that_waits_goes_first) {
  const auto job = kill("bob", 5);
  mark_bob(6, 60'000);
  EXPECT_EQ(retry_dead(), 1u);
  const auto again = claim_one();
  EXPECT_EQ(again.notice, job.notice);
  EXPECT_EQ(again.notice_seq, 5u);
  EXPECT_EQ(again.want_seq, 6u);
  finish(sent(again, 5));
  EXPECT_EQ(the_waiting().want_seq, 6u);
}

TEST_P(NotifyDeliveryContract, a_letter_beside_a_newer_notice_is_let_go) {
  kill("bob", 5);
  show_bob(6);
  EXPECT_EQ(retry_dead(), 1u);
  EXPECT_THAT(letters(), IsEmpty());
  EXPECT_EQ(queue(), "waiting 0 ready 0 sending 0 shown 1 dead 0");
  kill("carl", 5);
  mark({to("carl", 6)});
  make_ready();
  const auto under_way = claim_one();
  EXPECT_EQ(retry_dead(), 1u);
  clock_.advance(std::chrono::seconds(31));
  EXPECT_EQ(claim_one().notice, under_way.notice);
}

TEST_P(NotifyDeliveryContract, the_log_is_read_from_the_newest_by_whom_and_how) {
  const auto phone = reach("bob", "phone");
  show_bob(1);
  kill("carl", 2);
  kill("bob", 3, phone);
  show_bob(4);
  const auto seqs = [&](const NotifyLogQuery& query) {
    std::vector<std::uint64_t> out;
    for (const auto& row : ok(deliveries().log(query))) out.push_back(row.seq);
    return out;
  };
  EXPECT_THAT(seqs({}), ElementsAre(4u, 3u, 2u, 1u));
  EXPECT_THAT(seqs({.user = "bob"}), ElementsAre(4u, 3u, 1u));
  EXPECT_THAT(seqs({.provider = "hook"}), ElementsAre(4u, 2u, 1u));
  EXPECT_THAT(seqs({.outcome = "dead"}), ElementsAre(3u, 2u));
  EXPECT_THAT(seqs({.user = "bob", .provider = "hook", .outcome = "sent", .limit = 1}), ElementsAre(4u));
  const auto third = ok(deliveries().log({})).at(1).id;
  EXPECT_THAT(seqs({.before = third, .limit = 1}), ElementsAre(2u));
  EXPECT_THAT(seqs({.user = "bob", .before = third}), ElementsAre(1u));
  ok(rooms().erase(lab_, std::nullopt));
  EXPECT_EQ(ok(deliveries().log({})).at(0).room, "");
  EXPECT_EQ(letters().at(0).room, "");
  EXPECT_EQ(retry_dead(), 0u);
}

TEST_P(NotifyDeliveryContract, a_digests_room_has_no_name) {
  auto digest = to("bob", 1'795'314'673'123);
  digest.room_id = 0;
  mark({digest});
  make_ready();
  finish(ended(claim_one(), What::dead, "dead", "no"));
  EXPECT_EQ(letters().at(0).room, "");
  EXPECT_EQ(letters().at(0).seq, 1'795'314'673'123u);
  EXPECT_EQ(ok(deliveries().log({})).at(0).room, "");
  EXPECT_EQ(retry_dead(), 1u);
  EXPECT_EQ(claim_one().room_id, 0u);
}

TEST_P(NotifyDeliveryContract, letters_are_paged_by_id) {
  for (std::uint64_t seq = 1; seq <= 3; ++seq) kill("bob", seq);
  const auto all = letters();
  ASSERT_EQ(all.size(), 3u);
  const auto rest = ok(deliveries().dead(all[0].id, 1));
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].seq, 2u);
  EXPECT_THAT(ok(deliveries().dead(all[2].id, 10)), IsEmpty());
}

TEST_P(NotifyDeliveryContract, queues_are_counted_by_provider) {
  EXPECT_THAT(ok(deliveries().queues()), IsEmpty());
  const auto begun = now();
  mark({to("alice", 1), to("bob", 1, 0, reach("bob", "phone"))});
  make_ready();
  clock_.advance(std::chrono::seconds(1));
  mark({to("bob", 1)});
  make_ready();
  claim("one", 1);
  mark({to("carl", 1)});
  const auto queues = ok(deliveries().queues());
  ASSERT_EQ(queues.size(), 2u);
  EXPECT_EQ(queues[0].provider, "fcm");
  EXPECT_EQ(queues[0].oldest, begun);
  EXPECT_EQ(queues[1].provider, "hook");
  EXPECT_EQ(queue(), "waiting 1 ready 1 sending 1 shown 0 dead 0");
  EXPECT_EQ(queues[1].oldest, begun);
  finish(sent(waiting()[0], 1));
  finish({.job = queues[1].ready});
  clock_.advance(std::chrono::seconds(60));
  for (const auto& job : claim()) finish(sent(job, 1));
  EXPECT_EQ(queue(), "waiting 1 ready 0 sending 0 shown 2 dead 0");
  EXPECT_EQ(ok(deliveries().queues())[1].oldest, WallTime{});
}

TEST_P(NotifyDeliveryContract, what_is_old_is_swept_a_little_at_a_time) {
  for (const char* user : {"alice", "bob", "carl"}) {
    mark({to(user, 5)});
    make_ready();
    finish(sent(claim_one(), 5, 600'000));
    kill(user, 6);
  }
  for (const char* user : {"alice", "bob", "carl"}) {
    mark({to(user, 7)});
    make_ready();
    finish(sent(claim_one(), 7));
  }
  const auto then = now();
  clock_.advance(std::chrono::seconds(1));
  show_bob(9);
  mark({to("carl", 9)});
  EXPECT_FALSE(ok(deliveries().sweep(then, then, 100)));
  EXPECT_EQ(queue(), "waiting 1 ready 0 sending 0 shown 2 dead 3");
  EXPECT_TRUE(ok(deliveries().sweep(now(), now(), 2)));
  EXPECT_EQ(queue(), "waiting 1 ready 0 sending 0 shown 1 dead 1");
  EXPECT_TRUE(ok(deliveries().sweep(now(), now(), 2)));
  EXPECT_EQ(queue(), "waiting 1 ready 0 sending 0 shown 1 dead 0");
  while (ok(deliveries().sweep(now(), now(), 2))) {
  }
  EXPECT_EQ(ok(deliveries().log({})).size(), 1u);
  EXPECT_EQ(ok(deliveries().log({}))[0].seq, 9u);
  EXPECT_EQ(waiting().size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Stores, NotifyDeliveryContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
