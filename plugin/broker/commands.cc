#include "plugin/broker/commands.h"

#include "plugin/broker/gauges.h"
#include "wire/request.h"

namespace parley::plugin {

using nlohmann::json;
using wire::Code;
using wire::Failure;

namespace {

std::unexpected<Failure> failed(const Error& error) {
  return std::unexpected(Failure{wire::code_of(error.code), error.message});
}
std::unexpected<Failure> failed(Code code, std::string message) {
  return std::unexpected(Failure{code, std::move(message)});
}

// Whoever leaves a room is not put out of all others for it: what was queued for them is theirs. Only where the command is that one step can it be
// told from a removal.
bool left_by_own_will(const Effect& effect, const wire::DirectoryApply& apply) {
  return effect.reason == Effect::Reason::removed && apply.changes.size() == 1 && apply.entries.size() == 1 &&
         apply.entries.front().from == effect.name;
}

json session_json(const Session& s) {
  json out{{"session", s.number},
           {"user", s.user},
           {"device", s.device},
           {"address", s.address},
           {"auth", s.auth},
           {"protocol", s.protocol},
           {"connected_at", s.connected_at_ms}};
  if (!s.token_id.empty()) out["token"] = s.token_id;
  return out;
}

}  // namespace

void Commands::handle(const Client& client, std::string_view payload) {
  const Session* session = core_.sessions.find(client.key);
  if (!session || !session->backend) return;  // the write check lets nobody else through
  const std::string client_id = session->device;
  const auto command = wire::parse_command(payload);
  if (!command) {
    core_.log(LogLevel::error, "a command of the backend was refused: " + command.error().message);
    return answer(client_id, "", failed(command.error()));
  }
  const auto* attach = std::get_if<wire::Attach>(&command->body);
  if (attach && !wire::common_version({}, attach->speaks))
    return refuse(client_id, command->id, attach->speaks);
  if (!attach && !core_.feed->is_current(command->generation, client_id))
    return answer(client_id, command->id,
                  failed(Code::not_allowed, "This backend is not the one attached now."));
  if (std::holds_alternative<wire::DirectoryReplace>(command->body)) {
    if (auto now = replace(client_id, *command)) answer(client_id, command->id, *now);
    return;
  }
  answer(client_id, command->id, run(client_id, *command));
}

void Commands::answer(const std::string& client_id, const std::string& id, const Answer& answer) {
  if (id.empty() && answer) return;  // feed.ack asks for no answer
  core_.backend.answer(client_id,
                       answer ? wire::format_reply(id, *answer) : wire::format_failure(id, answer.error()));
}

// Whoever can't be understood changes nothing, not even which backend is attached.
void Commands::refuse(const std::string& client_id, const std::string& id, const wire::Speaks& speaks) {
  const auto sentence = wire::mismatch_sentence({}, speaks);
  if (std::exchange(core_.backend.mismatch, sentence) != sentence)
    core_.log(LogLevel::error, "backend " + client_id + " can't attach: " + sentence);
  core_.backend.answer(client_id, wire::format_version_mismatch(id, sentence));
}

Commands::Answer Commands::run(const std::string& client_id, const wire::Command& command) {
  struct Visitor {
    Commands& self;
    const std::string& client_id;
    const wire::Command& command;
    Answer operator()(const wire::Attach& c) const { return self.attach(client_id, c); }
    Answer operator()(const wire::DirectoryApply& c) const { return self.apply(c); }
    Answer operator()(const wire::DirectoryReplace&) const {
      return failed(Code::internal, "replace is handled before");
    }
    Answer operator()(const wire::FeedStart&) const { return self.start_feed(command); }
    Answer operator()(const wire::FeedAck& c) const {
      const auto acked = self.core_.feed->ack(command.generation, c.offset, self.core_.clock.steady());
      if (!acked) return failed(acked.error());
      return json::object();
    }
    Answer operator()(const wire::Append& c) const { return self.append(c.entries); }
    Answer operator()(const wire::Kick& c) const { return self.kick(c); }
    Answer operator()(const wire::Sessions& c) const { return self.sessions(c); }
    Answer operator()(const wire::BanAdd& c) const { return self.ban(c); }
    Answer operator()(const wire::BanRemove& c) const { return self.unban(c); }
    Answer operator()(const wire::BanList& c) const { return self.bans(c); }
    Answer operator()(const wire::Drain& c) const {
      self.drain_.obey(c);
      return json{{"draining", c.on}, {"left", self.drain_.left()}};
    }
    Answer operator()(const wire::JwtRevoke& c) const { return self.revoke_jwts(c); }
    Answer operator()(const wire::JwtRevoked& c) const { return self.revoked_jwts(c); }
    Answer operator()(const wire::Stats&) const { return self.stats(); }
  };
  return std::visit(Visitor{*this, client_id, command}, command.body);
}

Commands::Answer Commands::attach(const std::string& client_id, const wire::Attach& attach) {
  auto ok = core_.feed->attach(attach, client_id, core_.clock.wall());
  if (!ok) return failed(ok.error());
  core_.directory->abandon_replace();
  ok->directory = core_.directory->id();
  ok->directory_version = core_.directory->version();
  ok->version = *wire::common_version({}, attach.speaks);
  core_.backend.attached(client_id);
  core_.live().for_each_provisional([this](std::string_view user) {
    core_.backend.tell({.event = "user.new", .user = std::string(user)});
  });
  if (core_.draining) core_.backend.tell({.event = "draining"});
  core_.log(ok->renewed ? LogLevel::warning : LogLevel::info,
            "backend " + client_id + " attached, generation " + std::to_string(ok->generation) +
                (ok->renewed ? "; rooms get new epochs: " + ok->reason : ""));
  return wire::to_json(*ok);
}

// All of it or nothing, on disk before in memory; then the entries, since a join comes before what the new member says.
Commands::Answer Commands::apply(const wire::DirectoryApply& apply) {
  auto effects = core_.directory->apply(apply.from, apply.to, apply.changes);
  if (!effects) return failed(effects.error());
  std::erase_if(*effects, [&](const Effect& effect) { return left_by_own_will(effect, apply); });
  core_.counters.directory_changes += apply.changes.size();
  obey(*effects);
  forget_dropped_rooms(apply.changes);
  auto result = append(apply.entries);
  if (result) (*result)["version"] = core_.directory->version();
  return result;
}

void Commands::forget_dropped_rooms(const std::vector<wire::DirectoryChange>& changes) {
  for (const auto& change : changes)
    if (const auto* drop = std::get_if<wire::RoomDrop>(&change)) core_.sequencer->forget(drop->id);
}

// nullopt: answered later, when the new Directory is in force.
std::optional<Commands::Answer> Commands::replace(const std::string& client_id,
                                                  const wire::Command& command) {
  const auto& part = std::get<wire::DirectoryReplace>(command.body);
  if (part.part == 0) {
    if (auto begun = core_.directory->begin_replace(part.directory, part.to); !begun)
      return failed(begun.error());
  }
  if (auto taken = core_.directory->replace_part(part.changes); !taken) return failed(taken.error());
  if (!part.last) return json{{"part", part.part}};
  if (auto finished = core_.directory->finish_replace(); !finished) return failed(finished.error());
  replacing_ = Waiting{client_id, command.id, part.to};
  return std::nullopt;
}

Commands::Answer Commands::start_feed(const wire::Command& command) {
  const auto offset = std::get<wire::FeedStart>(command.body).offset;
  if (auto started = core_.feed->start(command.generation, offset, core_.clock.steady()); !started)
    return failed(started.error());
  return json::object();
}

Commands::Answer Commands::append(const std::vector<wire::AppendEntry>& entries) {
  json result = json::object();
  if (entries.empty()) return result;
  json seqs = json::array(), refused = json::array();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto appended = intake_.append(entries[i]);
    seqs.push_back(appended.seq);
    if (appended.seq != 0 || appended.gone) continue;
    refused.push_back(i);
    result["refused_code"] = code_name(appended.refused);
  }
  result["seqs"] = std::move(seqs);
  if (!refused.empty()) result["refused"] = std::move(refused);
  return result;
}

