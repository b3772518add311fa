#include "backend/cache/redis_cache.h"

#include <algorithm>

#include "backend/cache/cached_entry.h"

namespace parley::backend {
namespace {

using Type = RedisReply::Type;

// A message more or less in the list than this process believes (one was added since the caller asked the
// database) is found all the same.
constexpr std::uint64_t kSlack = 8;

constexpr const char* kTakeScript = R"lua(
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
local price, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local paid_at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0') or 0, now) + price
if paid_at - now > most then return 0 end
redis.call('SET', KEYS[1], string.format('%.0f', paid_at), 'PX', math.ceil((paid_at - now) / 1000) + 1)
return 1
)lua";

std::string ms(std::chrono::milliseconds time) {
  return std::to_string(time.count());
}

// Of a list's elements, the envelopes of `range.last` and of those before it without a hole.
std::vector<std::string> dense_run(std::uint64_t room_id, const std::vector<RedisReply>& elements,
                                   SeqRange range) {
  std::vector<std::string> found;
  auto wanted = range.last;
  for (auto at = elements.rbegin(); at != elements.rend() && wanted >= range.first; ++at) {
    const auto entry = read_entry(room_id, at->text);
    if (!entry) break;
    if (entry->seq == wanted) {
      found.emplace_back(entry->envelope);
      --wanted;
    } else if (!found.empty() || entry->seq < wanted) {
      break;
    }
  }
  std::ranges::reverse(found);
  return found;
}

}  // namespace

RedisCache::RedisCache(std::unique_ptr<RedisPool> pool, RedisCacheOptions options, const Clock& clock)
    : pool_(std::move(pool)), options_(std::move(options)), local_(clock) {}

std::string RedisCache::name_of(const RoomKey& key) const {
  return options_.prefix + ":room:" + std::to_string(key.lease) + ":" + std::to_string(key.room_id) + ":" +
         key.epoch;
}

Result<std::vector<std::string>> RedisCache::find(const RoomKey& key, std::uint64_t newest, SeqRange range) {
  {
    std::lock_guard lock(mutex_);
    const auto* filled = filled_.find(key.room_id);
    if (!filled || filled->key.lease != key.lease || filled->key.epoch != key.epoch) return not_filled();
  }
  const auto from_end = [&](std::uint64_t seq) { return newest - std::min(newest, seq) + 1; };
  const auto begin = from_end(range.first) + kSlack;
  const auto end = from_end(range.last) > kSlack ? from_end(range.last) - kSlack : 1;
  const auto replies =
      pool_->run({{"LRANGE", name_of(key), "-" + std::to_string(begin), "-" + std::to_string(end)}});
  if (!replies) return std::unexpected(replies.error());
  return dense_run(key.room_id, replies->front().list, range);
}

// To one who would fill it then it matters whether that is worth while.
Result<std::vector<std::string>> RedisCache::not_filled() const {
  if (pool_->resting()) return fail(Errc::unavailable, "Redis is left alone for a while.");
  return {};
}

Result<> RedisCache::fill(const RoomKey& key, std::uint64_t first, std::span<const std::string> envelopes) {
  std::size_t bytes = 0, kept = 0;
  while (kept < std::min<std::size_t>(envelopes.size(), options_.tail.messages)) {
    bytes += envelopes[envelopes.size() - 1 - kept].size();
    if (bytes > options_.tail.bytes) break;
    ++kept;
  }
  if (kept == 0) return {};
  const auto name = name_of(key);
  RedisCommand push{"RPUSH", name};
  for (auto i = envelopes.size() - kept; i < envelopes.size(); ++i)
    push.push_back(pack_entry(key.room_id, first + i, envelopes[i]));
  note_filled(key, bytes, first + envelopes.size());
  auto replies =
      pool_->run({{"MULTI"}, {"DEL", name}, push, {"PEXPIRE", name, ms(options_.expiry)}, {"EXEC"}});
  if (!replies) return std::unexpected(replies.error());
  return {};
}

// Before the list is there, so that nothing stored meanwhile goes past it.
void RedisCache::note_filled(const RoomKey& key, std::size_t bytes, std::uint64_t end) {
  std::lock_guard lock(mutex_);
  filled_.put(key.room_id, {key, bytes, end});
  if (filled_.size() > options_.rooms_max) filled_.erase(filled_.oldest().first);
}

Result<> RedisCache::extend(std::uint64_t lease, std::span<const wire::Record> records) {
  const auto additions = additions_of(lease, records);
  if (additions.empty()) return {};
  const auto commands = commands_for(additions);
  auto replies = pool_->run(commands);
  if (replies) return {};
  forget(additions);
  return std::unexpected(replies.error());
}

