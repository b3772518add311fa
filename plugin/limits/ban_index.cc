#include "plugin/limits/ban_index.h"

#include <algorithm>
#include <cstring>

#include "base/encoding.h"

namespace parley::plugin {

using wire::Ban;
using wire::BanKind;

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::size_t CaselessHash::operator()(std::string_view text) const {
  std::uint64_t hash = 14695981039346656037ull;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(lower(c))) * 1099511628211ull;
  return hash;
}

bool CaselessEqual::operator()(std::string_view a, std::string_view b) const {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::size_t BanIndex::NetworkHash::operator()(const wire::Network& network) const {
  std::uint64_t high, low;
  std::memcpy(&high, network.base.bytes.data(), 8);
  std::memcpy(&low, network.base.bytes.data() + 8, 8);
  std::uint64_t hash = (high ^ network.bits) * 0x9e3779b97f4a7c15ull;
  hash = ((hash ^ (hash >> 32)) + low) * 0x9e3779b97f4a7c15ull;
  return hash ^ (hash >> 32);
}

BanIndex::Added BanIndex::add(const Ban& ban) {
  Key key{ban.kind, fold_case(ban.target)};
  const bool by_admin = !ban.by.empty();
  const auto known = ordered_.find(key);
  if (known != ordered_.end()) {
    const bool was_by_admin = !known->second.by.empty();
    if (was_by_admin && !by_admin) return Added::kept;
    if (by_admin && !was_by_admin && by_admins_ >= each_max_) return Added::full;
    erase(known);
    put(std::move(key), ban);
    return Added::changed;
  }
  if (by_admin && by_admins_ >= each_max_) return Added::full;
  if (!by_admin && by_broker() >= each_max_) give_one_up();
  put(std::move(key), ban);
  return Added::added;
}

void BanIndex::put(Key key, const Ban& ban) {
  const auto it = ordered_.emplace(std::move(key), ban).first;
  const Ban* held = &it->second;
  if (ban.kind == BanKind::network) {
    const auto network = wire::parse_network(ban.target).value_or(wire::Network{});
    networks_.emplace(network, held);
    ++prefixes_[network.bits];
  } else {
    names(ban.kind).emplace(it->first.second, held);
  }
  ++of_kind_[static_cast<std::size_t>(ban.kind)];
  if (!ban.by.empty()) ++by_admins_;
  if (ban.until_ms != 0) ends_.insert({ban.until_ms, it->first});
  if (ban.by.empty()) brokers_ends_.insert({end_of(ban), it->first});
}

void BanIndex::erase(std::map<Key, Ban>::iterator it) {
  const Ban& ban = it->second;
  if (ban.kind == BanKind::network) {
    const auto network = wire::parse_network(ban.target).value_or(wire::Network{});
    networks_.erase(network);
    if (--prefixes_[network.bits] == 0) prefixes_.erase(network.bits);
  } else {
    names(ban.kind).erase(it->first.second);
  }
  --of_kind_[static_cast<std::size_t>(ban.kind)];
  if (!ban.by.empty()) --by_admins_;
  ends_.erase({ban.until_ms, it->first});
  brokers_ends_.erase({end_of(ban), it->first});
  ordered_.erase(it);
}

void BanIndex::give_one_up() {
  if (brokers_ends_.empty()) return;
  erase(ordered_.find(brokers_ends_.begin()->key));
}

bool BanIndex::remove(BanKind kind, std::string_view target) {
  const auto it = ordered_.find(Key{kind, fold_case(target)});
  if (it == ordered_.end()) return false;
  erase(it);
  return true;
}

const Ban* BanIndex::in_force(const Ban* ban, WallTime now) {
  return ban->until_ms == 0 || ban->until_ms > to_ms(now) ? ban : nullptr;
}

const Ban* BanIndex::user(std::string_view name, WallTime now) const {
  if (users_.empty()) return nullptr;
  const auto it = users_.find(name);
  return it == users_.end() ? nullptr : in_force(it->second, now);
}

const Ban* BanIndex::client(std::string_view id, WallTime now) const {
  if (clients_.empty()) return nullptr;
  const auto it = clients_.find(id);
  return it == clients_.end() ? nullptr : in_force(it->second, now);
}

const Ban* BanIndex::address(const wire::IpAddress& address, WallTime now) const {
  for (const auto& [bits, count] : prefixes_)
    if (const auto it = networks_.find(wire::network_of(address, bits)); it != networks_.end())
      if (const Ban* ban = in_force(it->second, now)) return ban;
  return nullptr;
}

const Ban* BanIndex::find(BanKind kind, std::string_view target) const {
  const auto it = ordered_.find(Key{kind, fold_case(target)});
  return it == ordered_.end() ? nullptr : &it->second;
}

std::vector<Ban> BanIndex::take_ended(WallTime now, std::size_t most) {
  std::vector<Ban> ended;
  while (ended.size() < most && !ends_.empty() && ends_.begin()->until_ms <= to_ms(now)) {
    const auto it = ordered_.find(ends_.begin()->key);
    ended.push_back(it->second);
    erase(it);
  }
  return ended;
}

std::vector<const Ban*> BanIndex::list(const std::optional<Place>& after, std::size_t limit,
                                       bool& more) const {
  auto at = after ? ordered_.upper_bound(Key{after->kind, fold_case(after->target)}) : ordered_.begin();
  std::vector<const Ban*> page;
  for (; at != ordered_.end() && page.size() < limit; ++at) page.push_back(&at->second);
  more = at != ordered_.end();
  return page;
}

}  // namespace parley::plugin
