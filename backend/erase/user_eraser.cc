#include "backend/erase/user_eraser.h"

#include <array>
#include <utility>

namespace parley::backend {
namespace {

constexpr std::array<std::string_view, 10> kStages{"block", "announce", "leave",    "messages", "acts",
                                                   "tell",  "devices",  "presence", "forget",   "finish"};

}  // namespace

UserEraser::UserEraser(Stores& stores, EraserSurroundings surroundings, Metrics& metrics, const Clock& clock,
                       LogSink log, const EraserOptions& options)
    : stores_(stores),
      around_(std::move(surroundings)),
      clock_(clock),
      log_(std::move(log)),
      options_(options),
      erased_rows_(metrics.counter("parley_erased_messages_total",
                                   "Messages that lost an erased user's name or content.")),
      failures_(metrics.counter("parley_erase_failures_total",
                                "Steps of erasing a user that failed and are tried again.")) {}

void UserEraser::activate() {
  {
    std::lock_guard lock(mutex_);
    active_ = true;
    waiting_ = false;
    ++turn_;
  }
  thread_.wake();
}

void UserEraser::deactivate() {
  std::lock_guard lock(mutex_);
  active_ = false;
  waiting_ = false;
  ++turn_;
}

EraseProgress UserEraser::progress() {
  std::lock_guard lock(mutex_);
  return progress_;
}

std::optional<SteadyTime> UserEraser::step() {
  {
    std::lock_guard lock(mutex_);
    if (!active_) current_.reset();  // another backend may go on with it
    if (!active_ || waiting_) return std::nullopt;
  }
  const auto begun = clock_.steady();
  if (!current_) {
    auto unfinished = stores_.erasures->unfinished();
    if (!unfinished) return begun + options_.retry;
    current_ = *std::move(unfinished);
    if (!current_) return std::nullopt;
    version_ = 0;
    std::lock_guard lock(mutex_);
    progress_ = {.pseudonym = current_->pseudonym};
    answer_.reset();
  }
  if (version_ == 0) {
    auto version = stores_.directory->version();
    if (!version) return begun + options_.retry;
    version_ = *version;
    go_to(Stage::block);
  }
  const auto next = work();
  if (!next) {
    failures_.add();
    std::lock_guard lock(mutex_);
    answer_.reset();
    return clock_.steady() + options_.retry;
  }
  if (*next == Next::wait) return std::nullopt;
  if (*next == Next::done && stage_ == Stage::finish) {
    current_.reset();
    std::lock_guard lock(mutex_);
    progress_ = {};
  } else if (*next == Next::done) {
    go_to(static_cast<Stage>(static_cast<int>(stage_) + 1));
  }
  const auto now = clock_.steady();
  return now + (now - begun);
}

void UserEraser::go_to(Stage stage) {
  stage_ = stage;
  asked_ = 0;
  act_ = 0;
  place_ = {};
  presence_until_.reset();
  held_until_.reset();
  held_ = false;
  std::lock_guard lock(mutex_);
  progress_.stage = kStages[static_cast<std::size_t>(stage)];
}

Result<UserEraser::Next> UserEraser::work() {
  switch (stage_) {
    case Stage::block:
      return block();
    case Stage::announce:
      return await_directory(version_);
    case Stage::leave:
      return leave();
    case Stage::messages:
      return messages();
    case Stage::acts:
      return acts();
    case Stage::tell:
      return tell();
    case Stage::devices:
      return devices();
    case Stage::presence:
      return presence();
    case Stage::forget:
      return forget();
    case Stage::finish:
      return finish();
  }
  return Next::done;
}

// `ask` is given what is to be called with the answer. Called again when that came: then the outcome is given.
template <class Ask>
Result<UserEraser::Next> UserEraser::ask(Ask&& ask) {
  std::uint64_t turn = 0;
  {
    std::lock_guard lock(mutex_);
    if (answer_) {
      const auto answer = *std::exchange(answer_, std::nullopt);
      if (!answer) return std::unexpected(answer.error());
      return Next::done;
    }
    waiting_ = true;
    turn = ++turn_;
  }
  ask([this, turn](Result<> answer) {
    {
      std::lock_guard lock(mutex_);
      if (turn != turn_) return;
      waiting_ = false;
      answer_ = std::move(answer);
    }
    thread_.wake();
  });
  std::lock_guard lock(mutex_);
  return waiting_ ? Next::wait : Next::more;
}

Result<UserEraser::Next> UserEraser::await_directory(std::uint64_t version) {
  return ask([&](auto done) { around_.broker.directory_changed(version, std::move(done)); });
}

// The name is gone already when this process goes on behind `forget`.
Result<UserEraser::Next> UserEraser::block() {
  if (current_->user.empty()) {
    go_to(Stage::finish);
    return Next::more;
  }
  auto blocked = stores_.messages->block(
      {.salt = current_->salt, .digest = current_->digest, .pseudonym = current_->pseudonym});
  if (!blocked) return std::unexpected(blocked.error());
  return Next::done;
}

Result<UserEraser::Next> UserEraser::leave() {
  auto left = stores_.erasures->leave_some(*current_);
  if (!left) return std::unexpected(left.error());
  if (left->version > 0) {
    version_ = left->version;
    around_.broker.directory_changed(version_, [](const Result<>&) {});
  }
  for (const auto room : left->rooms) around_.rooms.room_changed(room);
  return left->more ? Next::more : Next::done;
}

// What held rooms have is looked at again from the beginning: what is done already is passed over.
Result<UserEraser::Next> UserEraser::messages() {
  if (held_until_ && clock_.steady() < *held_until_)
    return fail(Errc::unavailable, "Rooms with messages of the user are held.");
  if (std::exchange(held_until_, std::nullopt)) go_to(Stage::messages);
  const ErasedUser who{current_->user, current_->pseudonym};
  auto step = stores_.messages->erase_some(who, place_, [this](const std::vector<std::uint64_t>& rooms) {
    return stores_.erasures->note_rooms(*current_, rooms);
  });
  if (!step) return std::unexpected(step.error());
  place_ = step->next;
  erased_rows_.add(static_cast<double>(step->changed));
  held_ = held_ || step->held;
  const bool wait = step->finished && held_;
  if (wait) held_until_ = clock_.steady() + options_.held_wait;
  std::lock_guard lock(mutex_);
  progress_.changed += step->changed;
  if (wait) progress_.stage = "held";
  return step->finished && !wait ? Next::done : Next::more;
}

Result<UserEraser::Next> UserEraser::acts() {
  auto last = stores_.erasures->rename_acts(*current_, act_);
  if (!last) return std::unexpected(last.error());
  act_ = last->value_or(0);
  return *last ? Next::more : Next::done;
}

Result<UserEraser::Next> UserEraser::tell() {
  auto told = stores_.erasures->tell_some(*current_);
  if (!told) return std::unexpected(told.error());
  if (told->version > 0) {
    version_ = told->version;
    around_.broker.directory_changed(version_, [](const Result<>&) {});
  }
  return told->value ? Next::more : Next::done;
}

// The broker's, in turn: that the account is disabled, what its devices left retained, its sessions and client ids.
Result<UserEraser::Next> UserEraser::devices() {
  auto asked = Result<Next>(Next::done);
  if (asked_ == 0) {
    asked = await_directory(version_);
  } else if (asked_ == 1) {
    asked = ask([&](auto done) {
      around_.read_retained("users/" + current_->user + "/devices/+/status",
                            [this, done = std::move(done)](Result<RetainedMessages> found) {
                              if (found) clear_statuses(*found);
                              done(found ? Result<>() : std::unexpected(found.error()));
                            });
    });
  } else {
    asked = ask([&](auto done) {
      around_.broker.forget_device(current_->user, "",
                                   [done = std::move(done)](Result<std::uint32_t> kicked) {
                                     done(kicked ? Result<>() : std::unexpected(kicked.error()));
                                   });
    });
  }
  if (!asked || *asked != Next::done) return asked;
  return ++asked_ == 3 ? Next::done : Next::more;
}

void UserEraser::clear_statuses(const RetainedMessages& found) {
  for (const auto& [topic, payload] : found.payloads)
    if (!payload.empty()) (void)around_.publisher.publish({.topic = topic, .retain = true});
}

// Whoever was connected is shown to be offline some seconds later; that is written down, and has to be over.
Result<UserEraser::Next> UserEraser::presence() {
  const auto now = clock_.steady();
  if (!presence_until_) presence_until_ = now + options_.presence_wait;
  auto rows = stores_.presence->get(std::span(&current_->user, 1));
  if (!rows) return std::unexpected(rows.error());
  const bool over = rows->empty() || rows->front().status == PresenceStatus::offline;
  if (!over && now < *presence_until_)
    return fail(Errc::unavailable, "The user's presence is not settled yet.");
  if (auto removed = stores_.presence->remove(current_->user); !removed)
    return std::unexpected(removed.error());
  return Next::done;
}

Result<UserEraser::Next> UserEraser::forget() {
  auto forgotten = stores_.erasures->forget(*current_);
  if (!forgotten) return std::unexpected(forgotten.error());
  if (!forgotten->value) {
    go_to(Stage::leave);
    return Next::more;
  }
  version_ = forgotten->version;
  current_->user.clear();
  return Next::done;
}

Result<UserEraser::Next> UserEraser::finish() {
  if (asked_ == 0) {
    auto in_force = await_directory(version_);
    if (!in_force || *in_force != Next::done) return in_force;
    asked_ = 1;
  }
  if (auto finished = stores_.erasures->finish(*current_); !finished)
    return std::unexpected(finished.error());
  log_(LogLevel::info, "a user was erased, and is " + current_->pseudonym + " from now on");
  return Next::done;
}

}  // namespace parley::backend
