// Planner, judge, composer and courier together, over the plainest stores, with a provider that does as it is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <set>

#include "backend/notify/courier.h"
#include "backend/notify/planner.h"
#include "tests/fakes/faulty_stores.h"
#include "tests/fakes/memory_stores.h"
#include "tests/fakes/records.h"

namespace parley::backend {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct Pushed {
  Notification what;
  Registration to;
};

class ScriptedProvider final : public Provider {
 public:
  ScriptedProvider(std::vector<Pushed>& pushed, std::deque<Delivery>& answers, std::deque<Done>& held)
      : pushed_(pushed), answers_(answers), held_(held) {}
  // As when all of parleyd was killed: what is under way never comes back.
  ~ScriptedProvider() override { held_.clear(); }

  std::string name() const override { return "fcm"; }
  std::size_t concurrency() const override { return 10; }
  void send(const Notification& notification, const Registration& to, Done done) override {
    pushed_.push_back({notification, to});
    if (const auto meanwhile = std::exchange(on_send, nullptr)) meanwhile();
    if (hang) return held_.push_back(std::move(done));
    if (answers_.empty()) return done({});
    auto answer = answers_.front();
    if (answers_.size() > 1 || !repeat) answers_.pop_front();
    done(answer);
  }
  static inline bool hang = false, repeat = false;
  static inline std::function<void()> on_send{};  // once

 private:
  std::vector<Pushed>& pushed_;
  std::deque<Delivery>& answers_;
  std::deque<Done>& held_;
};

// Somebody sees each page that is asked for; false: it can't be read.
class WatchedMessageStore final : public MessageStore {
 public:
  using Seen = std::function<bool(const PageQuery&)>;
  WatchedMessageStore(std::unique_ptr<MessageStore> inner, Seen seen)
      : inner_(std::move(inner)), seen_(std::move(seen)) {}

  Result<Page> page(const PageQuery& query) override {
    if (!seen_(query)) return fail(Errc::unavailable, "Its database is down.");
    return inner_->page(query);
  }
  Result<FeedPosition> position() override { return inner_->position(); }
  Result<> begin(std::uint64_t generation, const std::string& journal,
                 std::optional<std::uint64_t> restart_at) override {
    return inner_->begin(generation, journal, restart_at);
  }
  Result<StoreOutcome> store(std::uint64_t generation, std::uint64_t from, std::uint64_t to,
                             std::span<const wire::Record> records) override {
    return inner_->store(generation, from, to, records);
  }
  Result<Page> thread(const ThreadQuery& query) override { return inner_->thread(query); }
  Result<std::map<Place, wire::Notes>> notes(std::span<const Place> messages) override {
    return inner_->notes(messages);
  }
  Result<> block(const ErasedName& name) override { return inner_->block(name); }
  Result<EraseStep> erase_some(const ErasedUser& who, const ErasePlace& from,
                               const NoteRooms& note) override {
    return inner_->erase_some(who, from, note);
  }
  Result<std::uint64_t> last_seq(std::uint64_t room_id) override { return inner_->last_seq(room_id); }
  Result<std::uint64_t> message_count() override { return inner_->message_count(); }

 private:
  std::unique_ptr<MessageStore> inner_;
  Seen seen_;
};

class NotifyingTest : public testing::Test {
 protected:
  NotifyingTest() {
    ScriptedProvider::hang = ScriptedProvider::repeat = false;
    ScriptedProvider::on_send = nullptr;
    for (const char* name : {"alice", "bob", "carol"}) EXPECT_TRUE(stores.users->create({.name = name}));
    lab = stores.rooms
              ->create({.name = "lab",
                        .title = "The lab",
                        .members = {{"alice", wire::Role::owner}, {"bob"}, {"carol"}}})
              ->value.id;
    EXPECT_TRUE(stores.messages->begin(1, "journal", 0));
    push("bob", "bob-phone");
    start();
  }

  // A parleyd that is ready; a former one was killed.
  void start() {
    courier.reset();
    planner = std::make_unique<Planner>(
        stores,
        PlannerSurroundings{.attention = [this](const std::string& user) -> std::optional<Attention> {
                              if (!known) return std::nullopt;
                              const auto found = attention.find(user);
                              return found == attention.end() ? Attention::offline : found->second;
                            },
                            .jobs_ready = [] {}},
        metrics, clock, [](LogLevel, std::string_view) {}, options);
    planner->activate();
    courier = make_courier();
  }
  std::unique_ptr<Courier> make_courier() {
    return std::make_unique<Courier>(
        std::make_unique<ScriptedProvider>(pushed, answers, held), stores, composer, metrics, clock,
        [](LogLevel, std::string_view) {},
        CourierOptions{.by = "parleyd-" + std::to_string(++couriers), .attempts = 4, .window = 30s});
  }
  Registration push(const std::string& user, const std::string& device) {
    return *stores.push->put(
        {.user = user, .device = device, .provider = "fcm", .address = "token-" + device});
  }