Commands::Answer Commands::kick(const wire::Kick& kick) {
  if (kick.forget && kick.device.empty())
    core_.client_ids->forget_user(kick.user);
  else if (kick.forget)
    core_.client_ids->forget(kick.device, kick.user);
  return json{{"kicked", core_.sessions.kick_user_later(kick.user, kick.device)}};
}

Commands::Answer Commands::sessions(const wire::Sessions& query) const {
  bool more = false;
  json list = json::array();
  for (const Session* s : core_.sessions.list(query.user, query.after, query.limit, more))
    list.push_back(session_json(*s));
  return json{{"sessions", std::move(list)}, {"more", more}};
}

// In force and on disk, then the kicks, then the answer: at the tick.
Commands::Answer Commands::ban(const wire::BanAdd& given) {
  const auto now = to_ms(core_.clock.wall());
  const wire::Ban ban{.kind = given.kind,
                      .target = given.target,
                      .reason = given.reason,
                      .by = given.by,
                      .at_ms = now,
                      .until_ms = given.for_s == 0 ? 0 : now + static_cast<std::int64_t>(given.for_s) * 1000};
  if (auto added = core_.bans->add(ban); !added) return failed(added.error());
  const auto kicked = core_.sessions.kick_all_later([this](const Session& s) {
    return core_.admission->banned({s.address, s.device, s.user}, core_.clock.wall()) != nullptr;
  });
  return json{{"ban", wire::ban_to_json(ban)}, {"kicked", kicked}};
}

