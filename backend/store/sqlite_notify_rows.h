#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "backend/store/notify_steps.h"
#include "backend/store/sqlite_connection.h"

namespace parley::backend {

// Rows of notifying (migration 12), within a transaction. All may throw SqliteFailure.

#define PARLEY_NOTIFY_JOBS                                                                          \
  "SELECT id, user, target, provider, room_id, state, due, since, want_seq, mention_seq, changed, " \
  "shown_seq,"                                                                                      \
  " shown_at, notice, notice_seq, attempts, not_before, again, claimed_by FROM notify_jobs"

KeptJob read_job(const Query& row);
std::optional<KeptJob> job_by_id(SqliteConnection& connection, std::uint64_t id);
std::optional<KeptJob> job_by_key(SqliteConnection& connection, std::uint64_t room_id,
                                  const std::string& user, const std::string& target);
void insert_job(SqliteConnection& connection, const KeptJob& kept);
void update_job(SqliteConnection& connection, const KeptJob& kept);
// The job as it is after the step, and what is written down of it.
void write_step(SqliteConnection& connection, const KeptJob& kept, const JobStep& step);

bool may_be_told(SqliteConnection& connection, const std::string& user, const std::string& target,
                 std::uint64_t room_id);
// There, and not being erased.
bool known_user(SqliteConnection& connection, const std::string& user);

// Registrations go with their jobs. Give how many there were.
std::uint32_t drop_registration(SqliteConnection& connection, const std::string& id);
std::uint32_t drop_registrations(SqliteConnection& connection, const std::string& user,
                                 const std::string& device);
// All of the user's registrations and jobs.
void silence(SqliteConnection& connection, const std::string& user);
// That, and all else of notifying that has the name.
void forget_wishes(SqliteConnection& connection, const std::string& user);
void forget_wishes_about(SqliteConnection& connection, std::uint64_t room_id);

}  // namespace parley::backend
