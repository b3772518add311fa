#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "wire/ban.h"
#include "wire/network.h"

namespace parley::plugin {

// Names are compared without case (ASCII), looked up without a copy.
struct CaselessHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const;
};
struct CaselessEqual {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};

// Who is banned now: users and client ids by name, addresses by networks. In memory alone; `Bans` (bans.h) keeps it on disk.
//
// Two lists in one: what administrators banned (`by` is not empty), and what the broker banned by itself. Each holds kBansMax at most. A target is on one of
// them: an administrator's ban takes the place of the broker's, never the other way. About 800 bytes each, and the reason.
// Looking up an address costs one hash per length of prefix in use. Not thread-safe; never blocks.
class BanIndex {
 public:
  explicit BanIndex(std::size_t each_max = wire::kBansMax) : each_max_(each_max) {}

  enum class Added { added, changed, kept, full };
  // `ban.target` is canonical. changed: there was one of this target, and this one holds now. kept: an administrator's ban stands, and the broker's is
  // not needed. full: the administrators' list is; the broker's lets go of the one that ends first.
  Added add(const wire::Ban& ban);
  bool remove(wire::BanKind kind, std::string_view target);

  // Views and pointers are good until the next change. Ended ones are never found.
  const wire::Ban* user(std::string_view name, WallTime now) const;
  const wire::Ban* client(std::string_view id, WallTime now) const;
  const wire::Ban* address(const wire::IpAddress& address, WallTime now) const;
  const wire::Ban* find(wire::BanKind kind, std::string_view target) const;  // ended ones, too

  // Takes out what has ended, `most` at a time.
  std::vector<wire::Ban> take_ended(WallTime now, std::size_t most);
  // In the order of kind and folded target, those after the one given; nullopt: from the first.
  struct Place {
    wire::BanKind kind;
    std::string target;
  };
  std::vector<const wire::Ban*> list(const std::optional<Place>& after, std::size_t limit, bool& more) const;

  // Is any user or client id banned? Asked for every delivery.
  bool names_somebody() const { return !users_.empty() || !clients_.empty(); }
  std::size_t by_admins() const { return by_admins_; }
  std::size_t by_broker() const { return ordered_.size() - by_admins_; }
  std::size_t of_kind(wire::BanKind kind) const { return of_kind_[static_cast<std::size_t>(kind)]; }

 private:
  using Key = std::pair<wire::BanKind, std::string>;  // folded target
  using Names = std::unordered_map<std::string, const wire::Ban*, CaselessHash, CaselessEqual>;
  struct NetworkHash {
    std::size_t operator()(const wire::Network& network) const;
  };
  struct ByEnd {
    std::int64_t until_ms;
    Key key;
    auto operator<=>(const ByEnd&) const = default;
  };

  static std::int64_t end_of(const wire::Ban& ban) { return ban.until_ms == 0 ? INT64_MAX : ban.until_ms; }
  static const wire::Ban* in_force(const wire::Ban* ban, WallTime now);
  Names& names(wire::BanKind kind) { return kind == wire::BanKind::user ? users_ : clients_; }
  void put(Key key, const wire::Ban& ban);
  void erase(std::map<Key, wire::Ban>::iterator it);
  void give_one_up();

  std::size_t each_max_, by_admins_ = 0;
  std::array<std::size_t, 3> of_kind_{};
  std::map<Key, wire::Ban> ordered_;
  Names users_, clients_;
  std::unordered_map<wire::Network, const wire::Ban*, NetworkHash> networks_;
  std::map<std::uint8_t, std::size_t, std::greater<>> prefixes_;  // lengths in use, and of how many networks
  std::set<ByEnd> ends_, brokers_ends_;  // those that end; those of the broker, to let go of
};

}  // namespace parley::plugin
