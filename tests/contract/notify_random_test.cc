#include <map>
#include <random>
#include <set>

#include "tests/contract/notify_contract.h"
#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

template <class T>
T got(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

// One store with its own ids, seen through names.
class Side {
 public:
  explicit Side(Stores& stores) : stores_(stores) {
    for (const char* user : {"ann", "ben", "cid"})
      EXPECT_TRUE(stores_.users->create({.name = user, .title = "", .scram = ""}));
    for (const char* room : {"lab", "den"}) {
      auto made = stores_.rooms->create({.name = room, .title = "", .members = {{"ann", wire::Role::owner}}});
      rooms_[room] = made->value.id;
    }
    rooms_[""] = 0;
  }

  std::uint64_t room(const std::string& name) const { return rooms_.at(name); }
  std::string target(const std::string& user, const std::string& device) {
    if (device.starts_with('@')) return device;
    for (const auto& one : got(stores_.push->list(user)))
      if (one.device == device) return names_[one.id] = user + "/" + device, one.id;
    return "none";
  }
  std::string key(const NotifyJob& job) {
    for (const auto& [name, id] : rooms_)
      if (id == job.room_id) return name + " " + job.user + " " + named(job.target);
    return "?";
  }
  // Notices by the order in which they were first seen.
  std::string notice(const std::string& id) {
    if (id.empty()) return "-";
    return std::to_string(notices_.try_emplace(id, notices_.size()).first->second);
  }
  std::vector<NotifyJob> sorted(std::vector<NotifyJob> jobs) {
    std::ranges::sort(jobs, {}, [this](const NotifyJob& job) { return key(job); });
    return jobs;
  }
  std::string tell(const NotifyJob& job) {
    std::string out = key(job);
    for (const auto n :
         {static_cast<std::int64_t>(job.state), to_ms(job.due), to_ms(job.since),
          static_cast<std::int64_t>(job.want_seq), static_cast<std::int64_t>(job.mention_seq),
          std::int64_t{job.changed}, static_cast<std::int64_t>(job.shown_seq), to_ms(job.shown_at),
          static_cast<std::int64_t>(job.notice_seq), std::int64_t{job.attempts}})
      out += " " + std::to_string(n);
    return out + " " + notice(job.notice);
  }
  std::string tell(const std::vector<NotifyJob>& jobs) {
    std::string out;
    for (const auto& job : sorted(jobs)) out += tell(job) + "\n";
    return out;
  }
  std::string tell_rest(WallTime end) {
    std::multiset<std::string> lines;
    for (const auto& row : got(stores_.deliveries->log({.limit = 10'000})))
      lines.insert("log " + std::to_string(to_ms(row.at)) + row.user + row.provider + named(row.target) +
                   row.room + std::to_string(row.seq) + row.outcome + row.reason + notice(row.notice) +
                   std::to_string(row.attempts));
    for (const auto& dead : got(stores_.deliveries->dead(0, 10'000)))
      lines.insert("dead " + std::to_string(to_ms(dead.at)) + dead.user + dead.provider + named(dead.target) +
                   dead.room + std::to_string(dead.seq) + dead.reason + notice(dead.notice) +
                   std::to_string(dead.attempts));
    for (const auto& q : got(stores_.deliveries->queues()))
      lines.insert("queue " + q.provider + std::to_string(q.waiting) + " " + std::to_string(q.ready) + " " +
                   std::to_string(q.sending) + " " + std::to_string(q.shown) + " " + std::to_string(q.dead) +
                   " " + std::to_string(to_ms(q.oldest)));
    const auto next = got(stores_.notify->next_due());
    std::string out = next ? std::to_string(to_ms(*next)) + "\n" : "none\n";
    for (const auto& line : lines) out += line + "\n";
    return out + tell(got(stores_.notify->due(end, 10'000)));
  }
  Stores& stores() { return stores_; }

 private:
  std::string named(const std::string& target) const {
    const auto at = names_.find(target);
    return at == names_.end() ? target : at->second;
  }

  Stores& stores_;
  std::map<std::string, std::uint64_t> rooms_;
  std::map<std::string, std::string> names_;
  std::map<std::string, std::size_t> notices_;
};

class NotifyRandom : public StoreContract {
 protected:
  std::uint64_t up_to(std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>(0, n)(random_); }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all[up_to(all.size() - 1)];
  }
  WallTime now() const { return clock_.wall(); }
  WallTime in(std::uint64_t ms) const { return now() + std::chrono::milliseconds(ms); }
  std::string a_user() { return one_of<std::string>({"ann", "ben", "cid"}); }
  std::string a_device() { return one_of<std::string>({"phone", "pad", "@hook", "@mqtt"}); }

  void mark(std::vector<Side>& sides) {
    struct Draft {
      NotifyMark mark;
      std::string room, device;
    };
    std::map<std::string, Draft> drafts;
    for (auto n = up_to(8); n > 0; --n) {
      Draft draft{
          .mark = {.user = a_user(), .seq = 1 + up_to(20), .mention = up_to(3) == 0, .due = in(up_to(500))},
          .room = one_of<std::string>({"lab", "den", ""}),
          .device = a_device()};
      draft.mark.provider = draft.device[0] == '@' ? draft.device.substr(1) : "fcm";
      drafts[draft.room + " " + draft.mark.user + " " + draft.device] = draft;
    }
    for (auto& side : sides) {
      std::map<std::string, NotifyMark> marks;
      for (const auto& [key, draft] : drafts) {
        auto made = draft.mark;
        made.room_id = side.room(draft.room);
        made.target = side.target(made.user, draft.device);
        marks[std::to_string(made.room_id) + " " + made.user + " " + made.target] = made;
      }
      std::vector<NotifyMark> all;
      for (const auto& [key, made] : marks) all.push_back(made);
      ASSERT_TRUE(side.stores().notify->mark(all, now()));
    }
  }
  void judge(std::vector<Side>& sides) {
    const auto draw = random_();
    for (auto& side : sides) {
      std::mt19937_64 same(draw);
      std::vector<NotifyVerdict> verdicts;
      for (const auto& job : side.sorted(got(side.stores().notify->due(in(300), 10'000)))) {
        const auto what = same() % 8;
        if (what == 7) continue;
        verdicts.push_back({.job = job.id,
                            .what = what < 4   ? NotifyVerdict::What::ready
                                    : what < 5 ? NotifyVerdict::What::later
                                               : NotifyVerdict::What::drop,
                            .due = in(same() % 400),
                            .want_seq = job.want_seq - same() % 2,
                            .changed = same() % 2 == 0,
                            .reason = "read"});
      }
      ASSERT_TRUE(side.stores().notify->judge(verdicts, now()));
    }
  }
  void deliver(std::vector<Side>& sides) {
    const auto draw = random_();
    const auto provider = one_of<std::string>({"fcm", "hook", "mqtt"});
    const auto finisher = one_of<std::string>({"one", "one", "one", "two"});
    std::string told;
    for (auto& side : sides) {
      std::mt19937_64 same(draw);
      const auto jobs =
          side.sorted(got(side.stores().deliveries->claim(provider, "one", 10'000, now(), in(same() % 600))));
      if (&side == sides.data())
        told = side.tell(jobs);
      else
        ASSERT_EQ(side.tell(jobs), told);
      const bool meanwhile = same() % 2 == 0;
      if (meanwhile) {
        for (const auto& job : jobs)
          got(side.stores().notify->touch(job.room_id, std::vector<std::uint64_t>{1 + same() % 20}, now()));
      }
      std::vector<NotifyResult> results;
      for (const auto& job : jobs) {
        const auto what = same() % 6;
        if (what == 5) continue;
        results.push_back({.job = job.id,
                           .what = what < 2   ? NotifyResult::What::sent
                                   : what < 3 ? NotifyResult::What::unneeded
                                   : what < 4 ? NotifyResult::What::retry
                                              : NotifyResult::What::dead,
                           .outcome = std::to_string(what),
                           .reason = "because",
                           .shown_seq = same() % (job.notice_seq + 1),
                           .due = in(same() % 300),
                           .attempt = same() % 3 > 0});
      }
      const auto theirs = side.stores().deliveries->finish(finisher, results, now());
      ASSERT_EQ(*theirs, finisher == "one" ? results.size() : 0u);
    }
  }
  void touch(std::vector<Side>& sides) {
    const auto room = one_of<std::string>({"lab", "den", ""});
    const std::vector<std::uint64_t> seqs{1 + up_to(9), 11 + up_to(9)};
    std::set<std::uint32_t> touched;
    for (auto& side : sides) touched.insert(got(side.stores().notify->touch(side.room(room), seqs, now())));
    ASSERT_EQ(touched.size(), 1u);
  }
  void change(std::vector<Side>& sides) {
    const auto what = up_to(5);
    const auto user = a_user();
    const auto device = one_of<std::string>({"phone", "pad"});
    const auto address = "a" + std::to_string(up_to(3));
    std::set<std::uint64_t> counts;
    for (auto& side : sides) {
      auto& stores = side.stores();
      if (what < 3) {
        ASSERT_TRUE(
            stores.push->put({.user = user, .device = device, .provider = "fcm", .address = address}));
        side.target(user, device);
      } else if (what == 3) {
        counts.insert(got(stores.push->remove(user, device, "")));
      } else if (what == 4) {
        counts.insert(got(stores.deliveries->retry_dead({}, now())));
      } else {
        counts.insert(got(stores.deliveries->sweep(now() - std::chrono::seconds(1),
                                                   now() - std::chrono::seconds(3), 10'000)));
      }
    }
    ASSERT_LE(counts.size(), 1u);
  }

  std::mt19937_64 random_;
};

// Rows of the log and letters written at once have their numbers in any order: they are compared as sets.
TEST_P(NotifyRandom, does_what_the_fake_does) {
  const auto seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  random_.seed(seed);
  auto fake = open_memory_stores(std::make_shared<MemoryDatabase>(), kStepsKept, clock_);
  std::vector<Side> sides;
  sides.emplace_back(fake);
  sides.emplace_back(stores_);
  for (int step = 0; step < 400 && !HasFatalFailure(); ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    switch (up_to(9)) {
      case 0:
      case 1:
      case 2:
        mark(sides);
        break;
      case 3:
      case 4:
        judge(sides);
        break;
      case 5:
      case 6:
        deliver(sides);
        break;
      case 7:
        touch(sides);
        break;
      case 8:
        change(sides);
        break;
      default:
        clock_.advance(std::chrono::milliseconds(up_to(300)));
    }
    if (HasFatalFailure()) return;
    ASSERT_EQ(sides[1].tell_rest(in(10'000)), sides[0].tell_rest(in(10'000)));
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, NotifyRandom, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
