#include "tools/parley-bench/contender.h"

#include "tools/parley-bench/population.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

class Bare final : public Contender {
 public:
  explicit Bare(Broker broker) : broker_(std::move(broker)) {}
  std::string_view name() const override { return Report::kBare; }
  Broker& broker() override { return broker_; }
  Login login(std::size_t user) const override {
    return {.client_id = user_name(user), .user = "", .password = ""};
  }
  std::string send_topic(std::size_t room) const override { return read_topic(room); }

 private:
  Broker broker_;
};

class Parley final : public Contender {
 public:
  Parley(ParleyServer server, std::vector<Login> logins)
      : server_(std::move(server)), logins_(std::move(logins)) {}
  std::string_view name() const override { return "parley"; }
  Broker& broker() override { return server_.broker(); }
  Login login(std::size_t user) const override { return logins_[user]; }
  std::string send_topic(std::size_t room) const override { return "rooms/" + room_name(room) + "/send"; }
  bool envelopes() const override { return true; }
  ParleyServer* parley() override { return &server_; }

 private:
  ParleyServer server_;
  std::vector<Login> logins_;
};

}  // namespace

std::string user_name(std::size_t i) {
  return "user" + std::to_string(i);
}

std::string room_name(std::size_t i) {
  return "room" + std::to_string(i);
}

Result<std::unique_ptr<Contender>> start_bare(Run& run) {
  auto broker = PARLEY_TRY(Broker::prepare(run, run.folder / "bare", {"allow_anonymous true"}));
  PARLEY_TRY(broker.start());
  return std::make_unique<Bare>(std::move(broker));
}

Result<std::unique_ptr<Contender>> start_parley(Run& run, const Population& population,
                                                const std::vector<std::string>& plugin_options) {
  auto server = PARLEY_TRY(ParleyServer::start(run, run.folder / "parley", plugin_options));
  auto logins = PARLEY_TRY(create_users(server, 0, population.users()));
  PARLEY_TRY(create_rooms(server, population.rooms, population.users()));
  return std::make_unique<Parley>(std::move(server), std::move(logins));
}

}  // namespace parley::bench