  // Stores an entry, as the feed does; says which number it got.
  std::uint64_t enter(Records::Said said) {
    said.seq = ++seq;
    auto records = Records().say(lab, said);
    auto record = records.span()[0];
    record.at_ms = to_ms(clock.wall());
    std::string envelope(record.envelope);
    const auto at = envelope.find("\"at\":") + 5;
    envelope.replace(at, 13, std::to_string(record.at_ms));
    record.envelope = envelope;
    EXPECT_TRUE(stores.messages->store(1, offset, offset + 1, std::span(&record, 1)));
    ++offset;
    planner->messages_stored(lab, seq);
    return seq;
  }
  std::uint64_t say(const std::string& text, const std::string& from = "alice") {
    return enter({.from = from, .content = R"({"text":")" + text + "\"}"});
  }
  void read(const std::string& user, std::uint64_t upto) {
    const MarkRaise raise{.room_id = lab, .user = user, .to = {.received = upto, .read = upto}};
    ASSERT_TRUE(stores.marks->raise(std::span(&raise, 1)));
  }

  std::uint64_t room(const std::string& name) {
    return stores.rooms->create({.name = name, .members = {{"alice", wire::Role::owner}, {"bob"}, {"carol"}}})
        ->value.id;
  }
  std::uint64_t say_in(std::uint64_t room_id, const std::string& text) {
    const auto there = std::exchange(lab, room_id);
    const auto before = std::exchange(seq, *stores.messages->last_seq(room_id));
    const auto said = say(text);
    lab = there, seq = before;
    return said;
  }
  void watch_pages(WatchedMessageStore::Seen seen) {
    stores.messages = std::make_unique<WatchedMessageStore>(std::move(stores.messages), std::move(seen));
  }

  // Does what is due within `time`.
  void run_for(std::chrono::milliseconds time) {
    const auto end = clock.steady() + time;
    for (int i = 0; i < 20'000 && clock.steady() < end; ++i) {
      const auto planned = planner->step(), carried = courier->step();
      auto next = std::min(planned.value_or(end), carried.value_or(end));
      next = std::min(next, end);
      if (next > clock.steady())
        clock.advance(std::chrono::ceil<std::chrono::milliseconds>(next - clock.steady()));
    }
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const auto& push : pushed) all.push_back(push.to.device + ": " + push.what.text);
    return all;
  }
  std::vector<std::string> outcomes() {
    std::vector<std::string> all;
    const auto rows = stores.deliveries->log({});
    for (const auto& row : *rows)
      all.insert(all.begin(), row.outcome + (row.reason.empty() ? "" : " " + row.reason));
    return all;
  }

  FakeClock clock;
  Stores stores = open_memory_stores(std::make_shared<MemoryDatabase>(), 100, clock);
  Metrics metrics;
  Composer composer{stores, ContentPolicy::full, 24h};
  PlannerOptions options{.judge = {.times = {.delay = 5s, .away_delay = 60s, .max_age = 24h}}};
  std::map<std::string, Attention> attention;
  bool known = true;
  std::vector<Pushed> pushed;
  std::deque<Delivery> answers;
  std::deque<Provider::Done> held;
  std::uint64_t lab = 0, seq = 0, offset = 0;
  int couriers = 0;
  std::unique_ptr<Planner> planner;
  std::unique_ptr<Courier> courier;
};

TEST_F(NotifyingTest, whoever_is_away_is_told_once_and_after_the_delay) {
  say("hi");
  run_for(4s);
  EXPECT_THAT(texts(), IsEmpty());
  run_for(10min);
  ASSERT_THAT(texts(), ElementsAre("bob-phone: hi"));
  const auto& what = pushed[0].what;
  EXPECT_EQ(what.kind, Notification::Kind::message);
  EXPECT_EQ(what.room, "lab");
  EXPECT_EQ(what.room_title, "The lab");
  EXPECT_EQ(what.from, "alice");
  EXPECT_EQ(what.seq, 1u);
  EXPECT_EQ(what.count, 1u);
  EXPECT_EQ(what.badge, 1u);
  EXPECT_FALSE(what.mention);
  EXPECT_EQ(what.collapse.size(), 32u);
  EXPECT_THAT(outcomes(), ElementsAre("sent"));
}

