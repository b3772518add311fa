#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backend/mqtt/link.h"
#include "backend/store/directory_log.h"
#include "backend/store/message_store.h"
#include "base/clock.h"
#include "wire/control.h"
#include "wire/request.h"
#include "wire/topics.h"

// Fakes for the tests of control/: a broker with its plugin, a Directory log and a message store in memory. All thread-safe; `watch` waits
// for what a test expects.
namespace parley::backend {

class Watch {
 public:
  template <class Change>
  auto with(Change change) {
    std::lock_guard lock(mutex_);
    changed_.notify_all();
    return change();
  }
  template <class Condition>
  bool until(Condition condition, std::chrono::milliseconds deadline = std::chrono::seconds(60)) {
    std::unique_lock lock(mutex_);
    const auto end = std::chrono::steady_clock::now() + deadline;
    // Looks again now and then: not all that is waited for tells of its change.
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= end) return false;
      changed_.wait_for(lock, std::chrono::milliseconds(2));
    }
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

// Time that moves only when a test moves it, seen by several threads.
class ManualClock final : public Clock {
 public:
  WallTime wall() const override { return WallTime{std::chrono::milliseconds(now_ms_.load())}; }
  SteadyTime steady() const override { return SteadyTime{std::chrono::milliseconds(now_ms_.load())}; }
  void advance(std::chrono::milliseconds by) { now_ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_ms_{3'600'000};
};

class FakeDirectoryLog final : public DirectoryLog {
 public:
  explicit FakeDirectoryLog(Watch& watch) : watch_(watch) {}

  // A change of one user, with `entries` for the journal.
  std::uint64_t commit(const std::string& user, std::size_t entries = 0) {
    return watch_.with([&] {
      DirectoryStep step{
          ++current, {wire::UserPut{.name = user, .admin = false, .disabled = false, .scram = ""}}, {}};
      for (std::size_t i = 0; i < entries; ++i)
        step.entries.push_back({.room = 1,
                                .from = user,
                                .role = "",
                                .type = "member",
                                .ref = "d" + std::to_string(current) + "." + std::to_string(i),
                                .content = "{}"});
      steps.push_back(step);
      if (entries > 0) pending[step.version] = step;
      return current;
    });
  }

  Result<std::string> directory_id() override {
    return guarded<std::string>([&] { return id; });
  }
  Result<std::uint64_t> version() override {
    return guarded<std::uint64_t>([&] { return current; });
  }
  Result<std::vector<DirectoryStep>> steps_after(std::uint64_t version, std::uint32_t limit) override {
    return guarded<std::vector<DirectoryStep>>([&]() -> Result<std::vector<DirectoryStep>> {
      if (version < floor || version > current) return fail(Errc::not_found, "not that far back");
      std::vector<DirectoryStep> out;
      for (const auto& step : steps)
        if (step.version > version && out.size() < limit) out.push_back(step);
      return out;
    });
  }
  Result<std::uint64_t> snapshot(
      std::uint32_t part, const std::function<Result<>(std::vector<wire::DirectoryChange>)>& sink) override {
    if (before_snapshot) before_snapshot();
    std::vector<wire::DirectoryChange> all;
    const auto at = watch_.with([&] {
      for (const auto& step : steps) all.insert(all.end(), step.changes.begin(), step.changes.end());
      return current;
    });
    for (std::size_t i = 0; i < all.size(); i += part) {
      const auto end = std::min(all.size(), i + part);
      if (auto taken = sink(
              {all.begin() + static_cast<std::ptrdiff_t>(i), all.begin() + static_cast<std::ptrdiff_t>(end)});
          !taken)
        return std::unexpected(taken.error());
    }
    return at;
  }
  Result<std::vector<DirectoryStep>> unconfirmed_entries(std::uint32_t limit) override {
    return guarded<std::vector<DirectoryStep>>([&] {
      std::vector<DirectoryStep> out;
      for (const auto& [version, step] : pending)
        if (out.size() < limit) out.push_back({version, {}, step.entries});
      return out;
    });
  }
  Result<> entries_confirmed(std::uint64_t version) override {
    watch_.with([&] { pending.erase(version); });
    return {};
  }
  Result<std::uint64_t> renew_epochs() override {
    return guarded<std::uint64_t>([&] {
      floor = ++current;
      ++renewals;
      return std::uint64_t{1};
    });
  }

