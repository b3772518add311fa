#include "plugin/broker/enhanced_auth.h"

#include "plugin/auth/bearer.h"
#include "wire/request.h"
#include "wire/topics.h"

namespace parley::plugin {
namespace {

using What = AuthStep::What;

constexpr std::string_view kScram = "SCRAM-SHA-256", kBearer = "OAUTHBEARER";

Arrival arrival_of(const Client& client, std::string_view user, bool guessable) {
  return {.address = client.address, .client_id = client.id, .user = user, .guessable = guessable};
}

}  // namespace

AuthStep EnhancedAuth::start(const Client& client, std::string_view method, std::string_view data) {
  gone(client);
  // The name is asked for too: should a disconnect ever have escaped us, whoever has this object now did not log in by that name.
  const Session* session = core_.sessions.find(client.key);
  const bool renewal = session && session->device == client.id && session->user == client.username;
  if (!renewal) logins_.newcomer(client);
  if (method == kScram && core_.options.scram) return start_scram(client, data, renewal);
  if (method == kBearer && logins_.authenticator().jwt()) return bearer(client, data, renewal);
  AuthStep step = no_start(client, "the authentication method is not offered", renewal);
  if (step.what == What::deny) step.what = What::unsupported;
  return step;
}

AuthStep EnhancedAuth::start_scram(const Client& client, std::string_view data, bool renewal) {
  auto first = parse_scram_first(data);
  if (!first) return no_start(client, scram_failure_text(first.error()), renewal);
  if (!client.username.empty() && client.username != first->user)
    return no_start(client, "the user name is not the one in the SCRAM message", renewal);
  if (!renewal)
    if (auto away = turned_away(client, arrival_of(client, first->user, true))) return *away;
  if (full(client) || (!renewal && core_.clock.steady() < shut_until_)) {
    ++core_.counters.logins_busy;
    return {What::busy};
  }
  const auto window = window_now();
  const ScramVerifier verifier = logins_.authenticator().scram_verifier(first->user);
  const auto added = under_way_.emplace(
      client.key, Exchange{.scram = ScramExchange(std::move(*first), verifier, make_scram_nonce()),
                           .verifier = verifier,
                           .address = std::string(client.address),
                           .counted_as = core_.admission->counted_address(client.address),
                           .device = std::string(client.id),
                           .mark = renewal ? "" : std::string(kUnfinished) + std::to_string(window),
                           .window = window});
  const Exchange& exchange = added.first->second;
  if (!exchange.counted_as.empty()) ++by_address_[exchange.counted_as];
  ++windows_[window];
  ++core_.counters.auth_exchanges;
  core_.counters.auth_under_way = under_way_.size();
  return {What::go_on, exchange.scram.server_first(), exchange.mark};
}

std::optional<AuthStep> EnhancedAuth::turned_away(const Client& client, const Arrival& arrival) {
  const auto away = logins_.turned_away(client, arrival);
  if (!away) return std::nullopt;
  return AuthStep{*away == LoginVerdict::busy ? What::busy : What::deny};
}

bool EnhancedAuth::full(const Client& client) const {
  if (under_way_.size() >= kUnderWayMax) return true;
  const auto it = by_address_.find(core_.admission->counted_address(client.address));
  return it != by_address_.end() && it->second >= kPerAddress;
}

AuthStep EnhancedAuth::bearer(const Client& client, std::string_view data, bool renewal) {
  const auto given = parse_bearer(data);
  if (!given) return no_start(client, "the OAUTHBEARER message is malformed", renewal);
  if (!given->user.empty() && !client.username.empty() && client.username != given->user)
    return no_start(client, "the user name is not the one in the OAUTHBEARER message", renewal);
  const std::string_view user = given->user.empty() ? client.username : std::string_view(given->user);
  const Arrival arrival = arrival_of(client, user, false);
  if (!renewal)
    if (auto away = turned_away(client, arrival)) return *away;
  return finish(client, arrival, logins_.authenticator().by_bearer(user, given->token), "", renewal);
}

AuthStep EnhancedAuth::go_on(const Client& client, std::string_view data) {
  const auto it = under_way_.find(client.key);
  if (it == under_way_.end()) return unasked(client);
  const bool late = !windows_.contains(it->second.window);
  const Exchange exchange = end(it);
  const bool renewal = exchange.mark.empty();
  if (late) return deny(client, "the exchange took too long", renewal);  // counted when it was put out
  const auto& user = exchange.scram.user();
  auto reply = exchange.scram.finish(data);
  if (!reply && reply.error() != ScramFailure::wrong_proof) {
    if (!renewal) broke_off(exchange);
    logins_.deny(client, scram_failure_text(reply.error()));
    return {};
  }
  const Verdict verdict =
      reply ? logins_.authenticator().by_scram(user, exchange.verifier)
            : Denied{DenyReason::wrong_password, deny_reason_text(DenyReason::wrong_password)};
  return finish(client, arrival_of(client, user, true), verdict, reply.value_or(""), renewal);
}

// A step of an exchange that is none. From a connected client an AUTH without a body gets here, which a Mosquitto 2.0 takes for the last step of a first
// login: with success it would let the client take over itself, and after a refusal free the client id its tables still point to. So it is told to go
// on, and is put out at the tick.
AuthStep EnhancedAuth::unasked(const Client& client) {
  if (!core_.sessions.find(client.key)) return deny(client, "there is no exchange under way", false);
  core_.log(LogLevel::info, "an unasked AUTH from " + std::string(client.address) + ": put out");
  core_.sessions.kick_later(client.key);
  return {What::go_on};
}

AuthStep EnhancedAuth::finish(const Client& client, const Arrival& arrival, const Verdict& verdict,
                              std::string reply, bool renewal) {
  const auto* admitted = std::get_if<Admitted>(&verdict);
  if (renewal && admitted) return renew(client, *admitted, std::move(reply));
  AuthStep step;
  const LoginVerdict settled = logins_.settle(client, arrival, verdict, step.username);
  if (settled == LoginVerdict::busy) return {What::busy};  // the broker is being drained
  if (settled != LoginVerdict::accept) {
    if (!renewal) failed();
    return {};
  }
  step.what = What::accept;
  step.reply = std::move(reply);
  return step;
}

// A Mosquitto 2.0 holds back what comes for a client while it authenticates again, and forgets to send it afterwards: the notice sets it going.
AuthStep EnhancedAuth::renew(const Client& client, const Admitted& admitted, std::string reply) {
  const Session* session = core_.sessions.find(client.key);
  if (!session || admitted.user != session->user)
    return deny(client, "it is another user than the one connected", true);
  logins_.renew(*session, admitted);
  ++core_.counters.auth_renewals;
  const auto topic = wire::user_topic(wire::TopicKind::user_inbox, session->user);
  core_.broker.publish_to(session->device.c_str(), topic.c_str(),
                          wire::format_login_notice("renewed", session->device,
                                                    admitted.expires_at ? to_ms(*admitted.expires_at) : 0),
                          0);  // nothing to acknowledge: the client may go on proving itself
  return {What::accept, std::move(reply), {}};
}

// It is a connection all the same, and counted as one.
AuthStep EnhancedAuth::no_start(const Client& client, std::string_view why, bool renewal) {
  if (!renewal)
    if (auto away = turned_away(client, arrival_of(client, client.username, false))) return *away;
  return deny(client, why, renewal);
}

AuthStep EnhancedAuth::deny(const Client& client, std::string_view why, bool renewal) {
  logins_.deny(client, std::string(why) + (renewal ? " (when authenticating again)" : ""));
  if (!renewal) failed();
  return {};
}

void EnhancedAuth::failed() {
  const auto now = core_.clock.steady();
  if (!failures_.try_take(failure_pace_, now)) shut_until_ = now + std::chrono::seconds(1);
}

void EnhancedAuth::broke_off(const Exchange& exchange) {
  core_.admission->login_failed(
      {.address = exchange.address, .client_id = exchange.device, .user = exchange.scram.user()},
      core_.clock.steady());
  failed();
}

bool EnhancedAuth::gone(const Client& client) {
  const auto it = under_way_.find(client.key);
  if (it == under_way_.end()) return false;
  const Exchange ended = end(it);
  const bool newcomer = !ended.mark.empty() && ended.mark == client.username;
  if (newcomer) broke_off(ended);
  return newcomer;
}

EnhancedAuth::Exchange EnhancedAuth::end(std::unordered_map<const void*, Exchange>::iterator exchange) {
  if (const auto it = windows_.find(exchange->second.window); it != windows_.end() && --it->second == 0)
    windows_.erase(it);
  if (const auto it = by_address_.find(exchange->second.counted_as);
      it != by_address_.end() && --it->second == 0)
    by_address_.erase(it);
  Exchange ended = std::move(exchange->second);
  under_way_.erase(exchange);
  core_.counters.auth_under_way = under_way_.size();
  return ended;
}

void EnhancedAuth::tick() {
  while (!windows_.empty() && windows_.begin()->first < window_now() - kTime / kWindow) {
    const auto window = windows_.begin()->first;
    windows_.erase(windows_.begin());
    end_window(window);
  }
}

// Newcomers can't be put out by their client id: another connection, which has it rightly, would be meant.
void EnhancedAuth::end_window(std::int64_t window) {
  std::string mark;
  for (const auto& [key, exchange] : under_way_) {
    if (exchange.window != window) continue;
    ++core_.counters.auth_timeouts;
    if (exchange.mark.empty())
      core_.sessions.kick_later(key);
    else
      mark = exchange.mark;
  }
  if (!mark.empty()) core_.broker.kick_all_named(mark.c_str());
}

}  // namespace parley::plugin