TEST_F(NotifyingTest, nobody_is_told_of_their_own_message) {
  say("my own", "bob");
  run_for(10min);
  EXPECT_THAT(texts(), IsEmpty());
}

TEST_F(NotifyingTest, each_device_is_told) {
  push("bob", "bob-pad");
  push("carol", "carol-phone");
  say("hi", "carol");
  run_for(10min);
  EXPECT_THAT(texts(), testing::UnorderedElementsAre("bob-phone: hi", "bob-pad: hi"));
}

TEST_F(NotifyingTest, what_was_read_elsewhere_meanwhile_is_not_told) {
  say("hi");
  run_for(4s);
  read("bob", 1);
  run_for(10min);
  EXPECT_THAT(texts(), IsEmpty());
  EXPECT_THAT(outcomes(), ElementsAre("dropped read"));
}

TEST_F(NotifyingTest, what_was_read_between_the_verdict_and_the_sending_is_not_told) {
  ScriptedProvider::repeat = true;
  answers = {{.what = Delivery::What::retry, .reason = "busy"}};
  say("hi");
  run_for(6s);
  ASSERT_THAT(pushed, SizeIs(1));
  read("bob", 1);
  run_for(10min);
  EXPECT_THAT(pushed, SizeIs(1));
  EXPECT_THAT(outcomes(), ElementsAre("retry busy", "dropped read"));
}

TEST_F(NotifyingTest, messages_of_one_window_are_one_notification_with_their_number) {
  say("one");
  run_for(1s);
  say("two");
  say("three");
  run_for(8s);
  ASSERT_THAT(texts(), ElementsAre("bob-phone: three"));
  EXPECT_EQ(pushed[0].what.count, 3u);
  say("four");
  run_for(1s);
  say("five");
  run_for(15s);
  EXPECT_THAT(pushed, SizeIs(1)) << "the next one waits for the window";
  run_for(30s);
  ASSERT_THAT(texts(), ElementsAre("bob-phone: three", "bob-phone: five"));
  EXPECT_EQ(pushed[1].what.count, 5u);
  EXPECT_EQ(pushed[1].what.collapse, pushed[0].what.collapse);
  EXPECT_NE(pushed[1].what.id, pushed[0].what.id);
}

TEST_F(NotifyingTest, an_edit_is_shown_and_a_deletion_takes_it_away) {
  say("hi");
  run_for(10s);
  enter({.type = "edit", .content = R"({"target":1,"text":"ho"})"});
  run_for(2min);
  enter({.type = "delete", .content = R"({"target":1})"});
  run_for(10min);
  ASSERT_THAT(texts(), ElementsAre("bob-phone: hi", "bob-phone: ho", "bob-phone: "));
  EXPECT_EQ(pushed[1].what.kind, Notification::Kind::updated);
  EXPECT_EQ(pushed[2].what.kind, Notification::Kind::withdrawn);
  EXPECT_EQ(pushed[2].what.from, "");
  EXPECT_EQ(pushed[1].what.collapse, pushed[0].what.collapse);
  EXPECT_EQ(pushed[2].what.collapse, pushed[0].what.collapse);
  EXPECT_THAT(outcomes(), ElementsAre("sent", "updated", "withdrawn"));
}

TEST_F(NotifyingTest, what_was_edited_or_deleted_before_is_told_as_it_is_then) {
  say("one");
  say("two");
  enter({.type = "edit", .content = R"({"target":1,"text":"uno"})"});
  enter({.type = "delete", .content = R"({"target":2})"});
  run_for(10min);
  EXPECT_THAT(texts(), ElementsAre("bob-phone: uno"));
  say("three");
  run_for(2s);
  enter({.type = "delete", .content = R"({"target":5})"});
  run_for(10min);
  EXPECT_THAT(pushed, SizeIs(1));
  EXPECT_THAT(outcomes(), ElementsAre("sent", "dropped deleted"));
}

TEST_F(NotifyingTest, a_failed_attempt_is_made_again_with_the_same_id) {
  answers = {{.what = Delivery::What::retry, .reason = "busy"},
             {.what = Delivery::What::retry, .reason = "busy"}};
  say("hi");
  run_for(1min);
  ASSERT_THAT(pushed, SizeIs(3));
  EXPECT_EQ(pushed[0].what.id, pushed[2].what.id);
  EXPECT_THAT(outcomes(), ElementsAre("retry busy", "retry busy", "sent"));
}

