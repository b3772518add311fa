#pragma once
#include "backend/store/stores.h"
#include "tests/fakes/faults.h"

namespace parley::backend {

// Any stores, with things going wrong as planned. `plan` and `inner` must outlive them.
class FaultyMessageStore final : public MessageStore {
 public:
  FaultyMessageStore(MessageStore& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<FeedPosition> position() override {
    return plan_.run([&] { return inner_.position(); });
  }
  Result<> begin(std::uint64_t generation, const std::string& journal,
                 std::optional<std::uint64_t> restart_at) override {
    return plan_.run([&] { return inner_.begin(generation, journal, restart_at); });
  }
  Result<StoreOutcome> store(std::uint64_t generation, std::uint64_t from, std::uint64_t to,
                             std::span<const wire::Record> records) override {
    return plan_.run([&] { return inner_.store(generation, from, to, records); });
  }
  Result<Page> page(const PageQuery& query) override {
    return plan_.run([&] { return inner_.page(query); });
  }
  Result<Page> thread(const ThreadQuery& query) override {
    return plan_.run([&] { return inner_.thread(query); });
  }
  Result<std::map<Place, wire::Notes>> notes(std::span<const Place> messages) override {
    return plan_.run([&] { return inner_.notes(messages); });
  }
  Result<> block(const ErasedName& name) override {
    return plan_.run([&] { return inner_.block(name); });
  }
  Result<EraseStep> erase_some(const ErasedUser& who, const ErasePlace& from,
                               const NoteRooms& note) override {
    return plan_.run([&] { return inner_.erase_some(who, from, note); });
  }
  Result<std::uint64_t> last_seq(std::uint64_t room_id) override {
    return plan_.run([&] { return inner_.last_seq(room_id); });
  }
  Result<std::uint64_t> message_count() override {
    return plan_.run([&] { return inner_.message_count(); });
  }

 private:
  MessageStore& inner_;
  FaultPlan& plan_;
};

class FaultyRoomStore final : public RoomStore {
 public:
  FaultyRoomStore(RoomStore& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<Room> find(const std::string& name) override {
    return plan_.run([&] { return inner_.find(name); });
  }
  Result<Room> get(std::uint64_t room_id) override {
    return plan_.run([&] { return inner_.get(room_id); });
  }
  Result<std::vector<RoomOfUser>> list(const RoomQuery& query) override {
    return plan_.run([&] { return inner_.list(query); });
  }
  Result<Member> member(std::uint64_t room_id, const std::string& user) override {
    return plan_.run([&] { return inner_.member(room_id, user); });
  }
  Result<std::vector<Member>> members(const MemberQuery& query) override {
    return plan_.run([&] { return inner_.members(query); });
  }
  Result<Committed<Room>> create(const NewRoom& room) override {
    return plan_.run([&] { return inner_.create(room); });
  }
  Result<Committed<Room>> update(std::uint64_t room_id, const RoomUpdate& update) override {
    return plan_.run([&] { return inner_.update(room_id, update); });
  }
  Result<Committed<Room>> erase(std::uint64_t room_id, const std::optional<Act>& act) override {
    return plan_.run([&] { return inner_.erase(room_id, act); });
  }
  Result<Committed<Member>> change_member(const MemberChange& change) override {
    return plan_.run([&] { return inner_.change_member(change); });
  }
  Result<std::uint64_t> count() override {
    return plan_.run([&] { return inner_.count(); });
  }

 private:
  RoomStore& inner_;
  FaultPlan& plan_;
};

class FaultyMarkStore final : public MarkStore {
 public:
  FaultyMarkStore(MarkStore& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<std::vector<MarkOutcome>> raise(std::span<const MarkRaise> raises) override {
    return plan_.run([&] { return inner_.raise(raises); });
  }
  Result<std::vector<std::string>> mentioned(std::uint64_t room_id, const std::vector<std::string>& keys,
                                             std::uint32_t everyone_max) override {
    return plan_.run([&] { return inner_.mentioned(room_id, keys, everyone_max); });
  }

 private:
  MarkStore& inner_;
  FaultPlan& plan_;
};

class FaultyRetentionStore final : public RetentionStore {
 public:
  FaultyRetentionStore(RetentionStore& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<std::vector<RetainedRoom>> rooms(const RetainedQuery& query) override {
    return plan_.run([&] { return inner_.rooms(query); });
  }
  Result<Expiry> expire(const ExpiryOrder& order) override {
    return plan_.run([&] { return inner_.expire(order); });
  }
  Result<> hold(std::uint64_t room_id, bool held, const std::optional<Act>& act) override {
    return plan_.run([&] { return inner_.hold(room_id, held, act); });
  }
  Result<HeldPage> kept_aside(std::uint64_t room_id, std::uint64_t after, std::uint32_t limit) override {
    return plan_.run([&] { return inner_.kept_aside(room_id, after, limit); });
  }

 private:
  RetentionStore& inner_;
  FaultPlan& plan_;
};

class FaultyUserStore final : public UserStore {
 public:
  FaultyUserStore(UserStore& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<Account> find(const std::string& name) override {
    return plan_.run([&] { return inner_.find(name); });
  }
  Result<std::vector<Account>> list(const std::string& after, std::uint32_t limit) override {
    return plan_.run([&] { return inner_.list(after, limit); });
  }
  Result<Committed<Account>> create(const NewAccount& account) override {
    return plan_.run([&] { return inner_.create(account); });
  }
  Result<Committed<Account>> update(const std::string& name, const AccountUpdate& update) override {
    return plan_.run([&] { return inner_.update(name, update); });
  }
  Result<Committed<Token>> create_token(const NewToken& token) override {
    return plan_.run([&] { return inner_.create_token(token); });
  }
  Result<Committed<Token>> revoke_token(const std::string& id, const std::optional<Act>& act) override {
    return plan_.run([&] { return inner_.revoke_token(id, act); });
  }
  Result<Token> find_token(const std::string& id) override {
    return plan_.run([&] { return inner_.find_token(id); });
  }
  Result<std::vector<Token>> tokens(const std::string& user) override {
    return plan_.run([&] { return inner_.tokens(user); });
  }
  Result<std::uint64_t> count() override {
    return plan_.run([&] { return inner_.count(); });
  }

 private:
  UserStore& inner_;
  FaultPlan& plan_;
};

class FaultyPresenceStore final : public PresenceStore {
 public:
  FaultyPresenceStore(PresenceStore& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<> put(std::span<const PresenceRow> rows) override {
    return plan_.run([&] { return inner_.put(rows); });
  }
  Result<> set_invisible(const std::string& user, bool invisible) override {
    return plan_.run([&] { return inner_.set_invisible(user, invisible); });
  }
  Result<> remove(const std::string& user) override {
    return plan_.run([&] { return inner_.remove(user); });
  }
  Result<std::vector<PresenceRow>> get(std::span<const std::string> users) override {
    return plan_.run([&] { return inner_.get(users); });
  }
  Result<std::vector<PresenceRow>> watched(const std::string& after, std::uint32_t limit) override {
    return plan_.run([&] { return inner_.watched(after, limit); });
  }
  Result<std::vector<PresenceRow>> of_room(std::uint64_t room_id, const std::string& after,
                                           std::uint32_t limit) override {
    return plan_.run([&] { return inner_.of_room(room_id, after, limit); });
  }
  Result<PresenceCounts> counts(std::uint64_t room_id) override {
    return plan_.run([&] { return inner_.counts(room_id); });
  }
  Result<bool> share_a_room(const std::string& one, const std::string& other) override {
    return plan_.run([&] { return inner_.share_a_room(one, other); });
  }
  Result<WallTime> watched_at() override {
    return plan_.run([&] { return inner_.watched_at(); });
  }
  Result<> set_watched_at(WallTime at) override {
    return plan_.run([&] { return inner_.set_watched_at(at); });
  }

 private:
  PresenceStore& inner_;
  FaultPlan& plan_;
};

class FaultyDeviceStore final : public DeviceStore {
 public:
  FaultyDeviceStore(DeviceStore& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<> seen(std::span<const DeviceSeen> devices) override {
    return plan_.run([&] { return inner_.seen(devices); });
  }
  Result<std::vector<DeviceRow>> list(const std::string& user) override {
    return plan_.run([&] { return inner_.list(user); });
  }
  Result<Committed<std::vector<std::string>>> forget(const std::string& user,
                                                     const std::string& device) override {
    return plan_.run([&] { return inner_.forget(user, device); });
  }

 private:
  DeviceStore& inner_;
  FaultPlan& plan_;
};

class FaultyDirectoryLog final : public DirectoryLog {
 public:
  FaultyDirectoryLog(DirectoryLog& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<std::string> directory_id() override {
    return plan_.run([&] { return inner_.directory_id(); });
  }
  Result<std::uint64_t> version() override {
    return plan_.run([&] { return inner_.version(); });
  }
  Result<std::vector<DirectoryStep>> steps_after(std::uint64_t version, std::uint32_t limit) override {
    return plan_.run([&] { return inner_.steps_after(version, limit); });
  }
  Result<std::uint64_t> snapshot(
      std::uint32_t part, const std::function<Result<>(std::vector<wire::DirectoryChange>)>& sink) override {
    return plan_.run([&] { return inner_.snapshot(part, sink); });
  }
  Result<std::vector<DirectoryStep>> unconfirmed_entries(std::uint32_t limit) override {
    return plan_.run([&] { return inner_.unconfirmed_entries(limit); });
  }
  Result<> entries_confirmed(std::uint64_t version) override {
    return plan_.run([&] { return inner_.entries_confirmed(version); });
  }
  Result<std::uint64_t> renew_epochs() override {
    return plan_.run([&] { return inner_.renew_epochs(); });
  }

 private:
  DirectoryLog& inner_;
  FaultPlan& plan_;
};

class FaultyAdmissionStore final : public AdmissionStore {
 public:
  FaultyAdmissionStore(AdmissionStore& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<> invite(const NewInvitation& invitation) override {
    return plan_.run([&] { return inner_.invite(invitation); });
  }
  Result<Invitation> invitation(std::uint64_t room_id, const std::string& user) override {
    return plan_.run([&] { return inner_.invitation(room_id, user); });
  }
  Result<std::vector<Invitation>> invitations_of(const std::string& user, const std::string& after,
                                                 std::uint32_t limit) override {
    return plan_.run([&] { return inner_.invitations_of(user, after, limit); });
  }
  Result<std::vector<Invitation>> invitations_to(std::uint64_t room_id, const std::string& after,
                                                 std::uint32_t limit) override {
    return plan_.run([&] { return inner_.invitations_to(room_id, after, limit); });
  }
  Result<> withdraw(std::uint64_t room_id, const std::string& user, const std::optional<Act>& act) override {
    return plan_.run([&] { return inner_.withdraw(room_id, user, act); });
  }
  Result<JoinLink> create_link(const NewJoinLink& link) override {
    return plan_.run([&] { return inner_.create_link(link); });
  }
  Result<JoinLink> find_link(const std::string& sha256) override {
    return plan_.run([&] { return inner_.find_link(sha256); });
  }
  Result<std::vector<JoinLink>> links(std::uint64_t room_id) override {
    return plan_.run([&] { return inner_.links(room_id); });
  }
  Result<> revoke_link(std::uint64_t room_id, const std::string& id, const std::optional<Act>& act) override {
    return plan_.run([&] { return inner_.revoke_link(room_id, id, act); });
  }

 private:
  AdmissionStore& inner_;
  FaultPlan& plan_;
};

class FaultyAuditStore final : public AuditStore {
 public:
  FaultyAuditStore(AuditStore& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<> record(const Act& act) override {
    return plan_.run([&] { return inner_.record(act); });
  }
  Result<std::vector<RecordedAct>> list(const AuditQuery& query) override {
    return plan_.run([&] { return inner_.list(query); });
  }
  Result<std::uint64_t> forget_before(WallTime time, std::uint32_t limit) override {
    return plan_.run([&] { return inner_.forget_before(time, limit); });
  }

 private:
  AuditStore& inner_;
  FaultPlan& plan_;
};

class FaultyEraseStore final : public EraseStore {
 public:
  FaultyEraseStore(EraseStore& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<Committed<Erasure>> begin(const std::string& user, const std::optional<Act>& act) override {
    return plan_.run([&] { return inner_.begin(user, act); });
  }
  Result<LeftRooms> leave_some(const Erasure& erasure) override {
    return plan_.run([&] { return inner_.leave_some(erasure); });
  }
  Result<std::optional<std::uint64_t>> rename_acts(const Erasure& erasure, std::uint64_t after) override {
    return plan_.run([&] { return inner_.rename_acts(erasure, after); });
  }
  Result<> note_rooms(const Erasure& erasure, const std::vector<std::uint64_t>& rooms) override {
    return plan_.run([&] { return inner_.note_rooms(erasure, rooms); });
  }
  Result<Committed<bool>> tell_some(const Erasure& erasure) override {
    return plan_.run([&] { return inner_.tell_some(erasure); });
  }
  Result<Committed<bool>> forget(const Erasure& erasure) override {
    return plan_.run([&] { return inner_.forget(erasure); });
  }
  Result<> finish(const Erasure& erasure) override {
    return plan_.run([&] { return inner_.finish(erasure); });
  }
  Result<std::optional<Erasure>> unfinished() override {
    return plan_.run([&] { return inner_.unfinished(); });
  }
  Result<std::vector<Erasure>> list(const std::string& after, std::uint32_t limit) override {
    return plan_.run([&] { return inner_.list(after, limit); });
  }

 private:
  EraseStore& inner_;
  FaultPlan& plan_;
};

class FaultyPushStore final : public PushStore {
 public:
  FaultyPushStore(PushStore& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<Registration> put(const Registration& registration) override {
    return plan_.run([&] { return inner_.put(registration); });
  }
  Result<std::vector<Registration>> list(const std::string& user) override {
    return plan_.run([&] { return inner_.list(user); });
  }
  Result<std::optional<Registration>> get(const std::string& id) override {
    return plan_.run([&] { return inner_.get(id); });
  }
  Result<std::uint32_t> remove(const std::string& user, const std::string& device,
                               const std::string& provider) override {
    return plan_.run([&] { return inner_.remove(user, device, provider); });
  }
  Result<bool> prune(const std::string& id, const std::string& address) override {
    return plan_.run([&] { return inner_.prune(id, address); });
  }
  Result<QuietHours> quiet_hours(const std::string& user) override {
    return plan_.run([&] { return inner_.quiet_hours(user); });
  }
  Result<> set_quiet_hours(const std::string& user, const QuietHours& hours) override {
    return plan_.run([&] { return inner_.set_quiet_hours(user, hours); });
  }
  Result<RoomNotify> room(const std::string& user, std::uint64_t room_id) override {
    return plan_.run([&] { return inner_.room(user, room_id); });
  }
  Result<> set_room(const std::string& user, std::uint64_t room_id, const RoomNotify& notify) override {
    return plan_.run([&] { return inner_.set_room(user, room_id, notify); });
  }
  Result<std::vector<std::string>> blocked(const std::string& user) override {
    return plan_.run([&] { return inner_.blocked(user); });
  }
  Result<> set_blocked(const std::string& user, const std::string& whom, bool blocked) override {
    return plan_.run([&] { return inner_.set_blocked(user, whom, blocked); });
  }

 private:
  PushStore& inner_;
  FaultPlan& plan_;
};

class FaultyNotifyStore final : public NotifyStore {
 public:
  FaultyNotifyStore(NotifyStore& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<std::vector<std::uint64_t>> cursors(std::span<const std::uint64_t> rooms) override {
    return plan_.run([&] { return inner_.cursors(rooms); });
  }
  Result<> set_cursor(std::uint64_t room_id, std::uint64_t seq) override {
    return plan_.run([&] { return inner_.set_cursor(room_id, seq); });
  }
  Result<std::vector<NotifyCandidate>> candidates(const CandidateQuery& query) override {
    return plan_.run([&] { return inner_.candidates(query); });
  }
  Result<> mark(std::span<const NotifyMark> marks, WallTime now) override {
    return plan_.run([&] { return inner_.mark(marks, now); });
  }
  Result<std::uint32_t> touch(std::uint64_t room_id, std::span<const std::uint64_t> seqs,
                              WallTime now) override {
    return plan_.run([&] { return inner_.touch(room_id, seqs, now); });
  }
  Result<std::vector<NotifyJob>> due(WallTime now, std::uint32_t limit) override {
    return plan_.run([&] { return inner_.due(now, limit); });
  }
  Result<std::optional<WallTime>> next_due() override {
    return plan_.run([&] { return inner_.next_due(); });
  }
  Result<> judge(std::span<const NotifyVerdict> verdicts, WallTime now) override {
    return plan_.run([&] { return inner_.judge(verdicts, now); });
  }

 private:
  NotifyStore& inner_;
  FaultPlan& plan_;
};

class FaultyNotifyDelivery final : public NotifyDelivery {
 public:
  FaultyNotifyDelivery(NotifyDelivery& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<std::vector<NotifyJob>> claim(const std::string& provider, const std::string& by,
                                       std::uint32_t limit, WallTime now, WallTime until) override {
    return plan_.run([&] { return inner_.claim(provider, by, limit, now, until); });
  }
  Result<std::uint32_t> finish(const std::string& by, std::span<const NotifyResult> results,
                               WallTime now) override {
    return plan_.run([&] { return inner_.finish(by, results, now); });
  }
  Result<std::vector<NotifyLogRow>> log(const NotifyLogQuery& query) override {
    return plan_.run([&] { return inner_.log(query); });
  }
  Result<std::vector<DeadLetter>> dead(std::uint64_t after, std::uint32_t limit) override {
    return plan_.run([&] { return inner_.dead(after, limit); });
  }
  Result<std::uint32_t> retry_dead(std::span<const std::uint64_t> ids, WallTime now) override {
    return plan_.run([&] { return inner_.retry_dead(ids, now); });
  }
  Result<std::vector<NotifyQueue>> queues() override {
    return plan_.run([&] { return inner_.queues(); });
  }
  Result<bool> sweep(WallTime shown_before, WallTime kept_from, std::uint32_t limit) override {
    return plan_.run([&] { return inner_.sweep(shown_before, kept_from, limit); });
  }

 private:
  NotifyDelivery& inner_;
  FaultPlan& plan_;
};

}  // namespace parley::backend
