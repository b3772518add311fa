#include "plugin/broker/parley.h"

#include <future>

#include "wire/topics.h"

namespace parley::plugin {
namespace {

std::unexpected<Error> in_data_dir(const Error& error) {
  return fail(error.code, "plugin_opt_data_dir: " + error.message);
}

// A log for a thread beside the broker's: keeps the lines until they are let through, and hands on what comes later.
class LinesOfAThread {
 public:
  LogSink sink(Core& core) const {
    return [&core, held = held_](LogLevel level, std::string_view line) {
      if (*held)
        (*held)->emplace_back(level, line);
      else
        core.log(level, line);
    };
  }
  // When the thread has ended.
  void let_through(Core& core) {
    for (const auto& [level, line] : **held_) core.log(level, line);
    held_->reset();
  }

 private:
  using Lines = std::vector<std::pair<LogLevel, std::string>>;
  std::shared_ptr<std::optional<Lines>> held_ = std::make_shared<std::optional<Lines>>(Lines());
};

Result<> open_journal(Core& core) {
  const Options& o = core.options;
  JournalOptions options;
  options.segment_bytes = o.journal_segment_bytes;
  options.max_bytes = o.journal_max_bytes;
  options.sync = o.journal_sync;
  if (o.journal_sync == SyncPolicy::interval) options.sync_interval = o.journal_sync_interval;
  options.ref_window = o.ref_window;
  options.ref_max = o.ref_max;
  options.log = [&core](LogLevel level, std::string_view line) { core.log(level, line); };
  auto journal = Journal::open(o.data_dir / "journal", options);
  if (!journal) return in_data_dir(journal.error());
  core.journal = std::move(*journal);
  core.sequencer = std::make_unique<LocalSequencer>(*core.journal);
  auto feed = Feed::open(*core.journal, {});
  if (!feed) return in_data_dir(feed.error());
  core.feed = std::move(*feed);
  return {};
}

Result<> open_directory(Core& core, const LogSink& log) {
  DurableDirectoryOptions options;
  options.log = log;
  auto directory = DurableDirectory::open(core.options.data_dir / "directory", options);
  if (!directory) return in_data_dir(directory.error());
  core.directory = std::move(*directory);
  return {};
}

Result<> open_client_ids(Core& core) {
  const Options& o = core.options;
  ClientIdOptions ids;
  ids.hold = o.client_id_hold;
  ids.per_user_max = o.client_ids_per_user;
  auto opened = ClientIds::open(o.data_dir / "clients", ids, core.clock.wall(),
                                [&core](LogLevel level, std::string_view line) { core.log(level, line); });
  if (!opened) return in_data_dir(opened.error());
  core.client_ids = std::move(*opened);
  return {};
}

Result<> open_bans(Core& core) {
  auto opened = Bans::open(core.options.data_dir / "bans", core.clock.wall(),
                           [&core](LogLevel level, std::string_view line) { core.log(level, line); });
  if (!opened) return in_data_dir(opened.error());
  core.bans = std::move(*opened);
  core.admission = std::make_unique<Admission>(admission_options(core.options), core.bans->list());
  return {};
}

// The Directory by a thread of its own meanwhile: with millions of memberships and a long journal each takes a second.
Result<> open_files(Core& core) {
  LinesOfAThread lines;
  auto directory = std::async(std::launch::async, [&] { return open_directory(core, lines.sink(core)); });
  auto journal = open_journal(core);
  auto opened = directory.get();
  lines.let_through(core);
  if (!opened) return opened;
  if (!journal) return journal;
  if (auto ids = open_client_ids(core); !ids) return ids;
  return open_bans(core);
}

}  // namespace

AdmissionOptions admission_options(const Options& o) {
  AdmissionOptions a;
  a.connects = {o.connect_rate, o.connect_burst};
  a.failures.pair.free = o.login_failures;
  a.failures.address.free = o.login_failures_address;
  a.failures.user.free = o.login_failures_user;
  a.failures.pair.lock_first = a.failures.address.lock_first = o.login_lock;
  a.failures.user.lock_first = std::min<std::chrono::seconds>(o.login_lock, a.failures.user.lock_max);
  a.failures.pair.lock_max = a.failures.address.lock_max = o.login_lock_max;
  a.failures.user.lock_max = std::min<std::chrono::seconds>(o.login_lock_max, a.failures.user.lock_max);
  a.flap_connects = o.flap_connects;
  a.flap_window = o.flap_window;
  a.flap_ban = o.flap_ban;
  a.trusted = o.trusted_networks;
  return a;
}

Result<std::unique_ptr<Parley>> Parley::open(const Options& options, BrokerApi& broker, const Clock& clock) {
  std::error_code ec;
  std::filesystem::create_directories(options.data_dir, ec);
  if (ec)
    return fail(Errc::permission_denied, "plugin_opt_data_dir: " + options.data_dir.string() +
                                             " can't be made or used by the broker's user: " + ec.message());
  auto core = std::make_unique<Core>(options, broker, clock);
  if (auto opened = open_files(*core); !opened) return std::unexpected(opened.error());
  auto revoked =
      JwtRevocations::open(options.data_dir / "jwt_revocations", clock.wall(),
                           [&core](LogLevel level, std::string_view line) { core->log(level, line); });
  if (!revoked) return in_data_dir(revoked.error());
  core->revoked_jwts = std::move(*revoked);
  auto logins = Logins::open(*core);
  if (!logins) return std::unexpected(logins.error());
  core->log(LogLevel::info, "ready: " + std::to_string(core->live().user_count()) + " users, " +
                                std::to_string(core->live().room_count()) + " rooms, Directory version " +
                                std::to_string(core->directory->version()) + ", journal " +
                                core->journal->id());
  return std::unique_ptr<Parley>(new Parley(std::move(core), std::move(*logins)));
}

Parley::Parley(std::unique_ptr<Core> core, std::unique_ptr<Logins> logins)
    : core_(std::move(core)),
      logins_(std::move(logins)),
      enhanced_auth_(*core_, *logins_),
      gate_(*core_, *logins_),
      intake_(*core_, *logins_),
      drain_(*core_),
      commands_(*core_, intake_, drain_) {}

bool Parley::clock_stands() {
  const auto now = core_->clock.steady();
  if (!tickless_since_) tickless_since_ = now;
  if (now - *tickless_since_ < kTicklessMax) return false;
  if (!std::exchange(said_tickless_, true))
    core_->log(LogLevel::error,
               "the broker gives no clock ticks (per_listener_settings true?): nobody is let in and nothing "
               "is accepted");
  return true;
}

LoginVerdict Parley::login(const Client& client, const char* username, const char* password,
                           std::string& new_username) {
  if (clock_stands()) return LoginVerdict::deny;
  if (!core_->sessions.find(client.key))
    enhanced_auth_.gone(client);  // an address used again; not a reload, which asks of all
  return logins_->login(client, username, password, new_username);
}

AuthStep Parley::auth_start(const Client& client, std::string_view method, std::string_view data) {
  if (clock_stands()) return {};
  return enhanced_auth_.start(client, method, data);
}

AclDecision Parley::check(const Client& client, const AclRequest& request) {
  return gate_.check(client, request);
}

bool Parley::message(const Client& client, std::string_view topic, std::string_view payload,
                     const Intake::ReadProperties& properties, bool& retain, std::string& payload_after) {
  if (clock_stands() && wire::parse_topic(topic).kind != wire::TopicKind::other) return false;
  return intake_.message(client, topic, payload, properties, retain, payload_after);
}

void Parley::reload(const Result<Options>& options) {
  logins_->reload();
  if (!options)
    return core_->log(LogLevel::error, "the options stay as they were: " + options.error().message);
  apply(*options);
  if (!options->reload_file.empty()) core_->log(LogLevel::info, "options are read again");
}

void Parley::apply(const Options& options) {
  core_->options = options;
  core_->user_rate.set_limit({options.user_rate, options.user_burst});
  core_->room_rate.set_limit({options.room_rate, options.room_burst});
  core_->typing_rate.set_limit({options.typing_rate, options.typing_burst});
  core_->client_ids->set_limits(options.client_id_hold, options.client_ids_per_user);
  core_->admission->set_options(admission_options(options));
  logins_->apply(options);
}

void Parley::tick() {
  tickless_since_.reset();
  const auto now = core_->clock.steady();
  logins_->tick();
  enhanced_auth_.tick();
  core_->revoked_jwts->tend(core_->clock.wall());
  core_->sessions.end_of_resume();
  drain_.tick();
  commands_.tick();
  core_->backend.flush(now);
  core_->client_ids->tend(core_->clock.wall());
  core_->bans->tend(core_->clock.wall());
  core_->journal->retire(core_->clock.wall());
  core_->feed->tick(now, [this](std::string_view batch) {
    core_->broker.publish_to(core_->feed->consumer().c_str(), wire::kFeedTopic.data(), batch, 0);
    return true;
  });
}

}  // namespace parley::plugin