TEST_F(NotifyingTest, a_retry_tells_of_the_same_messages_and_the_next_one_of_the_rest) {
  answers = {{.what = Delivery::What::retry, .reason = "reset"}};
  say("one");
  run_for(5'100ms);
  ASSERT_THAT(pushed, SizeIs(1));
  say("two");
  run_for(2min);
  ASSERT_THAT(texts(), ElementsAre("bob-phone: one", "bob-phone: one", "bob-phone: two"));
  EXPECT_EQ(pushed[0].what.id, pushed[1].what.id);
  EXPECT_NE(pushed[1].what.id, pushed[2].what.id);
}

TEST_F(NotifyingTest, attempts_are_bounded_and_a_dead_letter_can_be_tried_anew) {
  ScriptedProvider::repeat = true;
  answers = {{.what = Delivery::What::retry, .reason = "busy"}};
  say("hi");
  run_for(1h);
  EXPECT_THAT(pushed, SizeIs(4));
  const auto letters = stores.deliveries->dead(0, 10);
  ASSERT_THAT(*letters, SizeIs(1));
  EXPECT_EQ((*letters)[0].reason, "given up after 4 attempts: busy");
  answers.clear();
  const auto id = (*letters)[0].id;
  EXPECT_EQ(*stores.deliveries->retry_dead(std::span(&id, 1), clock.wall()), 1u);
  run_for(1min);
  ASSERT_THAT(pushed, SizeIs(5));
  EXPECT_EQ(pushed[4].what.id, pushed[0].what.id);
  EXPECT_THAT(*stores.deliveries->dead(0, 10), IsEmpty());
}

TEST_F(NotifyingTest, the_provider_may_say_how_long_to_wait) {
  answers = {{.what = Delivery::What::retry, .reason = "quota", .after = 90s}};
  say("hi");
  run_for(90s);
  EXPECT_THAT(pushed, SizeIs(1));
  run_for(30s);
  EXPECT_THAT(pushed, SizeIs(2));
}

TEST_F(NotifyingTest, a_refused_one_is_a_dead_letter_and_the_next_goes_on) {
  answers = {{.what = Delivery::What::refused, .reason = "payload"}};
  say("hi");
  run_for(1min);
  EXPECT_THAT(outcomes(), ElementsAre("dead payload"));
  say("again");
  run_for(1min);
  EXPECT_THAT(texts(), ElementsAre("bob-phone: hi", "bob-phone: again"));
}

TEST_F(NotifyingTest, what_a_provider_says_is_made_fit_for_the_log) {
  answers = {
      {.what = Delivery::What::refused, .reason = std::string("no\0pe\n\xFF", 7) + std::string(1'000, 'x')}};
  say("hi");
  run_for(1min);
  ASSERT_THAT(outcomes(), SizeIs(1));
  EXPECT_TRUE(outcomes()[0].starts_with("dead no pe "));
  EXPECT_LT(outcomes()[0].size(), 320u);
}

TEST_F(NotifyingTest, a_dead_target_is_pruned) {
  answers = {{.what = Delivery::What::target_dead, .reason = "UNREGISTERED"}};
  say("hi");
  run_for(1min);
  EXPECT_THAT(*stores.push->list("bob"), IsEmpty());
  EXPECT_THAT(outcomes(), ElementsAre("pruned UNREGISTERED"));
  say("again");
  run_for(1min);
  EXPECT_THAT(pushed, SizeIs(1));
}

TEST_F(NotifyingTest, a_misconfigured_provider_uses_up_no_attempts) {
  ScriptedProvider::repeat = true;
  answers = {{.what = Delivery::What::misconfigured, .reason = "bad key"}};
  say("hi");
  run_for(30min);
  EXPECT_GT(pushed.size(), 10u);
  answers.clear();
  run_for(2min);
  EXPECT_EQ(outcomes().back(), "sent");
  EXPECT_THAT(*stores.deliveries->dead(0, 10), IsEmpty());
}

TEST_F(NotifyingTest, what_can_not_be_sent_in_time_is_a_dead_letter) {
  ScriptedProvider::repeat = true;
  answers = {{.what = Delivery::What::misconfigured, .reason = "bad key"}};
  say("hi");
  run_for(1min);
  clock.advance(25h);
  run_for(1min);
  const auto letters = stores.deliveries->dead(0, 10);
  ASSERT_THAT(*letters, SizeIs(1));
  EXPECT_EQ((*letters)[0].reason, "too old to be sent");
}

TEST_F(NotifyingTest, what_a_killed_parleyd_had_claimed_is_sent_again_with_the_same_id) {
  ScriptedProvider::hang = true;
  say("hi");
  run_for(6s);
  ASSERT_THAT(pushed, SizeIs(1));
  ScriptedProvider::hang = false;
  start();
  run_for(80s);
  EXPECT_THAT(pushed, SizeIs(1)) << "the claim holds";
  run_for(20s);
  ASSERT_THAT(pushed, SizeIs(2));
  EXPECT_EQ(pushed[0].what.id, pushed[1].what.id);
}

TEST_F(NotifyingTest, one_that_hangs_holds_up_no_more_than_its_share) {
  ScriptedProvider::hang = true;
  for (int i = 0; i < 15; ++i) push("carol", "carol-" + std::to_string(i));
  say("hi");
  run_for(1min);
  EXPECT_THAT(pushed, SizeIs(10)) << "the provider's concurrency";
}

TEST_F(NotifyingTest, what_a_killed_planner_had_not_looked_at_is_found_by_the_next) {
  known = false;
  say("hi");
  run_for(1s);
  known = true;
  start();
  run_for(1min);
  EXPECT_THAT(texts(), ElementsAre("bob-phone: hi"));
}

TEST_F(NotifyingTest, nobody_is_judged_before_connections_are_known) {
  known = false;
  say("hi");
  run_for(1min);
  EXPECT_THAT(pushed, IsEmpty());
  attention["bob"] = Attention::online;
  known = true;
  run_for(10min);
  EXPECT_THAT(pushed, IsEmpty());
}

TEST_F(NotifyingTest, an_idle_desktop_does_not_silence_the_phone) {
  attention["bob"] = Attention::away;
  say("hi");
  run_for(59s);
  EXPECT_THAT(pushed, IsEmpty());
  run_for(10s);
  EXPECT_THAT(texts(), ElementsAre("bob-phone: hi"));
}

TEST_F(NotifyingTest, a_connection_that_turns_out_dead_does_not_swallow_a_message) {
  attention["bob"] = Attention::online;
  say("hi");
  run_for(30s);
  attention["bob"] = Attention::offline;
  run_for(40s);
  EXPECT_THAT(texts(), ElementsAre("bob-phone: hi"));
}

TEST_F(NotifyingTest, whoever_stays_online_is_not_told) {
  attention["bob"] = Attention::online;
  say("hi");
  run_for(10min);
  EXPECT_THAT(pushed, IsEmpty());
  EXPECT_THAT(outcomes(), ElementsAre("dropped online"));
}

TEST_F(NotifyingTest, quiet_hours_put_it_off_to_their_end) {
  // The clock begins at 2026-11-22 02:31:13 UTC.
  ASSERT_TRUE(stores.push->set_quiet_hours("bob", {.from = 0, .to = 4 * 60, .zone = ""}));
  say("one");
  run_for(1h);
  say("two");
  run_for(28min);
  EXPECT_THAT(pushed, IsEmpty());
  run_for(2min);
  ASSERT_THAT(texts(), ElementsAre("bob-phone: two"));
  EXPECT_EQ(pushed[0].what.count, 2u);
}

TEST_F(NotifyingTest, mentions_are_told_where_nothing_else_is) {
  ASSERT_TRUE(stores.push->set_room("bob", lab, {.level = NotifyLevel::mentions}));
  say("hi all");
  run_for(1min);
  EXPECT_THAT(pushed, IsEmpty());
  say("hi @Bob");
  say("more");
  run_for(1min);
  ASSERT_THAT(texts(), ElementsAre("bob-phone: hi @Bob"));
  EXPECT_TRUE(pushed[0].what.mention);
}

TEST_F(NotifyingTest, muted_and_blocked_are_not_told) {
  ASSERT_TRUE(stores.push->set_room("bob", lab, {.muted_until = clock.wall() + 1h}));
  say("muted");
  run_for(2h);
  ASSERT_TRUE(stores.push->set_blocked("bob", "alice", true));
  say("blocked");
  run_for(10min);
  EXPECT_THAT(pushed, IsEmpty());
  say("from carol", "carol");
  run_for(10min);
  EXPECT_THAT(texts(), ElementsAre("bob-phone: from carol"));
}

TEST_F(NotifyingTest, whoever_leaves_before_it_is_due_is_not_told) {
  say("hi");
  run_for(2s);
  ASSERT_TRUE(stores.rooms->change_member({.room_id = lab, .user = "bob", .role = wire::Role::none}));
  run_for(10min);
  EXPECT_THAT(pushed, IsEmpty());
}

TEST_F(NotifyingTest, imported_messages_tell_nobody) {
  enter({.flags = wire::kRecordImported});
  run_for(10min);
  EXPECT_THAT(pushed, IsEmpty());
}

TEST_F(NotifyingTest, a_user_is_not_told_more_often_than_the_pace) {
  options.judge.user_per_minute = 1;
  start();
  const auto den =
      stores.rooms->create({.name = "den", .members = {{"alice", wire::Role::owner}, {"bob"}}})->value.id;
  say("in the lab");
  lab = den, seq = 0;
  say("in the den");
  run_for(10s);
  EXPECT_THAT(pushed, SizeIs(1));
  run_for(2min);
  EXPECT_THAT(pushed, SizeIs(2));
}

TEST_F(NotifyingTest, a_mail_tells_of_all_rooms_that_are_unread_after_its_delay) {
  ASSERT_TRUE(stores.push->put(
      {.user = "bob", .device = "email", .provider = "email", .address = "bob@example.org"}));
  const auto lab_id = lab;
  const auto others = [&](const std::string& name) {
    lab = stores.rooms->create({.name = name, .members = {{"alice", wire::Role::owner}, {"bob"}}})->value.id;
    seq = 0;
    say("in the " + name);
    return lab;
  };
  say("in the lab");
  others("den");
  const auto muted = others("hall");
  ASSERT_TRUE(stores.push->set_room("bob", muted, {.muted_until = kForever}));
  run_for(14min);
  EXPECT_THAT(*stores.deliveries->claim("email", "me", 10, clock.wall(), clock.wall() + 1min), IsEmpty());
  run_for(2min);
  const auto jobs = stores.deliveries->claim("email", "me", 10, clock.wall(), clock.wall() + 1min);
  ASSERT_THAT(*jobs, SizeIs(1)) << "one mail for all";
  const auto mail = composer.compose(jobs->front());
  ASSERT_TRUE(mail->notification);
  EXPECT_EQ(mail->notification->kind, Notification::Kind::digest);
  std::vector<std::string> lines;
  for (const auto& line : mail->notification->lines)
    lines.push_back(line.room + " " + std::to_string(line.count) + " " + line.from + ": " + line.text);
  EXPECT_THAT(lines, ElementsAre("den 1 alice: in the den", "The lab 1 alice: in the lab"));
  EXPECT_EQ(mail->notification->count, 2u);
  EXPECT_EQ(mail->notification->badge, 3u);

  for (const auto room : {lab_id, lab, muted}) {
    const MarkRaise raise{.room_id = room, .user = "bob", .to = {.received = 1, .read = 1}};
    ASSERT_TRUE(stores.marks->raise(std::span(&raise, 1)));
  }
  const auto den = stores.rooms->find("den")->id;
  const MarkRaise raise{.room_id = den, .user = "bob", .to = {.received = 1, .read = 1}};
  ASSERT_TRUE(stores.marks->raise(std::span(&raise, 1)));
  EXPECT_EQ(composer.compose(jobs->front())->reason, "read");
}

TEST_F(NotifyingTest, policy_decides_what_leaves_the_house) {
  say("secret");
  const NotifyJob job{.user = "bob", .room_id = lab, .want_seq = 1, .notice = "N1", .notice_seq = 1};
  const auto sender = *Composer(stores, ContentPolicy::sender, 24h).compose(job)->notification;
  EXPECT_EQ(sender.text, "");
  EXPECT_EQ(sender.from, "alice");
  const auto wake = *Composer(stores, ContentPolicy::wake, 24h).compose(job)->notification;
  EXPECT_EQ(wake.text + wake.from + wake.room + wake.room_title + wake.type, "");
  EXPECT_EQ(wake.seq + wake.count, 0u);
  EXPECT_EQ(wake.badge, 1u);
  EXPECT_NE(wake.collapse, "");
}

TEST_F(NotifyingTest, a_connection_that_turns_out_dead_does_not_swallow_the_later_of_two_messages) {
  attention["bob"] = Attention::online;
  say("one");
  run_for(55s);
  say("two");
  run_for(30s);
  attention["bob"] = Attention::offline;
  run_for(40s);
  EXPECT_THAT(texts(), ElementsAre("bob-phone: two"));
}

TEST_F(NotifyingTest, whoever_is_disabled_before_it_is_sent_is_not_told) {
  answers = {{.what = Delivery::What::retry, .reason = "busy", .after = 60s}};
  say("hi");
  run_for(10s);
  ASSERT_THAT(pushed, SizeIs(1));
  ASSERT_TRUE(stores.users->update("bob", {.disabled = true}));
  run_for(10min);
  EXPECT_THAT(pushed, SizeIs(1));
}

TEST_F(NotifyingTest, what_is_told_instead_of_a_deleted_message_is_nothing_of_a_blocked_sender) {
  ASSERT_TRUE(stores.push->set_blocked("bob", "carol", true));
  say("from carol", "carol");
  say("from alice");
  run_for(2s);
  enter({.type = "delete", .content = R"({"target":2})"});
  run_for(10min);
  EXPECT_THAT(texts(), IsEmpty());
}

TEST_F(NotifyingTest, a_message_before_many_reactions_and_a_deleted_one_is_told) {
  say("hi");
  for (int i = 0; i < 30; ++i)
    enter({.from = "carol", .type = "reaction", .content = R"({"target":1,"key":"+","on":true})"});
  const auto oops = say("oops");
  run_for(2s);
  enter({.type = "delete", .content = R"({"target":)" + std::to_string(oops) + "}"});
  run_for(10min);
  EXPECT_THAT(texts(), ElementsAre("bob-phone: hi"));
}

TEST_F(NotifyingTest, a_room_that_was_restored_to_before_its_cursor_is_told_of) {
  say("one");
  run_for(1min);
  ASSERT_TRUE(stores.notify->set_cursor(lab, 1'000));
  say("two");
  run_for(1min);
  EXPECT_THAT(texts(), ElementsAre("bob-phone: one", "bob-phone: two"));
}

TEST_F(NotifyingTest, rooms_that_can_not_be_looked_at_hold_up_no_others) {
  std::set<std::uint64_t> broken;
  for (int i = 0; i < 8; ++i) broken.insert(room("broken-" + std::to_string(i)));
  watch_pages([&](const PageQuery& query) { return !broken.contains(query.room_id); });
  for (const auto id : broken) say_in(id, "lost for now");
  std::vector<std::uint64_t> whole;
  for (int i = 0; i < 8; ++i) whole.push_back(room("whole-" + std::to_string(i)));
  for (const auto id : whole) say_in(id, "hi");
  run_for(10s);
  EXPECT_THAT(pushed, SizeIs(8));
  broken.clear();
  run_for(1min);
  EXPECT_THAT(pushed, SizeIs(16));
}

TEST_F(NotifyingTest, busy_rooms_that_take_long_hold_up_no_others) {
  std::set<std::uint64_t> rooms;
  for (int i = 0; i < 3; ++i) rooms.insert(room("room-" + std::to_string(i)));
  const auto last = *rooms.rbegin();
  bool looked_at = false;
  watch_pages([&](const PageQuery& query) {
    looked_at |= query.room_id == last;
    if (query.after) clock.advance(1'500ms);
    return true;
  });
  for (const auto id : rooms) say_in(id, "hi");
  for (int i = 0; i < 20; ++i) {
    (void)planner->step();
    for (const auto id : rooms)
      if (id != last) say_in(id, "and more");
  }
  EXPECT_TRUE(looked_at);
}

TEST_F(NotifyingTest, a_pass_that_was_under_way_when_a_new_one_began_leaves_no_room_out) {
  FaultPlan plan;
  auto inner = std::move(stores.notify);
  stores.notify = std::make_unique<FaultyNotifyStore>(*inner, plan);
  plan.plan([&](std::uint64_t call) -> std::optional<Fault> {
    if (call != 3) return std::nullopt;  // the cursors of the rooms that have been listed
    planner->deactivate();
    say("hi");
    planner->activate();
    return std::nullopt;
  });
  run_for(1min);
  EXPECT_THAT(texts(), ElementsAre("bob-phone: hi"));
  stores.notify = std::move(inner);
}

TEST_F(NotifyingTest, a_digest_is_made_where_only_some_rooms_are_told_of) {
  options.judge.default_level = NotifyLevel::none;
  options.email_delay = 1min;
  start();
  ASSERT_TRUE(stores.push->put(
      {.user = "carol", .device = "mail", .provider = "email", .address = "carol@example.org"}));
  ASSERT_TRUE(stores.push->set_room("carol", lab, {.level = NotifyLevel::all}));
  say("hi");
  run_for(5min);
  EXPECT_THAT(pushed, IsEmpty());
  const auto queues = *stores.deliveries->queues();
  ASSERT_THAT(queues, SizeIs(1));
  EXPECT_EQ(queues[0].ready, 1u);
}

TEST_F(NotifyingTest, a_room_nothing_is_known_of_holds_up_no_verdict_on_others) {
  options.email_delay = 20s;
  start();
  ASSERT_TRUE(stores.push->put(
      {.user = "carol", .device = "mail", .provider = "email", .address = "carol@example.org"}));
  say("hi");
  run_for(4s);
  FaultPlan plan;
  bool down = true;
  plan.plan([&](std::uint64_t) { return down ? std::optional(Fault{}) : std::nullopt; });
  auto inner = std::move(stores.rooms);
  stores.rooms = std::make_unique<FaultyRoomStore>(*inner, plan);
  run_for(1min);
  EXPECT_THAT(pushed, IsEmpty());
  const auto queues = *stores.deliveries->queues();
  EXPECT_EQ(std::ranges::find(queues, "email", &NotifyQueue::provider)->ready, 1u);
  down = false;
  run_for(1min);
  EXPECT_THAT(texts(), ElementsAre("bob-phone: hi"));
  stores.rooms = std::move(inner);
}

TEST_F(NotifyingTest, a_digest_has_the_rooms_that_are_told_of) {
  say_in(room("den"), "hi @bob");
  say("hi all");
  const NotifyJob job{.user = "bob", .want_seq = 1, .notice = "N1", .notice_seq = 1};
  const auto lines = [&](NotifyLevel level) {
    std::vector<std::string> rooms;
    const auto made = Composer(stores, ContentPolicy::full, 24h, {.level = level}).compose(job);
    if (made->notification)
      for (const auto& line : made->notification->lines) rooms.push_back(line.room);
    return rooms;
  };
  EXPECT_THAT(lines(NotifyLevel::all), ElementsAre("den", "The lab"));
  EXPECT_THAT(lines(NotifyLevel::mentions), ElementsAre("den"));
  EXPECT_THAT(lines(NotifyLevel::none), IsEmpty());
}

TEST_F(NotifyingTest, what_was_claimed_long_ago_is_left_to_whoever_claims_it_next) {
  for (int i = 0; i < 3; ++i) push("carol", "carol-" + std::to_string(i));
  const auto other = make_courier();
  ScriptedProvider::on_send = [&] {
    clock.advance(100s);  // longer than the claim
    (void)other->step();
  };
  say("hi");
  run_for(10min);
  std::map<std::string, int> times;
  for (const auto& push : pushed) ++times[push.to.device];
  EXPECT_THAT(times, SizeIs(4));
  EXPECT_THAT(pushed, SizeIs(5)) << "but for the one that was under way, once";
}

TEST_F(NotifyingTest, a_provider_that_hangs_has_nothing_churned_while_it_is_tried) {
  answers = {5, {.what = Delivery::What::retry, .reason = "down"}};
  for (int i = 0; i < 19; ++i) push("carol", "carol-" + std::to_string(i));
  say("hi");
  run_for(6s);
  ScriptedProvider::hang = true;
  run_for(5min);
  const auto rows = *stores.deliveries->log({.limit = 1'000});
  EXPECT_LT(rows.size(), 30u);
  EXPECT_LE(held.size(), 4u);
}

TEST_F(NotifyingTest, what_can_not_be_composed_fills_no_log) {
  bool down = false;
  watch_pages([&](const PageQuery& query) { return !down || query.after; });
  say("hi");
  run_for(4s);
  down = true;
  run_for(2h);
  EXPECT_THAT(outcomes(), IsEmpty());
  down = false;
  run_for(2min);
  EXPECT_THAT(outcomes(), ElementsAre("sent"));
}

TEST_F(NotifyingTest, a_room_with_nothing_new_is_not_read_when_it_is_first_looked_at) {
  for (int i = 0; i < 100; ++i) say("old");
  start();
  clock.advance(48h);
  std::size_t read = 0;
  watch_pages([&](const PageQuery& query) {
    read += query.limit;
    return true;
  });
  start();
  run_for(1min);
  EXPECT_THAT(pushed, IsEmpty());
  EXPECT_LE(read, 1u);
  EXPECT_EQ(stores.notify->cursors(std::span(&lab, 1))->front(), 100u);
}

}  // namespace
}  // namespace parley::backend