  std::string id = "dir-a";
  std::uint64_t current = 0, floor = 0;
  int renewals = 0;
  int fail_times = 0;
  std::vector<DirectoryStep> steps;
  std::map<std::uint64_t, DirectoryStep> pending;
  std::function<void()> before_snapshot;

 private:
  template <class T, class Read>
  Result<T> guarded(Read read) {
    return watch_.with([&]() -> Result<T> {
      if (fail_times > 0) {
        --fail_times;
        return fail(Errc::unavailable, "the database is away");
      }
      return read();
    });
  }
  Watch& watch_;
};

class FakeMessageStore final : public MessageStore {
 public:
  explicit FakeMessageStore(Watch& watch) : watch_(watch) {}
  Result<FeedPosition> position() override {
    return watch_.with([&]() -> Result<FeedPosition> {
      if (fail_times > 0) {
        --fail_times;
        return fail(Errc::unavailable, "the database is away");
      }
      return at;
    });
  }
  Result<> begin(std::uint64_t generation, const std::string& journal,
                 std::optional<std::uint64_t> restart_at) override {
    return watch_.with([&]() -> Result<> {
      if (fence) return fail(Errc::permission_denied, "a newer generation has stored");
      at = {journal, restart_at.value_or(at.offset), generation};
      return {};
    });
  }
  Result<StoreOutcome> store(std::uint64_t, std::uint64_t, std::uint64_t,
                             std::span<const wire::Record>) override {
    return StoreOutcome{};
  }
  Result<Page> page(const PageQuery&) override { return Page{}; }
  Result<Page> thread(const ThreadQuery&) override { return Page{}; }
  Result<std::map<Place, wire::Notes>> notes(std::span<const Place>) override {
    return std::map<Place, wire::Notes>{};
  }
  Result<std::uint64_t> last_seq(std::uint64_t) override { return 0; }
  Result<> block(const ErasedName&) override { return {}; }
  Result<EraseStep> erase_some(const ErasedUser&, const ErasePlace&, const NoteRooms&) override {
    return EraseStep{.finished = true};
  }
  Result<std::uint64_t> message_count() override { return 0; }

  FeedPosition at{"", 0, 0};
  bool fence = false;
  int fail_times = 0;

 private:
  Watch& watch_;
};

// A broker whose plugin obeys, unless `script` says otherwise for a command.
class ScriptedPlugin final : public Link {
 public:
  enum class Do { obey, say_nothing };
  using Script =
      std::function<std::optional<std::string>(const wire::Command&)>;  // the answer; "" none; nullopt obey

  explicit ScriptedPlugin(Watch& watch) : watch_(watch) {}

  // What the backend hears.
  std::function<void(std::string)> on_answer;
  std::function<void()> on_connected;
  std::function<void(std::string)> on_lost;

  void connect() {
    watch_.with([&] { up = true; });
    on_connected();
  }
  void lose() {
    if (watch_.with([&] { return up.exchange(false); })) on_lost("lost");
  }

  bool connected() const override { return up; }
  Result<> publish(Publication message) override {
    const auto command = wire::parse_command(message.payload);
    if (message.topic != wire::kControlTopic || !command) return fail(Errc::internal, "not a command");
    std::string reply;
    if (!watch_.with([&] {
          if (!up) return false;
          commands.push_back(*command);
          auto said = script ? script(*command) : std::nullopt;
          reply = said ? *said : obey(*command);
          return true;
        }))
      return fail(Errc::unavailable, "no connection");
    if (!reply.empty()) on_answer(reply);
    return {};
  }
  void subscribe(const std::string& filter, int, std::function<void(Result<>)> done) override {
    const auto answer = watch_.with([&] {
      subscriptions.push_back(filter);
      return subscribe_answer;
    });
    if (answer) done(*answer);
  }
  void unsubscribe(const std::string&) override {}
  void drop(const std::string&) override {
    watch_.with([&] { ++drops; });
    lose();
    if (watch_.with([&] { return reconnects; })) connect();
  }

