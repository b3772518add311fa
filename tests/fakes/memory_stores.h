#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backend/store/batch_links.h"
#include "backend/store/directory_step.h"
#include "backend/store/notify_steps.h"
#include "backend/store/stores.h"
#include "base/clock.h"

namespace parley::backend {

// What the stores keep, in maps, behind one lock: the plainest form of their contracts, for tests. It
// outlives the stores opened on it, as a database does.
struct MemoryDatabase {
  struct RoomRow {
    Room room;
    bool deleted = false;
    bool orphaned = false;
  };
  struct MessageRow {
    Ulid id;
    std::string envelope;
    std::string sender, type;
    std::int64_t at_ms = 0;
    LinkedRow links{};  // but for its envelope
    std::uint64_t counted = 0;
    wire::Deletion deletion{};
  };
  struct Thread {
    std::uint64_t replies = 0, last_seq = 0;
  };
  struct TokenRow {
    Token token;
    std::string sha256;
  };
  struct LinkRow {
    JoinLink link;
    std::string sha256;
  };
  struct DeviceEntry {
    DeviceRow row;
    std::set<std::string> tokens;
  };
  using MemberKey = std::pair<std::uint64_t, std::string>;  // room, user

  std::mutex mutex;
  FeedPosition position;
  std::map<std::uint64_t, RoomRow> rooms;
  std::map<std::uint64_t, std::map<std::uint64_t, MessageRow>> messages;  // room → seq → message
  std::map<std::uint64_t, std::map<std::pair<std::uint64_t, Ulid>, std::string>> quarantine;
  std::map<std::uint64_t, std::map<std::uint64_t, std::string>> held;  // room → seq → envelope
  std::vector<RecordedAct> acts;
  std::uint64_t last_act = 0;
  std::map<MemberKey, WallTime> mutes;
  std::map<std::string, Erasure> erasures;                      // by pseudonym
  std::map<std::string, ErasedName> erased_names;               // by digest
  std::map<std::string, std::set<std::uint64_t>> erased_rooms;  // pseudonym → rooms to be told
  std::map<MemberKey, Invitation> invitations;
  std::map<std::string, LinkRow> links;
  std::map<BatchLinks::Place, std::uint64_t> edits;  // message → the edit in force
  std::map<BatchLinks::Reaction, std::uint64_t> reactions;
  std::map<BatchLinks::Place, Thread> threads;                                       // by root
  std::map<std::uint64_t, std::map<std::string, std::set<std::uint64_t>>> mentions;  // room → user_key → seqs
  std::map<MemberKey, Member> standings;                                             // members and banned
  std::map<std::string, Account> accounts;
  std::map<std::string, TokenRow> tokens;
  std::map<std::string, PresenceRow> presence;
  WallTime presence_watched_at{};
  std::map<std::string, std::map<std::string, DeviceEntry>> devices;  // user → name → device
  std::map<std::string, Registration> registrations;                  // by id
  std::map<std::string, QuietHours> quiet_hours;
  std::map<MemberKey, RoomNotify> room_wishes;
  std::map<std::string, std::set<std::string>> blocked;  // by whom
  std::map<std::uint64_t, std::uint64_t> notify_cursors;
  std::map<std::uint64_t, KeptJob> notify_jobs;
  std::map<std::uint64_t, NotifyEvent> notify_log;
  std::map<std::uint64_t, DeadJob> dead_letters;
  std::uint64_t last_job = 0, last_event = 0, last_dead = 0;
  std::string directory_id;
  std::uint64_t version = 0, log_floor = 0;
  std::map<std::uint64_t, DirectoryStep> log;

  MemoryDatabase();
  // Under `mutex`. A room that can be seen, or null.
  RoomRow* living(std::uint64_t room_id);
  std::uint64_t write_step(const StepDraft& draft, std::uint32_t steps_kept);
  void forget_steps_to(std::uint64_t floor);
  // What is kept aside of a room that is held; nothing of others.
  void keep_aside(std::uint64_t room_id, std::uint64_t seq, const std::string& envelope);
  bool name_blocked(const std::string& name) const;
  bool being_erased(const std::string& user) const;
  void record_act(const std::optional<Act>& act, WallTime now);
  void sweep_admissions(WallTime now);
  bool may_be_told(const std::string& user, const std::string& target, std::uint64_t room_id);
  // With their jobs; gives how many there were.
  std::uint32_t drop_registrations(const std::function<bool(const Registration&)>& which);
  void drop_jobs(const std::function<bool(const NotifyJob&)>& which);
  void forget_wishes(const std::string& user);  // and all else of notifying
  Result<> use_ticket(const MemberChange& change, WallTime now);
};

// `clock` must outlive the stores.
Stores open_memory_stores(std::shared_ptr<MemoryDatabase> database, std::uint32_t steps_kept,
                          const Clock& clock);

// What open_memory_stores puts together.
std::unique_ptr<MessageStore> memory_messages(std::shared_ptr<MemoryDatabase> database);
std::unique_ptr<SearchStore> memory_search(std::shared_ptr<MemoryDatabase> database);
std::unique_ptr<RetentionStore> memory_retention(std::shared_ptr<MemoryDatabase> database,
                                                 const Clock& clock);
std::unique_ptr<RoomStore> memory_rooms(std::shared_ptr<MemoryDatabase> database, std::uint32_t steps_kept,
                                        const Clock& clock);
std::unique_ptr<MarkStore> memory_marks(std::shared_ptr<MemoryDatabase> database);
std::unique_ptr<UnreadStore> memory_unread(std::shared_ptr<MemoryDatabase> database);
std::unique_ptr<UserStore> memory_users(std::shared_ptr<MemoryDatabase> database, std::uint32_t steps_kept,
                                        const Clock& clock);
std::unique_ptr<AdmissionStore> memory_admissions(std::shared_ptr<MemoryDatabase> database,
                                                  const Clock& clock);
std::unique_ptr<AuditStore> memory_audit(std::shared_ptr<MemoryDatabase> database, const Clock& clock);
std::unique_ptr<DirectoryLog> memory_directory(std::shared_ptr<MemoryDatabase> database);
std::unique_ptr<PresenceStore> memory_presence(std::shared_ptr<MemoryDatabase> database);
std::unique_ptr<EraseStore> memory_erasures(std::shared_ptr<MemoryDatabase> database,
                                            std::uint32_t steps_kept, const Clock& clock);
std::unique_ptr<DeviceStore> memory_devices(std::shared_ptr<MemoryDatabase> database,
                                            std::uint32_t steps_kept);
std::unique_ptr<PushStore> memory_push(std::shared_ptr<MemoryDatabase> database, const Clock& clock);
std::unique_ptr<NotifyStore> memory_notify(std::shared_ptr<MemoryDatabase> database);
std::unique_ptr<NotifyDelivery> memory_deliveries(std::shared_ptr<MemoryDatabase> database);

}  // namespace parley::backend
