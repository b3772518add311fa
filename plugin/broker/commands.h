#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/broker/core.h"
#include "plugin/broker/drain.h"
#include "plugin/broker/intake.h"
#include "wire/control.h"

namespace parley::plugin {

// What the backend tells the plugin ($CONTROL/parley/v1, wire/control.h). Each command has one handler; what a handler returns is the answer, sent at the
// tick, after the kicks the command caused. For the broker's thread.
class Commands {
 public:
  Commands(Core& core, Intake& intake, Drain& drain) : core_(core), intake_(intake), drain_(drain) {}

  void handle(const Client& client, std::string_view payload);
  // Ends the sessions the marked effects speak of, and answers a replacement that came into force. Before the answers are flushed.
  void tick();

 private:
  using Answer = std::expected<nlohmann::json, wire::Failure>;

  Answer run(const std::string& client_id, const wire::Command& command);
  void refuse(const std::string& client_id, const std::string& id, const wire::Speaks& speaks);
  Answer attach(const std::string& client_id, const wire::Attach& attach);
  Answer apply(const wire::DirectoryApply& apply);
  std::optional<Answer> replace(const std::string& client_id, const wire::Command& command);
  Answer start_feed(const wire::Command& command);
  Answer append(const std::vector<wire::AppendEntry>& entries);
  Answer kick(const wire::Kick& kick);
  Answer sessions(const wire::Sessions& query) const;
  Answer ban(const wire::BanAdd& ban);
  Answer unban(const wire::BanRemove& ban);
  Answer bans(const wire::BanList& query) const;
  Answer revoke_jwts(const wire::JwtRevoke& revoke);
  Answer revoked_jwts(const wire::JwtRevoked& query) const;
  Answer stats() const;
  void obey(const Effects& effects);
  void forget_dropped_rooms(const std::vector<wire::DirectoryChange>& changes);
  void answer(const std::string& client_id, const std::string& id, const Answer& answer);

  struct Waiting {  // the last part of a replacement, answered when it is in force
    std::string client_id, id;
    std::uint64_t version = 0;
  };

  Core& core_;
  Intake& intake_;
  Drain& drain_;
  std::optional<Waiting> replacing_;
};

}  // namespace parley::plugin
