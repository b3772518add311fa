#pragma once
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/contract/store_contract.h"

namespace parley::backend {

// A room "lab" with alice, bob and carl, and jobs in it, in short.
class NotifyContract : public StoreContract {
 protected:
  using What = NotifyResult::What;

  void SetUp() override {
    StoreContract::SetUp();
    if (IsSkipped()) return;
    lab_ = add_room("lab", "alice").id;
    for (const char* name : {"bob", "carl"}) {
      add_user(name);
      join(lab_, name);
    }
  }

  void join(std::uint64_t room, const std::string& user, wire::Role role = wire::Role::member) {
    ok(rooms().change_member({.room_id = room, .user = user, .role = role}));
  }
  // Gives its id.
  std::string reach(const std::string& user, const std::string& device, const std::string& address = "",
                    const std::string& provider = "fcm") {
    auto put = push().put({.user = user,
                           .device = device,
                           .provider = provider,
                           .address = address.empty() ? user + "/" + device + "/" + provider : address});
    EXPECT_TRUE(put) << put.error().message;
    return put ? put->id : "";
  }

  WallTime now() const { return clock_.wall(); }
  WallTime in(std::int64_t ms) const { return now() + std::chrono::milliseconds(ms); }
  template <class T>
  static T ok(Result<T> result) {
    EXPECT_TRUE(result) << result.error().message;
    return result ? std::move(*result) : T{};
  }
  static void ok(const Result<>& result) { EXPECT_TRUE(result) << result.error().message; }

  NotifyMark to(const std::string& user, std::uint64_t seq, std::int64_t due_ms = 0,
                const std::string& target = "@hook") {
    return {.user = user,
            .target = target,
            .provider = target == "@hook" ? "hook" : "fcm",
            .room_id = lab_,
            .seq = seq,
            .due = in(due_ms)};
  }
  void mark(const std::vector<NotifyMark>& marks) { ok(notify().mark(marks, now())); }
  void mark_bob(std::uint64_t seq, std::int64_t due_ms = 0) { mark({to("bob", seq, due_ms)}); }

  // All that wait, whenever they are due.
  std::vector<NotifyJob> waiting() { return ok(notify().due(in(1'000'000'000), 10'000)); }
  void judge(const NotifyVerdict& verdict) { ok(notify().judge(std::vector{verdict}, now())); }
  NotifyJob the_waiting() {
    auto jobs = waiting();
    EXPECT_EQ(jobs.size(), 1u);
    return jobs.empty() ? NotifyJob{} : jobs[0];
  }
  void make_ready() {
    std::vector<NotifyVerdict> verdicts;
    for (const auto& job : waiting())
      verdicts.push_back({.job = job.id, .what = NotifyVerdict::What::ready, .want_seq = job.want_seq});
    ok(notify().judge(verdicts, now()));
  }
  std::vector<NotifyJob> claim(const std::string& by = "one", std::uint32_t limit = 100,
                               std::int64_t until_ms = 30'000, const std::string& provider = "hook") {
    return ok(deliveries().claim(provider, by, limit, now(), in(until_ms)));
  }
  NotifyJob claim_one(const std::string& by = "one") {
    auto jobs = claim(by);
    EXPECT_EQ(jobs.size(), 1u);
    return jobs.empty() ? NotifyJob{} : jobs[0];
  }
  std::uint32_t finish(const NotifyResult& result, const std::string& by = "one") {
    return ok(deliveries().finish(by, std::vector{result}, now()));
  }
  NotifyResult sent(const NotifyJob& job, std::uint64_t shown_seq, std::int64_t due_ms = 0) {
    return {.job = job.id, .what = What::sent, .outcome = "sent", .shown_seq = shown_seq, .due = in(due_ms)};
  }
  NotifyResult ended(const NotifyJob& job, What what, const std::string& outcome, const std::string& reason) {
    return {.job = job.id, .what = what, .outcome = outcome, .reason = reason, .due = now()};
  }
  // Bob has been told up to `seq`.
  void show_bob(std::uint64_t seq, std::int64_t window_ms = 0) {
    mark_bob(seq);
    make_ready();
    EXPECT_EQ(finish(sent(claim_one(), seq, window_ms)), 1u);
  }
  // As "waiting 1 ready 0 sending 0 shown 2 dead 0".
  std::string queue(const std::string& provider = "hook") {
    for (const auto& q : ok(deliveries().queues()))
      if (q.provider == provider)
        return "waiting " + std::to_string(q.waiting) + " ready " + std::to_string(q.ready) + " sending " +
               std::to_string(q.sending) + " shown " + std::to_string(q.shown) + " dead " +
               std::to_string(q.dead);
    return "nothing";
  }

  std::uint64_t lab_ = 0;
};

}  // namespace parley::backend
