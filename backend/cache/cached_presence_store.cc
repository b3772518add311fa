#include "backend/cache/cached_presence_store.h"

#include <nlohmann/json.hpp>

#include "base/crypto.h"

namespace parley::backend {
namespace {

std::string name_of(const std::string& user) {
  return "presence:" + user;
}

std::string pack(const PresenceRow& row, std::uint64_t mark) {
  return nlohmann::json{mark, row.user, static_cast<int>(row.status), to_ms(row.last_seen), row.invisible}
      .dump();
}

// nullopt: not what was written with this mark.
std::optional<PresenceRow> unpack(const std::string& text, const std::string& user, std::uint64_t mark) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_array() || json.size() != 5 || json[0] != mark || json[1] != user) return std::nullopt;
  if (!json[2].is_number_integer() || !json[3].is_number_integer() || !json[4].is_boolean())
    return std::nullopt;
  return PresenceRow{.user = user,
                     .status = static_cast<PresenceStatus>(json[2].get<int>()),
                     .last_seen = from_ms(json[3].get<std::int64_t>()),
                     .invisible = json[4].get<bool>()};
}

}  // namespace

CachedPresenceStore::CachedPresenceStore(PresenceStore& store, Cache& cache, Metrics& metrics,
                                         std::size_t users_max)
    : store_(store), cache_(cache), users_max_(users_max), last_(random_u64()) {
  const auto rows = [&](const char* from) {
    return metrics.counter("parley_cache_presence_total",
                           "Users' presence by where it came from: hit, the cache; miss, the store.",
                           {{"result", from}});
  };
  hits_ = rows("hit");
  misses_ = rows("miss");
}

void CachedPresenceStore::forget() {
  std::lock_guard lock(mutex_);
  ++changes_;
  marks_ = {};
}

// Copies are of rows as the store has them; put() keeps `invisible`, so one that was never read is not known whole.
Result<> CachedPresenceStore::put(std::span<const PresenceRow> rows) {
  std::vector<std::string> users;
  for (const auto& row : rows) users.push_back(row.user);
  auto done = store_.put(rows);
  drop(users);
  return done;
}

Result<> CachedPresenceStore::set_invisible(const std::string& user, bool invisible) {
  auto done = store_.set_invisible(user, invisible);
  drop(std::span(&user, 1));
  return done;
}

// The copy itself goes, too: it has the name.
Result<> CachedPresenceStore::remove(const std::string& user) {
  auto done = store_.remove(user);
  drop(std::span(&user, 1));
  const NamedValue nothing{name_of(user), ""};
  (void)cache_.put_values(std::span(&nothing, 1), std::chrono::milliseconds(1));
  return done;
}

Result<std::vector<PresenceRow>> CachedPresenceStore::get(std::span<const std::string> users) {
  std::vector<std::string> missing;
  auto rows = find(users, missing);
  hits_.add(static_cast<double>(rows.size()));
  misses_.add(static_cast<double>(missing.size()));
  if (missing.empty()) return rows;
  if (auto read_too = read(missing, rows); !read_too) return std::unexpected(read_too.error());
  return rows;
}

std::vector<PresenceRow> CachedPresenceStore::find(std::span<const std::string> users,
                                                   std::vector<std::string>& missing) {
  std::vector<std::string> known, names;
  std::vector<Mark> marks;
  {
    std::lock_guard lock(mutex_);
    for (const auto& user : users) {
      const auto* mark = marks_.find(user);
      (mark ? known : missing).push_back(user);
      if (!mark) continue;
      marks.push_back(*mark);
      names.push_back(name_of(user));
    }
  }
  std::vector<PresenceRow> rows;
  if (known.empty()) return rows;
  const auto found = cache_.values(names);
  for (std::size_t i = 0; i < known.size(); ++i) {
    auto row = found && (*found)[i] ? unpack(*(*found)[i], known[i], marks[i]) : std::nullopt;
    if (row)
      rows.push_back(*std::move(row));
    else
      missing.push_back(known[i]);
  }
  return rows;
}

Result<> CachedPresenceStore::read(const std::vector<std::string>& users, std::vector<PresenceRow>& rows) {
  std::unique_lock lock(mutex_);
  const auto before = changes_;
  lock.unlock();
  const auto stored = store_.get(users);
  if (!stored) return std::unexpected(stored.error());
  rows.insert(rows.end(), stored->begin(), stored->end());
  lock.lock();
  if (changes_ != before) return {};
  std::vector<Mark> marks;
  for (const auto& row : *stored) marks.push_back(draw(row.user));
  lock.unlock();
  copy(*stored, marks);
  return {};
}

CachedPresenceStore::Mark CachedPresenceStore::draw(const std::string& user) {
  marks_.put(user, ++last_);
  if (marks_.size() > users_max_) marks_.erase(marks_.oldest().first);
  return last_;
}

void CachedPresenceStore::drop(std::span<const std::string> users) {
  std::lock_guard lock(mutex_);
  ++changes_;
  for (const auto& user : users) marks_.erase(user);
}

void CachedPresenceStore::copy(std::span<const PresenceRow> rows, std::span<const Mark> marks) {
  std::vector<NamedValue> values;
  for (std::size_t i = 0; i < rows.size(); ++i)
    values.push_back({name_of(rows[i].user), pack(rows[i], marks[i])});
  if (!values.empty()) (void)cache_.put_values(values, kExpiry);
}

}  // namespace parley::backend
