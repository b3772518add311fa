#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/parley-bench/broker.h"
#include "tools/parley-bench/parley_server.h"

namespace parley::bench {

// Who chats where: every user, sender or receiver, is a member of every room.
struct Population {
  std::size_t senders = 10, receivers = 10, rooms = 10;

  std::size_t users() const { return senders + receivers; }
};

// Users are numbered: senders first, then receivers.
std::string user_name(std::size_t i);
std::string room_name(std::size_t i);

// A broker under load, with its users and rooms: what is compared. Ended with the object. Not thread-safe.
class Contender {
 public:
  virtual ~Contender() = default;
  virtual std::string_view name() const = 0;
  virtual Broker& broker() = 0;
  virtual Login login(std::size_t user) const = 0;
  virtual std::string send_topic(std::size_t room) const = 0;
  std::string read_topic(std::size_t room) const { return "rooms/" + room_name(room) + "/messages"; }
  // What is delivered is not the payload, but an envelope that ends with it and one `}`.
  virtual bool envelopes() const { return false; }
  // The server behind it, when it is Parley.
  virtual ParleyServer* parley() { return nullptr; }
};

// Started and populated, in a folder below the run's.
Result<std::unique_ptr<Contender>> start_bare(Run& run);
Result<std::unique_ptr<Contender>> start_parley(Run& run, const Population& population,
                                                const std::vector<std::string>& plugin_options = {});
// Mosquitto's dynamic-security plugin: a group with a role for each room, every user in all of them.
Result<std::unique_ptr<Contender>> start_dynamic_security(Run& run, const Population& population);

}  // namespace parley::bench