  // The names of the commands so far, in order: "attach", "apply 3-5", "replace 0", "start 0", "append 2" …
  std::vector<std::string> said() {
    return watch_.with([&] {
      std::vector<std::string> out;
      for (const auto& c : commands) out.push_back(describe(c));
      return out;
    });
  }
  struct Names {
    const wire::Command& command;
    std::string operator()(const wire::DirectoryApply& a) {
      return "apply " + std::to_string(a.from) + "-" + std::to_string(a.to) +
             (a.entries.empty() ? "" : " +" + std::to_string(a.entries.size()));
    }
    std::string operator()(const wire::DirectoryReplace& r) {
      return "replace " + std::to_string(r.part) + (r.last ? " last" : "");
    }
    std::string operator()(const wire::FeedStart& s) { return "start " + std::to_string(s.offset); }
    std::string operator()(const wire::FeedAck& a) { return "ack " + std::to_string(a.offset); }
    std::string operator()(const wire::Append& a) { return "append " + std::to_string(a.entries.size()); }
    // The others by the name they go by.
    template <class Other>
    std::string operator()(const Other&) {
      return nlohmann::json::parse(wire::format_command(command))["cmd"];
    }
  };
  static std::string describe(const wire::Command& c) { return std::visit(Names{c}, c.body); }
  static std::string refuse(const wire::Command& c, wire::Code code) {
    return wire::format_failure(c.id, {code, std::string(wire::code_sentence(code))});
  }

  std::atomic<bool> up{false};
  bool reconnects = true;  // after a drop
  wire::AttachOk attach_ok{.generation = 0,
                           .journal = "j1",
                           .start = 0,
                           .end = 100,
                           .directory = "dir-a",
                           .directory_version = 0,
                           .renewed = false,
                           .lost_from = 0,
                           .lost_to = 0,
                           .reason = ""};
  std::optional<Result<>> subscribe_answer = Result<>{};
  Script script;
  std::vector<wire::Command> commands;
  std::vector<std::string> subscriptions;
  std::vector<wire::AppendEntry> journal;
  int drops = 0;

 private:
  std::string obey(const wire::Command& command) {
    nlohmann::json result = nlohmann::json::object();
    if (std::holds_alternative<wire::Attach>(command.body)) {
      ++attach_ok.generation;
      result = wire::to_json(attach_ok);
    } else if (const auto* apply = std::get_if<wire::DirectoryApply>(&command.body)) {
      if (apply->from > attach_ok.directory_version) return refuse(command, wire::Code::invalid_argument);
      attach_ok.directory_version = std::max(attach_ok.directory_version, apply->to);
      result = append(apply->entries);
    } else if (const auto* replace = std::get_if<wire::DirectoryReplace>(&command.body)) {
      if (replace->last) attach_ok.directory = replace->directory, attach_ok.directory_version = replace->to;
    } else if (const auto* entries = std::get_if<wire::Append>(&command.body)) {
      result = append(entries->entries);
    } else if (std::holds_alternative<wire::Kick>(command.body)) {
      result = {{"kicked", 1}};
    } else if (std::holds_alternative<wire::FeedAck>(command.body)) {
      return "";
    }
    return wire::format_reply(command.id, result);
  }
  nlohmann::json append(const std::vector<wire::AppendEntry>& entries) {
    nlohmann::json seqs = nlohmann::json::array();
    for (const auto& entry : entries) journal.push_back(entry), seqs.push_back(journal.size());
    return {{"seqs", seqs}};
  }

  Watch& watch_;
};

}  // namespace parley::backend
