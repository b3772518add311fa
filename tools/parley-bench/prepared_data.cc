#include "tools/parley-bench/prepared_data.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "plugin/directory/durable_directory.h"
#include "plugin/journal/sequencer.h"
#include "tools/parley-bench/contender.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr std::size_t kChangesAtOnce = 1000;

// Collects changes and hands them on by the thousand.
class Parts {
 public:
  explicit Parts(const TakeChanges& take) : take_(take) {}
  Result<> add(wire::DirectoryChange change) {
    changes_.push_back(std::move(change));
    return changes_.size() < kChangesAtOnce ? Result<>() : finish();
  }
  Result<> finish() {
    auto taken = take_(changes_);
    changes_.clear();
    return taken;
  }

 private:
  const TakeChanges& take_;
  std::vector<wire::DirectoryChange> changes_;
};

Result<> write_directory(const std::filesystem::path& folder, const PreparedData& wanted,
                         const std::string& token) {
  auto directory = PARLEY_TRY(plugin::DurableDirectory::open(folder));
  PARLEY_TRY(directory->begin_replace("prepared", 1));
  const TakeChanges take = [&](std::span<const wire::DirectoryChange> changes) {
    return directory->replace_part(changes);
  };
  PARLEY_TRY(make_directory(wanted, take));
  const std::vector<wire::DirectoryChange> login{
      wire::TokenPut{.id = format_ulid(UlidGenerator().next(SystemClock().wall())),
                     .user = user_name(0),
                     .sha256 = std::string(as_view(sha256(token)))}};
  PARLEY_TRY(take(login));
  PARLEY_TRY(directory->finish_replace());
  const auto done = directory->wait_idle();
  if (!done) return fail(Errc::internal, "The prepared Directory did not come into force.");
  if (!*done) return std::unexpected(done->error());
  return {};
}

// The journal's thread makes segments ready; here nobody is in a hurry.
Result<> put_patiently(plugin::Journal& journal, plugin::LocalSequencer& sequencer,
                       const plugin::SequencerEntry& entry) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto put = sequencer.put(entry, SystemClock().wall());
    const auto* refused = std::get_if<plugin::Refused>(&put);
    if (!refused) return {};
    if (refused->code != wire::Code::unavailable)
      return fail(Errc::internal, "Prepared journal: " + refused->reason);
    journal.settle(std::chrono::milliseconds(1000));
    journal.tick();
  }
  return fail(Errc::unavailable, "Prepared journal: " + journal.trouble());
}

Result<> write_journal(Run& run, const std::filesystem::path& folder, const PreparedData& wanted) {
  plugin::JournalOptions options;
  options.max_bytes = wanted.journal_bytes * 2 + (1ull << 30);
  auto journal = PARLEY_TRY(plugin::Journal::open(folder, options));
  PARLEY_TRY(journal->open_for_messages());
  plugin::LocalSequencer sequencer(*journal);
  const std::string content = R"({"text":")" + std::string(89, 'x') + R"("})";
  for (std::size_t i = 0; journal->end() < wanted.journal_bytes; ++i) {
    const auto room = i % wanted.rooms;
    const auto name = room_name(room);
    const auto user = user_name(i % wanted.users);
    const auto device = user + "-bench";
    PARLEY_TRY(put_patiently(*journal, sequencer,
                             {.room = {room_id(room), name, "prepared", 0},
                              .user = user,
                              .device = device,
                              .role = "member",
                              .type = "text",
                              .content = content}));
    if (i % 10'000 == 0) PARLEY_TRY(run.check());
  }
  return {};
}

}  // namespace

std::uint64_t room_id(std::size_t room) {
  return room + 1;
}

// Goes through the users within a room, and through the rooms.
Membership membership(const PreparedData& wanted, std::size_t i) {
  const auto room = i % wanted.rooms;
  return {(i / wanted.rooms + room) % wanted.users, room};
}

Result<> make_directory(const PreparedData& wanted, const TakeChanges& take) {
  if (wanted.members > wanted.users * wanted.rooms)
    return fail(Errc::invalid_argument, "More memberships than users times rooms.");
  Parts parts(take);
  for (std::size_t i = 0; i < wanted.users; ++i) PARLEY_TRY(parts.add(wire::UserPut{.name = user_name(i)}));
  for (std::size_t i = 0; i < wanted.rooms; ++i)
    PARLEY_TRY(parts.add(wire::RoomPut{.id = room_id(i), .name = room_name(i), .epoch = "prepared"}));
  for (std::size_t i = 0; i < wanted.members; ++i) {
    const auto who = membership(wanted, i);
    PARLEY_TRY(parts.add(
        wire::MemberPut{.room = room_id(who.room), .user = user_name(who.user), .role = wire::Role::member}));
  }
  return parts.finish();
}

Result<Login> prepare_data(Run& run, const std::filesystem::path& plugin_data, const PreparedData& wanted) {
  std::error_code ec;
  std::filesystem::create_directories(plugin_data, ec);
  const auto token = "plt_" + base64url_encode(random_bytes(32));
  PARLEY_TRY(write_directory(plugin_data / "directory", wanted, token));
  if (wanted.journal_bytes > 0) PARLEY_TRY(write_journal(run, plugin_data / "journal", wanted));
  return Login{.client_id = user_name(0) + "-bench", .user = user_name(0), .password = token};
}

}  // namespace parley::bench
