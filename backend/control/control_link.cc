#include "backend/control/control_link.h"

#include <thread>

#include "backend/control/control_loop.h"
#include "wire/topics.h"

namespace parley::backend {
namespace {

using nlohmann::json;

std::unexpected<Error> busy() {
  return fail(Errc::unavailable, "Too much waits for the broker, or parleyd is stopping.");
}

// An answer that is not as wire/control.h says is the plugin's bug, not the caller's.
std::unexpected<Error> strange(const char* what) {
  return fail(Errc::internal, std::string("The plugin's answer to ") + what + " is not as it should be.");
}

Result<std::vector<std::uint64_t>> seqs_of(const json& answer, std::size_t entries) {
  const auto at = answer.find("seqs");
  if (at == answer.end() || !at->is_array() || at->size() != entries) return strange("append");
  std::vector<std::uint64_t> seqs;
  for (const auto& seq : *at) {
    if (!seq.is_number_unsigned()) return strange("append");
    seqs.push_back(seq.get<std::uint64_t>());
  }
  return seqs;
}

}  // namespace

struct ControlLink::Impl {
  Impl(Link& link, MessageStore& store, DirectoryLog& directory, LeaseListener& lease, Metrics& metrics,
       const Clock& clock, const LogSink& log, const ControlOptions& options)
      : link(link), loop(link, store, directory, lease, metrics, clock, log, options) {}

  void ask(CommandBody body, bool changes, Conversation::Done done) {
    // `done` must survive a refused job: it is shared with it.
    auto shared = std::make_shared<Conversation::Done>(std::move(done));
    const bool taken = loop.mailbox().ask([this, body = std::move(body), changes, shared]() mutable {
      loop.ask(std::move(body), changes, std::move(*shared));
    });
    if (!taken) (*shared)(busy());
  }

  void kick(wire::Kick kick, std::function<void(Result<std::uint32_t>)> done) {
    ask(std::move(kick), true, [done = std::move(done)](Result<json> answer) {
      if (!answer) return done(std::unexpected(answer.error()));
      const auto kicked = answer->find("kicked");
      if (kicked == answer->end() || !kicked->is_number_unsigned()) return done(strange("kick"));
      done(kicked->get<std::uint32_t>());
    });
  }

  Link& link;
  ControlLoop loop;
  std::thread thread;
};

ControlLink::ControlLink(Link& link, MessageStore& store, DirectoryLog& directory, LeaseListener& lease,
                         Metrics& metrics, const Clock& clock, const LogSink& log,
                         const ControlOptions& options)
    : impl_(std::make_unique<Impl>(link, store, directory, lease, metrics, clock, log, options)) {}

ControlLink::~ControlLink() {
  stop();
}

void ControlLink::start() {
  impl_->thread = std::thread([this] { impl_->loop.run(); });
}

void ControlLink::stop() {
  impl_->loop.mailbox().close();
  if (impl_->thread.joinable()) impl_->thread.join();
}

void ControlLink::on_connected() {
  impl_->loop.mailbox().put([this] { impl_->loop.connected(); });
}

void ControlLink::on_lost(const std::string& reason) {
  impl_->loop.mailbox().put([this, reason] { impl_->loop.lost(reason); });
}

void ControlLink::on_answer(std::string payload) {
  impl_->loop.mailbox().put([this, payload = std::move(payload)] { impl_->loop.answer(payload); });
}

void ControlLink::attach_again(const std::string& why) {
  impl_->loop.mailbox().put([this, why] { impl_->loop.attach_again(why); });
}

std::string ControlLink::trouble() const {
  return impl_->loop.trouble();
}

ControlLink::State ControlLink::state() const {
  return impl_->loop.state();
}
bool ControlLink::attached() const {
  return state() == State::ready;
}

void ControlLink::directory_changed(std::uint64_t version, std::function<void(Result<>)> done) {
  auto shared = std::make_shared<std::function<void(Result<>)>>(std::move(done));
  const bool taken = impl_->loop.mailbox().ask(
      [this, version, shared] { impl_->loop.directory_changed(version, std::move(*shared)); });
  if (!taken) (*shared)(fail(Errc::in_doubt, "Too much waits for the broker; it will be told in turn."));
}

void ControlLink::append(std::vector<wire::AppendEntry> entries,
                         std::function<void(Result<std::vector<std::uint64_t>>)> done) {
  const auto count = entries.size();
  impl_->ask(wire::Append{std::move(entries)}, true, [count, done = std::move(done)](Result<json> answer) {
    if (!answer) return done(std::unexpected(answer.error()));
    done(seqs_of(*answer, count));
  });
}

void ControlLink::kick(std::string user, std::string device,
                       std::function<void(Result<std::uint32_t>)> done) {
  impl_->kick({.user = std::move(user), .device = std::move(device)}, std::move(done));
}

void ControlLink::forget_device(std::string user, std::string device,
                                std::function<void(Result<std::uint32_t>)> done) {
  impl_->kick({.user = std::move(user), .device = std::move(device), .forget = true}, std::move(done));
}

void ControlLink::sessions(wire::Sessions query, std::function<void(Result<json>)> done) {
  impl_->ask(std::move(query), false, std::move(done));
}

void ControlLink::administer(AdminCommand command, std::function<void(Result<json>)> done) {
  const bool changes =
      !std::holds_alternative<wire::BanList>(command) && !std::holds_alternative<wire::JwtRevoked>(command);
  std::visit([&](auto& body) { impl_->ask(std::move(body), changes, std::move(done)); }, command);
}

void ControlLink::stats(std::function<void(Result<json>)> done) {
  impl_->ask(wire::Stats{}, false, std::move(done));
}

// Straight to the broker: the next one tells all that this one does, so one that is lost does no harm.
void ControlLink::acknowledge_feed(std::uint64_t generation, std::uint64_t offset) {
  auto payload = wire::format_command({"", generation, wire::FeedAck{offset}});
  (void)impl_->link.publish({.topic = std::string(wire::kControlTopic), .payload = std::move(payload)});
}

void ControlLink::give_up(std::uint64_t generation, const std::string& why) {
  impl_->loop.mailbox().put([this, generation, why] { impl_->loop.give_up(generation, why); });
}

std::string_view state_name(ControlLink::State state) {
  switch (state) {
    case ControlLink::State::disconnected:
      return "disconnected";
    case ControlLink::State::attaching:
      return "attaching";
    case ControlLink::State::standby:
      return "standby";
    case ControlLink::State::synchronising:
      return "synchronising";
    case ControlLink::State::ready:
      return "ready";
  }
  return "";
}

}  // namespace parley::backend