Result<> RedisCache::drop(std::uint64_t lease, std::span<const std::uint64_t> rooms) {
  RedisCommand remove{"DEL"};
  {
    std::lock_guard lock(mutex_);
    for (const auto room : rooms) {
      const auto* filled = filled_.find(room);
      if (!filled || filled->key.lease != lease) continue;
      remove.push_back(name_of(filled->key));
      filled_.erase(room);
    }
  }
  if (remove.size() == 1) return {};
  auto replies = pool_->run({remove});
  if (!replies) return std::unexpected(replies.error());
  return {};
}

RedisCache::Additions RedisCache::additions_of(std::uint64_t lease, std::span<const wire::Record> records) {
  Additions additions;
  std::lock_guard lock(mutex_);
  for (const auto& record : records) {
    const auto* filled = filled_.find(record.room_id);
    if (!filled || filled->key.lease != lease || record.seq < filled->end) continue;
    auto& addition = additions[record.room_id];
    if (addition.records.empty()) addition.name = name_of(filled->key);
    addition.records.push_back(&record);
  }
  return additions;
}

// Of more messages than a list may have, the newest alone are sent: the others would be cut off again.
std::vector<RedisCommand> RedisCache::commands_for(const Additions& additions) {
  std::vector<RedisCommand> commands;
  for (const auto& [room_id, addition] : additions) {
    RedisCommand push{"RPUSHX", addition.name};
    std::size_t bytes = 0;
    const auto count = std::min<std::size_t>(addition.records.size(), options_.tail.messages);
    for (const auto* record : std::span(addition.records).last(count)) {
      push.push_back(pack_entry(room_id, record->seq, record->envelope));
      bytes += record->envelope.size();
    }
    if (grows_too_large(room_id, bytes)) {
      commands.push_back({"DEL", addition.name});
      continue;
    }
    commands.push_back(std::move(push));
    commands.push_back({"LTRIM", addition.name, "-" + std::to_string(options_.tail.messages), "-1"});
    commands.push_back({"PEXPIRE", addition.name, ms(options_.expiry)});
  }
  return commands;
}

// Then the list is to be dropped; the next reader fills it again.
bool RedisCache::grows_too_large(std::uint64_t room_id, std::size_t bytes) {
  std::lock_guard lock(mutex_);
  auto* filled = filled_.find(room_id);
  if (filled && (filled->bytes += bytes) <= 2 * options_.tail.bytes) return false;
  filled_.erase(room_id);
  return true;
}

void RedisCache::forget(const Additions& additions) {
  std::lock_guard lock(mutex_);
  for (const auto& [room_id, addition] : additions) filled_.erase(room_id);
}

Result<> RedisCache::put_values(std::span<const NamedValue> values, std::chrono::milliseconds expiry) {
  std::vector<RedisCommand> commands;
  for (const auto& [name, value] : values)
    commands.push_back({"SET", options_.prefix + ":value:" + name, value, "PX", ms(expiry)});
  if (commands.empty()) return {};
  auto replies = pool_->run(commands);
  if (!replies) return std::unexpected(replies.error());
  return {};
}

Result<std::vector<std::optional<std::string>>> RedisCache::values(std::span<const std::string> names) {
  std::vector<std::optional<std::string>> found(names.size());
  if (names.empty()) return found;
  RedisCommand get{"MGET"};
  for (const auto& name : names) get.push_back(options_.prefix + ":value:" + name);
  const auto replies = pool_->run({get});
  if (!replies) return std::unexpected(replies.error());
  const auto& list = replies->front().list;
  for (std::size_t i = 0; i < std::min(list.size(), found.size()); ++i)
    if (list[i].type == Type::text) found[i] = list[i].text;
  return found;
}

bool RedisCache::take(const std::string& counter, const Rate& rate) {
  const auto price = 1'000'000 / std::max(rate.per_s, 1u);
  const auto most = static_cast<std::uint64_t>(price) * std::max(rate.burst, 1u);
  const auto replies = pool_->run({{"EVAL", kTakeScript, "1", options_.prefix + ":rate:" + counter,
                                    std::to_string(price), std::to_string(most)}});
  if (!replies || replies->front().type != Type::integer) return local_.take(counter, rate);
  return replies->front().integer != 0;
}

Dependency RedisCache::dependency() {
  return {"cache", [this] { return pool_->reading(); }};
}

}  // namespace parley::backend
