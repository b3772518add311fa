#include "plugin/broker/logins.h"

#include "base/encoding.h"
#include "base/file.h"
#include "wire/request.h"
#include "wire/topics.h"

namespace parley::plugin {
namespace {

std::optional<std::string_view> optional_view(const char* text) {
  return text ? std::optional<std::string_view>(text) : std::nullopt;
}

JwtAlgorithm algorithm(std::string_view name) {
  if (name == "HS256") return JwtAlgorithm::hs256;
  return name == "ES256" ? JwtAlgorithm::es256 : JwtAlgorithm::rs256;
}

std::optional<JwtKeySource> jwt_source(const Options& o) {
  if (o.jwt_key_file.empty() && o.jwt_jwks_file.empty()) return std::nullopt;
  return JwtKeySource{
      .key_file = o.jwt_key_file, .key_algorithm = algorithm(o.jwt_algorithm), .jwks_file = o.jwt_jwks_file};
}

Result<JwtVerifier> open_jwt(const JwtKeySource& source, const Options& o) {
  return JwtVerifier::open(
      source, JwtRules{.issuer = o.jwt_issuer, .audience = o.jwt_audience, .leeway = o.jwt_leeway});
}

// Drawn at the first start: what is shown of users who do not exist must not change while those who do stay as they are.
Result<std::string> scram_secret(const std::filesystem::path& file) {
  auto kept = read_secret_file(file);
  if (kept && kept->size() >= 32) return kept;
  if (!kept && kept.error().code != Errc::not_found) return kept;
  if (kept) return fail(Errc::corrupt, file.string() + " is too short: remove it, and another one is made");
  std::string drawn = hex_encode(random_bytes(32));
  if (auto written = write_file_atomic(file, drawn); !written) return std::unexpected(written.error());
  return drawn;
}

// MQTT 5 tells a plugin nothing of the session's expiry, so it counts as one that stays.
bool may_sleep(const Client& client) {
  return client.protocol == 5 || !client.clean_session;
}

bool is_wrong_guess(DenyReason reason) {
  return reason == DenyReason::wrong_password || reason == DenyReason::unknown_user ||
         reason == DenyReason::backend_secret;
}

}  // namespace

Result<std::unique_ptr<Logins>> Logins::open(Core& core) {
  const Options& o = core.options;
  auto secret = read_secret_file(o.backend_secret_file);
  if (!secret) return fail(secret.error().code, "plugin_opt_backend_secret_file: " + secret.error().message);
  if (secret->size() < 16)
    return fail(Errc::invalid_argument,
                "plugin_opt_backend_secret_file: the secret has fewer than 16 characters");
  auto salts = scram_secret(o.data_dir / "scram_secret");
  if (!salts) return fail(salts.error().code, "plugin_opt_data_dir: " + salts.error().message);

  AuthOptions auth{.backend_secret = *secret,
                   .other_users = o.defer_other_users ? OtherUsers::defer : OtherUsers::deny,
                   .jwt_auto_user = o.jwt_auto_user,
                   .jwt_admins = o.jwt_admins,
                   .password = {},
                   .scram_secret = *salts};
  auth.password.slow_checks_per_second = auth.password.slow_checks_burst = o.password_checks_per_second;
  std::unique_ptr<Logins> logins(new Logins(core));
  std::optional<JwtVerifier> jwt;
  if (const auto source = jwt_source(o)) {
    logins->key_watch_.emplace(*source);
    auto opened = open_jwt(*source, o);
    if (!opened) return fail(opened.error().code, "plugin_opt_jwt_…: " + opened.error().message);
    jwt = std::move(*opened);
  }
  logins->authenticator_ = std::make_unique<Authenticator>(std::move(auth), logins->accounts_, core.clock,
                                                           std::move(jwt), core.revoked_jwts.get());
  return logins;
}

LoginVerdict Logins::login(const Client& client, const char* username, const char* password,
                           std::string& new_username) {
  if (reloading_ && (!password || core_.sessions.find(client.key))) return still_there(client);
  newcomer(client);
  const Login given{optional_view(username), optional_view(password)};
  const Arrival arrival{.address = client.address,
                        .client_id = client.id,
                        .user = given.username.value_or(""),
                        .guessable = authenticator_->is_guessable(given)};
  if (auto away = turned_away(client, arrival)) return *away;
  return settle(client, arrival, authenticator_->authenticate(given), new_username);
}

void Logins::newcomer(const Client& client) {
  disconnected(client.key);
  foreign_.erase(client.key);
  std::erase(departed_, client.key);
}

LoginVerdict Logins::settle(const Client& client, const Arrival& arrival, const Verdict& verdict,
                            std::string& new_username) {
  if (std::holds_alternative<Deferred>(verdict)) return leave_to_others(client);
  if (std::holds_alternative<Busy>(verdict)) {
    ++core_.counters.logins_busy;
    return LoginVerdict::busy;
  }
  if (const auto* denied = std::get_if<Denied>(&verdict)) {
    if (is_wrong_guess(denied->reason)) {
      ++core_.counters.logins_failed;
      core_.admission->login_failed(arrival, core_.clock.steady());
    }
    return deny(client, denied->text);
  }
  const auto& admitted = std::get<Admitted>(verdict);
  if (client.username != admitted.user) new_username = admitted.user;
  return accept(client, admitted, arrival);
}

// After SIGHUP the broker asks again for every session, sleeping ones included, within the same turn of its loop and without a password. The only
// newcomers that turn can bring are WebSocket connections, which are known by being live and unknown.
LoginVerdict Logins::still_there(const Client& client) {
  if (core_.sessions.find(client.key)) return LoginVerdict::accept;
  if (client.websocket) return deny(client, "no password");
  if (foreign(client.key)) return LoginVerdict::defer;
  const auto user = core_.live().find_user(client.username);
  if (!user) return core_.options.defer_other_users ? LoginVerdict::defer : LoginVerdict::deny;
  return user->disabled ? LoginVerdict::deny : LoginVerdict::accept;
}

LoginVerdict Logins::deny(const Client& client, std::string_view why) {
  ++core_.counters.logins_denied;
  static const TokenBucket::Pace kLogged({.per_second = 20, .burst = 200});
  if (log_budget_.try_take(kLogged, core_.clock.steady()))
    core_.log(LogLevel::info, "login denied from " + std::string(client.address) + ": " + std::string(why));
  return LoginVerdict::deny;
}

// What passes by itself is answered as "busy", so that clients try again; a ban is a refusal.
std::optional<LoginVerdict> Logins::turned_away(const Client& client, const Arrival& arrival) {
  const auto not_now = core_.admission->may_connect(arrival, core_.clock.steady(), core_.clock.wall());
  if (!not_now) return std::nullopt;
  switch (not_now->cause) {
    case NotNow::Cause::banned:
      ++core_.counters.connects_banned;
      return deny(client, not_now->reason);
    case NotNow::Cause::connect_rate:
      ++core_.counters.connects_rate_limited;
      break;
    case NotNow::Cause::slowed:
      ++core_.counters.logins_slowed;
      break;
  }
  return LoginVerdict::busy;
}

LoginVerdict Logins::leave_to_others(const Client& client) {
  if (core_.client_ids->owner(client.id, core_.clock.wall()))
    return deny(client, "the client id is a Parley user's");
  if (foreign_.size() >= kForeignMax) return deny(client, "too many connections of other users");
  foreign_.insert(client.key);
  return LoginVerdict::defer;
}

bool Logins::claim_device(const Client& client, const std::string& user) {
  switch (core_.client_ids->claim(client.id, user, user != wire::kBackendUser && may_sleep(client),
                                  core_.clock.wall())) {
    case ClientIds::Claim::ok:
      return true;
    case ClientIds::Claim::owned_by_other:
      deny(client, "the client id is another user's");
      return false;
    case ClientIds::Claim::quota:
      deny(client, "the user has too many devices connected");
      return false;
    case ClientIds::Claim::illegal:
      deny(client, "the client id is not a legal name");
      return false;
  }
  return false;
}

LoginVerdict Logins::accept(const Client& client, const Admitted& admitted, Arrival arrival) {
  const bool backend = admitted.method == AuthMethod::backend;
  if (core_.draining && !backend && !admitted.admin) {
    ++core_.counters.logins_drained;
    return LoginVerdict::busy;
  }
  arrival.user = admitted.user;  // a JWT may have come without a name
  if (core_.admission->banned(arrival, core_.clock.wall())) {
    ++core_.counters.connects_banned;
    return deny(client, "the user is banned");
  }
  if (admitted.new_user) {
    if (auto added = core_.directory->add_provisional(admitted.user); !added)
      return deny(client, added.error().message);
    core_.backend.tell({.event = "user.new", .user = admitted.user});
  }
  const auto most = core_.options.sessions_per_user;
  if (!backend && most != 0 && core_.sessions.count_user(admitted.user, client.id) >= most) {
    ++core_.counters.sessions_refused;
    return deny(client, "the user has too many sessions");
  }
  if (backend ? !wire::valid_name(client.id) : !claim_device(client, admitted.user))
    return LoginVerdict::deny;
  if (const auto ban = core_.admission->login_ok(arrival, core_.clock.steady(), core_.clock.wall())) {
    ++core_.counters.client_ids_flapping;
    core_.bans->add_own(*ban);
    return deny(client, "the client id connects too often: " + ban->reason);
  }
  Session session = proof(admitted);
  session.user = admitted.user;
  session.auth = auth_method_name(admitted.method);
  session.token_id = admitted.token_id;
  session.backend = backend;
  session.resuming = true;
  begin(client, std::move(session));
  return LoginVerdict::accept;
}

// What a session rests on, and a renewal replaces.
Session Logins::proof(const Admitted& admitted) const {
  Session session;
  session.jti = admitted.jti;
  session.issued_at = admitted.issued_at;
  session.expires = admitted.expires_at;
  if (session.expires && core_.options.jwt_warn.count() > 0)
    session.warn_at = *session.expires - core_.options.jwt_warn;
  return session;
}

void Logins::renew(const Session& session, const Admitted& admitted) {
  core_.sessions.renew(session.key, proof(admitted));
}

void Logins::begin(const Client& client, Session session) {
  session.key = client.key;
  session.number = ++core_.last_session;
  session.device = client.id;
  session.address = client.address;
  session.protocol = client.protocol;
  session.connected_at_ms = to_ms(core_.clock.wall());
  ++core_.counters.logins;
  const Session& s = core_.sessions.open(std::move(session));
  if (s.backend) return;
  core_.backend.tell({.event = "connected",
                      .user = s.user,
                      .device = s.device,
                      .address = s.address,
                      .auth = s.auth,
                      .token = s.token_id,
                      .session = s.number,
                      .protocol = s.protocol,
                      .at = s.connected_at_ms});
}

Session* Logins::session(const Client& client) {
  if (auto* known = core_.sessions.find(client.key)) return known->shut_out ? nullptr : known;
  if (client.username.empty() || foreign(client.key)) return nullptr;
  const auto user = core_.live().find_user(client.username);
  if (!user || user->disabled || !client.has_certificate || !client.has_certificate(client.key))
    return nullptr;
  begin(client, Session{.user = std::string(user->name), .auth = "certificate"});
  auto* session = core_.sessions.find(client.key);
  if (core_.draining && !core_.stays(*session)) core_.sessions.kick_later(client.key);
  if (!core_.admission->banned({client.address, client.id, user->name}, core_.clock.wall())) return session;
  ++core_.counters.connects_banned;
  session->shut_out = true;
  core_.sessions.kick_later(client.key);
  return nullptr;
}

void Logins::disconnected(const void* key) {
  if (foreign(key)) departed_.push_back(key);
  const auto session = core_.sessions.close(key);
  if (!session) return;
  if (session->auth != "certificate")
    core_.client_ids->released(session->device, session->user, core_.clock.wall());
  if (session->backend) return backend_gone(*session);
  core_.backend.tell({.event = "disconnected",
                      .user = session->user,
                      .device = session->device,
                      .session = session->number,
                      .at = to_ms(core_.clock.wall())});
}

void Logins::backend_gone(const Session& session) {
  if (core_.feed->consumer() != session.device) return;
  core_.feed->detach(session.device);
  core_.backend.detached();
  core_.log(LogLevel::warning, "the backend is gone; chat goes on, requests are refused until one attaches");
}

void Logins::tick() {
  reloading_ = false;
  for (const void* key : departed_) foreign_.erase(key);
  departed_.clear();
  warn();
  look_at_keys();
}

// To the one client alone, whether subscribed or not: who logs in with little time left has had none to subscribe.
void Logins::warn() {
  for (const Session* s : core_.sessions.take_warnings(core_.clock.wall())) {
    const auto topic = wire::user_topic(wire::TopicKind::user_inbox, s->user);
    core_.broker.publish_to(s->device.c_str(), topic.c_str(),
                            wire::format_login_notice("expiring", s->device, to_ms(*s->expires)), 1);
    ++core_.counters.expiry_notices;
  }
}

void Logins::look_at_keys() {
  if (!key_watch_) return;
  auto keys = key_watch_->poll(core_.clock.steady());
  if (!keys) return;
  if (!*keys) return core_.log(LogLevel::error, "the JWT keys stay as they were: " + keys->error().message);
  core_.log(LogLevel::info, "the JWT keys' file has changed; keys now: " + std::to_string((*keys)->size()));
  authenticator_->jwt()->adopt(std::move(**keys));
}

void Logins::reload() {
  reloading_ = true;
  auto reloaded = authenticator_->reload();
  core_.log(reloaded ? LogLevel::info : LogLevel::error,
            reloaded ? "reloaded" : "the JWT keys stay as they were: " + reloaded.error().message);
}

}  // namespace parley::plugin
