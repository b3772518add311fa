#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "wire/control.h"

namespace parley::backend {

// What administrators have the plugin do, and what they ask of it, beside accounts and rooms (wire/control.h).
using AdminCommand = std::variant<wire::BanAdd, wire::BanRemove, wire::BanList, wire::Drain, wire::JwtRevoke,
                                  wire::JwtRevoked>;

// What the rest of the backend may ask of the broker's plugin. Implemented over MQTT in control/, by a fake
// in tests. Thread-safe, never blocks; each `done` is called exactly once, on a thread of the implementation
// (keep it short), with unavailable when no broker is attached, timeout or in_doubt when the answer did not
// come in time.
class BrokerControl {
 public:
  virtual ~BrokerControl() = default;

  virtual bool attached() const = 0;

  // The Directory was committed at `version`: bring the plugin there. done: ok once the plugin enforces it
  // (and has its entries in the journal, or refused for now: they are retried); in_doubt when no answer came
  // in time or the broker is away (it will be brought there on attach).
  virtual void directory_changed(std::uint64_t version, std::function<void(Result<>)> done) = 0;

  // seqs: one for each entry, 0 where the journal could not take it (repeat the call: refs make that safe).
  virtual void append(std::vector<wire::AppendEntry> entries,
                      std::function<void(Result<std::vector<std::uint64_t>>)> done) = 0;

  virtual void kick(std::string user, std::string device,
                    std::function<void(Result<std::uint32_t>)> done) = 0;

  // Also gives the client id up, so that it is nobody's.
  virtual void forget_device(std::string user, std::string device,
                             std::function<void(Result<std::uint32_t>)> done) = 0;

  // The answer's `result` object of these commands (wire/control.h).
  virtual void sessions(wire::Sessions query, std::function<void(Result<nlohmann::json>)> done) = 0;
  virtual void administer(AdminCommand command, std::function<void(Result<nlohmann::json>)> done) = 0;
  virtual void stats(std::function<void(Result<nlohmann::json>)> done) = 0;
};

}  // namespace parley::backend