Commands::Answer Commands::unban(const wire::BanRemove& given) {
  const auto* known = core_.bans->list().find(given.kind, given.target);
  const json was = known ? wire::ban_to_json(*known) : json();
  if (auto removed = core_.bans->remove(given.kind, given.target); !removed) return failed(removed.error());
  return json{{"ban", was}};
}

Commands::Answer Commands::bans(const wire::BanList& query) const {
  std::optional<BanIndex::Place> after;
  if (const auto id = wire::parse_ban_id(query.after)) after = {id->first, id->second};
  bool more = false;
  json list = json::array();
  for (const auto* ban : core_.bans->list().list(after, query.limit, more))
    list.push_back(wire::ban_to_json(*ban));
  return json{{"bans", std::move(list)}, {"more", more}};
}

Commands::Answer Commands::revoke_jwts(const wire::JwtRevoke& revoke) {
  const JwtRevocation revocation{revoke.jti, revoke.user, from_ms(revoke.before), from_ms(revoke.until)};
  if (auto added = core_.revoked_jwts->add(revocation, core_.clock.wall()); !added)
    return failed(added.error());
  return json{{"kicked", core_.sessions.kick_jwts_later(revocation)}};
}

Commands::Answer Commands::revoked_jwts(const wire::JwtRevoked& query) const {
  bool more = false;
  json list = json::array();
  for (const auto& entry : core_.revoked_jwts->list(query.after, query.limit, more)) {
    json item{{"key", JwtRevocations::key_of(entry)}, {"until", to_ms(entry.until)}};
    if (entry.jti.empty())
      item.update({{"user", entry.user}, {"before", to_ms(entry.before)}});
    else
      item["jti"] = entry.jti;
    list.push_back(std::move(item));
  }
  return json{{"revoked", std::move(list)}, {"more", more}};
}

Commands::Answer Commands::stats() const {
  const Counters& c = core_.counters;
  const auto journal = core_.journal->stats();
  const auto feed = core_.feed->stats();
  json counters{{"messages", c.messages},
                {"deliveries", c.deliveries},
                {"duplicates", c.duplicates},
                {"appended", c.appended},
                {"requests", c.requests},
                {"logins", c.logins},
                {"logins_denied", c.logins_denied},
                {"logins_busy", c.logins_busy},
                {"logins_drained", c.logins_drained},
                {"connects_banned", c.connects_banned},
                {"connects_rate_limited", c.connects_rate_limited},
                {"logins_slowed", c.logins_slowed},
                {"logins_failed", c.logins_failed},
                {"client_ids_flapping", c.client_ids_flapping},
                {"sessions_refused", c.sessions_refused},
                {"floods_ended", c.floods_ended},
                {"auth_exchanges", c.auth_exchanges},
                {"auth_timeouts", c.auth_timeouts},
                {"auth_renewals", c.auth_renewals},
                {"expiry_notices", c.expiry_notices},
                {"reads_denied", c.reads_denied},
                {"subscriptions_denied", c.subscriptions_denied},
                {"kicks", c.kicks},
                {"notices_dropped", c.notices_dropped},
                {"events_dropped", c.events_dropped},
                {"directory_changes", c.directory_changes},
                {"exceptions", c.exceptions},
                {"feed_batches", feed.batches},
                {"feed_resends", feed.resends},
                {"feed_acks_refused", feed.acks_refused},
                {"refs_evicted", journal.refs_evicted},
                {"client_ids_given_up", core_.client_ids->given_up()}};
  for (std::size_t i = 0; i < c.refused.size(); ++i)
    counters["refused_" + std::string(code_name(static_cast<Code>(i)))] = c.refused[i];
  auto gauges = gauges_of(core_);
  gauges["draining"] = core_.draining ? 1 : 0;
  gauges["drain_left"] = drain_.left();
  return json{{"counters", std::move(counters)},
              {"gauges", std::move(gauges)},
              {"queues", queues_of(core_)},
              {"plugin", about_plugin(core_)}};
}

void Commands::obey(const Effects& effects) {
  for (const auto& effect : effects) {
    if (effect.kind == Effect::Kind::kick_user)
      core_.sessions.kick_user_later(effect.name);
    else
      core_.sessions.kick_token_later(effect.name);
  }
}

void Commands::tick() {
  if (auto outcome = core_.directory->tick()) {
    if (*outcome) obey(**outcome);
    if (replacing_) {
      const auto waiting = std::exchange(replacing_, std::nullopt);
      answer(waiting->client_id, waiting->id,
             *outcome ? Answer(json{{"version", waiting->version}}) : failed(outcome->error()));
    }
  }
  // Marked now, kicked now, answered after: whoever reads "removed" reads that it is so.
  std::vector<std::string> devices;
  for (const Session* s : core_.sessions.take_kicks(core_.clock.wall())) devices.push_back(s->device);
  for (const auto& device : devices)
    if (core_.broker.kick(device.c_str())) ++core_.counters.kicks;
}

}  // namespace parley::plugin
