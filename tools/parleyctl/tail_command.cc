#include <thread>

#include "base/backoff.h"
#include "tools/parleyctl/commands.h"
#include "tools/parleyctl/room_follower.h"
#include "tools/parleyctl/stop_signal.h"
#include "wire/names.h"
#include "wire/topics.h"

namespace parley::ctl {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTurn{200};
constexpr std::chrono::seconds kReconnectFor{60};
constexpr BackoffOptions kRetry{
    .least = milliseconds{50}, .first = milliseconds{250}, .max = milliseconds{5000}};

struct Tail {
  std::string room;
  std::optional<std::uint64_t> since;
  std::uint64_t count = 0;
};

void declare(CLI::App& command, Tail& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("--since", o.since, "First print what came after this number (0: everything)")
      ->type_name("SEQ");
  command.add_option("--count", o.count, "Stop after this many messages")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command.footer(
      "In order, each once, also over a lost connection (retried for a minute). Ctrl-C ends it.\n"
      "Example: parleyctl tail lobby --since 0 --json | jq -r .content.text");
}

// Connection after connection over one RoomFollower's memory of what was printed.
class Tailing final : public Requests {
 public:
  Tailing(Context& context, const Tail& options, Session* first)
      : context_(context),
        options_(options),
        session_(first),
        follower_(*this, options.room, clock_,
                  {[this](const Json& envelope) { print(envelope); },
                   [this](const std::string& note) {
                     context_.err << "parleyctl: " << printable(note) << std::endl;
                   }}) {}

  Outcome<Json> call(const std::string& method, Json params) override {
    return session_->call(method, std::move(params));
  }

  Outcome<> run() {
    if (auto ok = subscribe(); !ok) return ok;
    if (auto ok = follower_.start(options_.since); !ok) return ok;
    while (!finished()) {
      if (auto message = session_->receive(kTurn)) take(*message);
      follower_.heal();
      if (!session_->connected() && !finished()) {
        if (auto ok = reconnect(); !ok) return ok;
      }
    }
    return {};
  }

 private:
  bool finished() const {
    return stop_.raised() || !context_.out.good() || (options_.count > 0 && printed_ >= options_.count);
  }

  Outcome<> subscribe() {
    auto ok = session_->subscribe(wire::room_topic(wire::TopicKind::room_messages, options_.room));
    if (ok || ok.error().exit == Exit::unreachable) return ok;
    // The backend knows why.
    auto why = call("history", {{"room", options_.room}, {"limit", 1}});
    return std::unexpected(why ? ok.error() : why.error());
  }

  void take(const Incoming& message) {
    if (message.topic != wire::room_topic(wire::TopicKind::room_messages, options_.room)) return;
    auto envelope = Json::parse(message.payload, nullptr, false);
    if (envelope.is_object()) follower_.live(std::move(envelope));
  }

  void print(const Json& envelope) {
    if (finished()) return;
    ++printed_;
    if (context_.json) {
      context_.json_line(envelope);
    } else {
      context_.out << format_message(envelope) << '\n';
    }
    context_.out.flush();
  }

  Outcome<> connect_again(const Config& config) {
    auto session = Session::connect(config);
    if (!session) return std::unexpected(session.error());
    own_ = std::move(*session);
    session_ = own_.get();
    if (auto ok = subscribe(); !ok) return ok;
    follower_.resume();
    context_.err << "parleyctl: connected again" << std::endl;
    return {};
  }

  Outcome<> reconnect() {
    context_.err << "parleyctl: connection lost; trying again" << std::endl;
    const auto give_up = clock_.steady() + kReconnectFor;
    const Config config = session_->config();
    for (Backoff backoff(kRetry);;) {
      std::this_thread::sleep_for(backoff.next());
      if (finished()) return {};
      auto ok = connect_again(config);
      if (ok || ok.error().exit != Exit::unreachable || clock_.steady() > give_up) return ok;
    }
  }

  Context& context_;
  const Tail& options_;
  StopSignal stop_;
  SystemClock clock_;
  Session* session_;
  std::unique_ptr<Session> own_;
  RoomFollower follower_;
  std::uint64_t printed_ = 0;
};

Outcome<> tail(Context& context, const Tail& o) {
  if (!wire::valid_name(o.room)) return refused("invalid_name", "'" + o.room + "' is not a legal room name.");
  StopSignal before_threads;
  auto session = context.session();
  if (!session) return std::unexpected(session.error());
  return Tailing(context, o, *session).run();
}

}  // namespace

void add_tail_command(CLI::App& app, Context& context) {
  add_command(app, context, "tail", "Print a room's messages as they come", declare, tail);
}

}  // namespace parley::ctl
