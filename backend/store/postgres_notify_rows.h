#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backend/store/notify_steps.h"
#include "backend/store/postgres_connection.h"

namespace parley::backend {

// Rows of notifying (migration 13), within a transaction. All may throw PostgresFailure.
//
// Whoever adds rows that name a user, a registration or a room first says that they are being used; whoever takes away what
// they name says that they are being removed, and waits for those: so that nothing is added about what is gone. Jobs that
// are there already are locked by room, user and target, by everybody, so that nobody waits for each other in a ring: as
// room_id + 0, in which order no index is, so that a plan made while the table was small reads none from end to end for it.
void use_names(PostgresConnection& connection);
void remove_names(PostgresConnection& connection);

#define PARLEY_NOTIFY_JOB_COLUMNS                                                                           \
  "id, user_name, target, provider, room_id, state, due, since, want_seq, mention_seq, changed, shown_seq," \
  " shown_at, notice, notice_seq, attempts, not_before, again, claimed_by"

KeptJob read_job(const PostgresRows::Row& row);
// Those of the numbers that are there still; nobody changes them until the transaction ends.
std::vector<KeptJob> lock_jobs(PostgresConnection& connection, const PostgresArray& ids);

// What is to be written after a number of steps.
class JobSteps {
 public:
  void add(const KeptJob& kept, const JobStep& step);
  void write(PostgresConnection& connection);

 private:
  void write_jobs(PostgresConnection& connection);
  void write_log(PostgresConnection& connection);
  void write_letters(PostgresConnection& connection);

  std::vector<KeptJob> kept_;
  PostgresArray gone_ = PostgresArray::of_bigint();
  std::vector<NotifyEvent> events_;
  std::vector<DeadJob> dead_;
};
void update_jobs(PostgresConnection& connection, const std::vector<KeptJob>& jobs);

// There, and not being erased; stays so, and alone in what it changes of its own, until the transaction ends.
bool lock_user(PostgresConnection& connection, const std::string& user);

// Registrations go with their jobs. All want remove_names() before.
void drop_registrations(PostgresConnection& connection, const PostgresArray& ids);
std::uint32_t drop_registrations(PostgresConnection& connection, const std::string& user,
                                 const std::string& device);
// All of the user's registrations and jobs.
void silence(PostgresConnection& connection, const std::string& user);
// That, and all else of notifying that has the name.
void forget_wishes(PostgresConnection& connection, const std::string& user);
void forget_wishes_about(PostgresConnection& connection, std::uint64_t room_id);
// Of each of the rooms, what was told or is to be told of messages above its last seq.
void forget_what_is_gone(PostgresConnection& connection, const PostgresArray& rooms,
                         const PostgresArray& last_seqs);

}  // namespace parley::backend
