#include "backend/store/postgres_mark_store.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace parley::backend {
namespace {

using What = MarkOutcome::What;
using Outcomes = std::vector<MarkOutcome>;

// The members concerned, by the raise's number (from 1): look-ups for each, no joins (postgres_connection.cc says
// why).
constexpr std::string_view kMarks =
    "SELECT n.nth, r.id, n.user_name, m.received, m.read, coalesce(p.last_seq, 0), r.shard"
    " FROM unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY AS n(id, name, user_name, nth)"
    " CROSS JOIN LATERAL (SELECT id, shard FROM rooms WHERE n.id <> 0 AND id = n.id AND NOT deleted"
    " UNION ALL SELECT id, shard FROM rooms WHERE n.id = 0 AND name = n.name AND NOT deleted LIMIT 1) r"
    " CROSS JOIN LATERAL (SELECT received, read FROM members WHERE room_id = r.id AND user_name = n.user_name"
    " LIMIT 1) m"
    " LEFT JOIN LATERAL (SELECT last_seq FROM room_progress WHERE room_id = r.id LIMIT 1) p ON true";
// Never lowers, whoever else has raised meanwhile.
constexpr std::string_view kRaise =
    "UPDATE members m SET received = greatest(m.received, n.received), read = greatest(m.read, n.read)"
    " FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) AS n(room_id, user_name, received, "
    "read)"
    " WHERE m.room_id = n.room_id AND m.user_name = n.user_name AND m.room_id = ANY($1::bigint[])"
    " AND m.user_name = ANY($2::text[])";

using Standing = std::pair<std::uint64_t, std::string>;  // room, user

struct Found {
  Standing who;
  std::uint64_t last_seq = 0;
  std::string shard;
};

// One call of raise(), in a transaction of its caller's.
class Raising {
 public:
  Raising(PostgresConnection& connection, PostgresShards* shards, std::span<const MarkRaise> raises)
      : connection_(connection), shards_(shards), raises_(raises), found_(raises.size()) {}

  Result<Outcomes> run(bool write) {
    read();
    if (auto known = ask_shards(); !known) return std::unexpected(known.error());
    Outcomes outcomes;
    for (std::size_t i = 0; i < raises_.size(); ++i) outcomes.push_back(raise(i));
    if (write) write_raised();
    return outcomes;
  }

 private:
  void read() {
    auto ids = PostgresArray::of_bigint(), names = PostgresArray::of_text(), users = PostgresArray::of_text();
    for (const auto& raise : raises_) {
      ids.add(raise.room_id);
      names.add(std::string_view(raise.room));
      users.add(std::string_view(raise.user));
    }
    for (auto row : connection_.query(kMarks, ids, names, users)) {
      const Standing who{row.number(1), row.string(2)};
      found_[row.number(0) - 1] = Found{who, row.number(5), row.string(6)};
      marks_[who] = {.received = row.number(3), .read = row.number(4)};
    }
  }

  // The last numbers of rooms that lie in other databases, where a raise depends on them.
  Result<> ask_shards() {
    std::map<std::string, std::vector<std::uint64_t>> rooms;
    for (std::size_t i = 0; i < raises_.size(); ++i)
      if (found_[i] && !raises_[i].checked && !found_[i]->shard.empty())
        rooms[found_[i]->shard].push_back(found_[i]->who.first);
    for (const auto& [shard, ids] : rooms) {
      if (!shards_)
        return fail(Errc::unavailable, "A room lies in another database; store_shards does not name it.");
      auto progress = shards_->progress(shard, ids);
      if (!progress) return std::unexpected(progress.error());
      for (auto& found : found_)
        if (found && found->shard == shard) found->last_seq = (*progress)[found->who.first].last_seq;
    }
    return {};
  }

  MarkOutcome raise(std::size_t i) {
    if (!found_[i]) return {};
    auto& marks = marks_[found_[i]->who];
    auto outcome = raised(marks, raises_[i], found_[i]->last_seq);
    if (outcome.what == What::raised) {
      marks = outcome.now;
      changed_.insert(found_[i]->who);
    }
    return outcome;
  }

  void write_raised() {
    auto rooms = PostgresArray::of_bigint(), received = PostgresArray::of_bigint(),
         read = PostgresArray::of_bigint(), users = PostgresArray::of_text();
    for (const auto& who : changed_) {
      rooms.add(who.first);
      users.add(std::string_view(who.second));
      received.add(marks_[who].received);
      read.add(marks_[who].read);
    }
    if (!rooms.empty()) connection_.query(kRaise, rooms, users, received, read);
  }

  PostgresConnection& connection_;
  PostgresShards* shards_;
  std::span<const MarkRaise> raises_;
  std::vector<std::optional<Found>> found_;  // by the raises' numbers
  std::map<Standing, Marks> marks_;
  std::set<Standing> changed_;
};

}  // namespace

Result<Outcomes> PostgresMarkStore::raise(std::span<const MarkRaise> raises) {
  if (raises.empty()) return Outcomes{};
  auto outcomes = pool_->read(
      [&](PostgresConnection& connection) { return Raising(connection, shards_.get(), raises).run(false); });
  if (!outcomes || std::ranges::find(*outcomes, What::raised, &MarkOutcome::what) == outcomes->end())
    return outcomes;
  outcomes = pool_->write(
      [&](PostgresConnection& connection) { return Raising(connection, shards_.get(), raises).run(true); });
  // Raising again does no harm.
  if (!outcomes && outcomes.error().code == Errc::in_doubt) outcomes.error().code = Errc::unavailable;
  return outcomes;
}

Result<std::vector<std::string>> PostgresMarkStore::mentioned(std::uint64_t room_id,
                                                              const std::vector<std::string>& keys,
                                                              std::uint32_t everyone_max) {
  using Users = std::vector<std::string>;
  auto names = PostgresArray::of_text();
  for (const auto& key : keys) names.add(std::string_view(key));
  const bool everyone = std::ranges::find(keys, kEveryone) != keys.end();
  return pool_->read([&](PostgresConnection& connection) -> Result<Users> {
    Users users;
    if (everyone) {
      auto rows = connection.query("SELECT user_name FROM members WHERE room_id = $1 LIMIT $2", room_id,
                                   std::uint64_t{everyone_max} + 1);
      for (auto row : rows) users.push_back(row.string(0));
      if (users.size() <= everyone_max) return users;
      users.clear();
    }
    auto rows = connection.query(
        "SELECT DISTINCT m.user_name FROM users u JOIN members m ON m.room_id = $1 AND m.user_name = u.name"
        " WHERE u.name_key = ANY($2)",
        room_id, names);
    for (auto row : rows) users.push_back(row.string(0));
    return users;
  });
}

}  // namespace parley::backend
