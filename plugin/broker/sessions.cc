#include "plugin/broker/sessions.h"

#include <algorithm>

#include "base/encoding.h"

namespace parley::plugin {

Session& Sessions::open(Session session) {
  close(session.key);  // a pointer used again: the old connection is gone, whatever we were told
  const void* key = session.key;
  by_user_.emplace(fold_case(session.user), key);
  if (!session.token_id.empty()) by_token_.emplace(session.token_id, key);
  index_proof(session);
  if (session.resuming) resuming_.push_back(key);
  Session& opened = by_key_.emplace(key, std::move(session)).first->second;
  if (!opened.backend) by_device_.emplace(opened.device, key);
  return opened;
}

namespace {

void erase_one(std::unordered_multimap<std::string, const void*>& index, const std::string& name,
               const void* key) {
  auto [begin, end] = index.equal_range(name);
  auto own = std::find_if(begin, end, [&](const auto& entry) { return entry.second == key; });
  if (own != end) index.erase(own);
}

}  // namespace

std::optional<Session> Sessions::close(const void* key) {
  auto it = by_key_.find(key);
  if (it == by_key_.end()) return std::nullopt;
  by_device_.erase({it->second.device, key});
  Session session = std::move(it->second);
  by_key_.erase(it);
  erase_one(by_user_, fold_case(session.user), key);
  if (!session.token_id.empty()) erase_one(by_token_, session.token_id, key);
  forget_proof(session);
  kicks_.erase(key);
  std::erase(resuming_, key);
  return session;
}

void Sessions::index_proof(const Session& session) {
  if (!session.jti.empty()) by_jti_.emplace(session.jti, session.key);
  if (session.expires) expiries_.emplace(*session.expires, session.key);
  if (session.warn_at) warnings_.emplace(*session.warn_at, session.key);
}

void Sessions::forget_proof(const Session& session) {
  if (!session.jti.empty()) erase_one(by_jti_, session.jti, session.key);
  if (session.expires) expiries_.erase({*session.expires, session.key});
  if (session.warn_at) warnings_.erase({*session.warn_at, session.key});
}

void Sessions::renew(const void* key, const Session& proof) {
  Session* session = find(key);
  if (!session) return;
  forget_proof(*session);
  session->jti = proof.jti;
  session->issued_at = proof.issued_at;
  session->expires = proof.expires;
  session->warn_at = proof.warn_at;
  index_proof(*session);
}

Session* Sessions::find(const void* key) {
  auto it = by_key_.find(key);
  return it == by_key_.end() ? nullptr : &it->second;
}

std::uint32_t Sessions::kick_user_later(std::string_view user, std::string_view device) {
  std::uint32_t marked = 0;
  auto [begin, end] = by_user_.equal_range(fold_case(user));
  for (auto it = begin; it != end; ++it) {
    const Session& s = by_key_.at(it->second);
    if (s.backend || (!device.empty() && s.device != device)) continue;
    kicks_.insert(s.key);
    ++marked;
  }
  return marked;
}

std::uint32_t Sessions::kick_token_later(std::string_view token_id) {
  std::uint32_t marked = 0;
  auto [begin, end] = by_token_.equal_range(std::string(token_id));
  for (auto it = begin; it != end; ++it, ++marked) kicks_.insert(it->second);
  return marked;
}

std::uint32_t Sessions::kick_all_later(const std::function<bool(const Session&)>& which) {
  std::uint32_t marked = 0;
  for (const auto& [key, session] : by_key_) {
    if (session.backend || !which(session)) continue;
    kicks_.insert(key);
    ++marked;
  }
  return marked;
}

std::uint32_t Sessions::kick_jwts_later(const JwtRevocation& revocation) {
  std::uint32_t marked = 0;
  if (!revocation.jti.empty()) {
    auto [begin, end] = by_jti_.equal_range(revocation.jti);
    for (auto it = begin; it != end; ++it, ++marked) kicks_.insert(it->second);
    return marked;
  }
  auto [begin, end] = by_user_.equal_range(fold_case(revocation.user));
  for (auto it = begin; it != end; ++it) {
    const Session& s = by_key_.at(it->second);
    if (s.auth != "jwt" || s.user != revocation.user) continue;
    if (s.issued_at && *s.issued_at > revocation.before) continue;
    kicks_.insert(s.key);
    ++marked;
  }
  return marked;
}

std::vector<const Session*> Sessions::take_warnings(WallTime now) {
  std::vector<const Session*> taken;
  while (!warnings_.empty() && warnings_.begin()->first <= now) {
    Session& s = by_key_.at(warnings_.begin()->second);
    warnings_.erase(warnings_.begin());
    s.warn_at.reset();
    taken.push_back(&s);
  }
  return taken;
}

std::vector<const Session*> Sessions::take_kicks(WallTime now) {
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const void* key = expiries_.begin()->second;
    expiries_.erase(expiries_.begin());
    by_key_.at(key).expires.reset();
    kicks_.insert(key);
  }
  std::vector<const Session*> taken;
  for (const void* key : kicks_)
    if (auto* s = find(key)) taken.push_back(s);
  kicks_.clear();
  return taken;
}

void Sessions::denied_read(const void* key) {
  if (resuming_.empty()) return;
  if (auto* s = find(key); s && s->resuming) kicks_.insert(key);
}

void Sessions::end_of_resume() {
  for (const void* key : resuming_)
    if (auto* s = find(key)) s->resuming = false;
  resuming_.clear();
}

std::vector<const Session*> Sessions::list(std::string_view user, std::string_view after, std::size_t limit,
                                           bool& more) const {
  std::vector<const Session*> page;
  // False: the page is full.
  auto take = [&](const Session& s) {
    if (page.size() >= limit && s.device != page.back()->device) return false;
    page.push_back(&s);
    return true;
  };
  more = false;
  if (user.empty()) {
    auto at = by_device_.lower_bound({after, nullptr});
    while (at != by_device_.end() && at->first == after) ++at;
    for (; at != by_device_.end() && !more; ++at) more = !take(by_key_.at(at->second));
    return page;
  }
  for (const Session* s : of_user(user))
    if (s->device > after && !more) more = !take(*s);
  return page;
}

std::size_t Sessions::count_user(std::string_view user, std::string_view device) const {
  auto [begin, end] = by_user_.equal_range(fold_case(user));
  return static_cast<std::size_t>(std::count_if(
      begin, end, [&](const auto& entry) { return by_key_.at(entry.second).device != device; }));
}

std::vector<const Session*> Sessions::of_user(std::string_view user) const {
  std::vector<const Session*> all;
  auto [begin, end] = by_user_.equal_range(fold_case(user));
  for (auto it = begin; it != end; ++it)
    if (const Session& s = by_key_.at(it->second); !s.backend) all.push_back(&s);
  std::ranges::sort(all, {}, &Session::device);
  return all;
}

}  // namespace parley::plugin
