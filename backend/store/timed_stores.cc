#include "backend/store/timed_stores.h"

#include "backend/metrics/stopwatch.h"

namespace parley::backend {
namespace {

// Makes the stopwatches of one store's operations.
class Watches {
 public:
  Watches(Metrics& metrics, const Clock& clock, std::string store)
      : metrics_(metrics), clock_(clock), store_(std::move(store)) {}
  Stopwatch of(const char* operation) const {
    return {metrics_.histogram("parley_store_seconds", "How long calls of the store took, by operation.",
                               {{"operation", store_ + "." + operation}}),
            clock_};
  }

 private:
  Metrics& metrics_;
  const Clock& clock_;
  const std::string store_;
};

class TimedMessages final : public MessageStore {
 public:
  TimedMessages(std::unique_ptr<MessageStore> store, const Watches& watches)
      : store_(std::move(store)),
        store_watch_(watches.of("store")),
        page_(watches.of("page")),
        thread_(watches.of("thread")),
        notes_(watches.of("notes")),
        position_(watches.of("position")),
        last_seq_(watches.of("last_seq")) {}

  Result<FeedPosition> position() override {
    return position_([&] { return store_->position(); });
  }
  Result<> begin(std::uint64_t generation, const std::string& journal,
                 std::optional<std::uint64_t> restart_at) override {
    return store_->begin(generation, journal, restart_at);
  }
  Result<StoreOutcome> store(std::uint64_t generation, std::uint64_t from, std::uint64_t to,
                             std::span<const wire::Record> records) override {
    return store_watch_([&] { return store_->store(generation, from, to, records); });
  }
  Result<Page> page(const PageQuery& query) override {
    return page_([&] { return store_->page(query); });
  }
  Result<Page> thread(const ThreadQuery& query) override {
    return thread_([&] { return store_->thread(query); });
  }
  Result<std::map<Place, wire::Notes>> notes(std::span<const Place> messages) override {
    return notes_([&] { return store_->notes(messages); });
  }
  Result<> block(const ErasedName& name) override { return store_->block(name); }
  Result<EraseStep> erase_some(const ErasedUser& who, const ErasePlace& from,
                               const NoteRooms& note) override {
    return store_->erase_some(who, from, note);
  }
  Result<std::uint64_t> last_seq(std::uint64_t room_id) override {
    return last_seq_([&] { return store_->last_seq(room_id); });
  }
  Result<std::uint64_t> message_count() override { return store_->message_count(); }

 private:
  const std::unique_ptr<MessageStore> store_;
  const Stopwatch store_watch_, page_, thread_, notes_, position_, last_seq_;
};

class TimedRooms final : public RoomStore {
 public:
  TimedRooms(std::unique_ptr<RoomStore> store, const Watches& watches)
      : store_(std::move(store)),
        find_(watches.of("find")),
        list_(watches.of("list")),
        member_(watches.of("member")),
        members_(watches.of("members")),
        change_(watches.of("change")) {}

  Result<Room> find(const std::string& name) override {
    return find_([&] { return store_->find(name); });
  }
  Result<Room> get(std::uint64_t room_id) override {
    return find_([&] { return store_->get(room_id); });
  }
  Result<std::vector<RoomOfUser>> list(const RoomQuery& query) override {
    return list_([&] { return store_->list(query); });
  }
  Result<Member> member(std::uint64_t room_id, const std::string& user) override {
    return member_([&] { return store_->member(room_id, user); });
  }
  Result<std::vector<Member>> members(const MemberQuery& query) override {
    return members_([&] { return store_->members(query); });
  }
  Result<Committed<Room>> create(const NewRoom& room) override {
    return change_([&] { return store_->create(room); });
  }
  Result<Committed<Room>> update(std::uint64_t room_id, const RoomUpdate& update) override {
    return change_([&] { return store_->update(room_id, update); });
  }
  Result<Committed<Room>> erase(std::uint64_t room_id, const std::optional<Act>& act) override {
    return change_([&] { return store_->erase(room_id, act); });
  }
  Result<Committed<Member>> change_member(const MemberChange& change) override {
    return change_([&] { return store_->change_member(change); });
  }
  Result<std::uint64_t> count() override { return store_->count(); }

 private:
  const std::unique_ptr<RoomStore> store_;
  const Stopwatch find_, list_, member_, members_, change_;
};

class TimedUsers final : public UserStore {
 public:
  TimedUsers(std::unique_ptr<UserStore> store, const Watches& watches)
      : store_(std::move(store)),
        find_(watches.of("find")),
        list_(watches.of("list")),
        change_(watches.of("change")) {}

  Result<Account> find(const std::string& name) override {
    return find_([&] { return store_->find(name); });
  }
  Result<std::vector<Account>> list(const std::string& after, std::uint32_t limit) override {
    return list_([&] { return store_->list(after, limit); });
  }
  Result<Committed<Account>> create(const NewAccount& account) override {
    return change_([&] { return store_->create(account); });
  }
  Result<Committed<Account>> update(const std::string& name, const AccountUpdate& update) override {
    return change_([&] { return store_->update(name, update); });
  }
  Result<Committed<Token>> create_token(const NewToken& token) override {
    return change_([&] { return store_->create_token(token); });
  }
  Result<Committed<Token>> revoke_token(const std::string& id, const std::optional<Act>& act) override {
    return change_([&] { return store_->revoke_token(id, act); });
  }
  Result<Token> find_token(const std::string& id) override {
    return find_([&] { return store_->find_token(id); });
  }
  Result<std::vector<Token>> tokens(const std::string& user) override {
    return list_([&] { return store_->tokens(user); });
  }
  Result<std::uint64_t> count() override { return store_->count(); }

 private:
  const std::unique_ptr<UserStore> store_;
  const Stopwatch find_, list_, change_;
};

class TimedMarks final : public MarkStore {
 public:
  TimedMarks(std::unique_ptr<MarkStore> store, const Watches& watches)
      : store_(std::move(store)), raise_(watches.of("raise")), mentioned_(watches.of("mentioned")) {}

  Result<std::vector<MarkOutcome>> raise(std::span<const MarkRaise> raises) override {
    return raise_([&] { return store_->raise(raises); });
  }
  Result<std::vector<std::string>> mentioned(std::uint64_t room_id, const std::vector<std::string>& keys,
                                             std::uint32_t everyone_max) override {
    return mentioned_([&] { return store_->mentioned(room_id, keys, everyone_max); });
  }

 private:
  const std::unique_ptr<MarkStore> store_;
  const Stopwatch raise_, mentioned_;
};

class TimedUnread final : public UnreadStore {
 public:
  TimedUnread(std::unique_ptr<UnreadStore> store, const Watches& watches)
      : store_(std::move(store)), count_(watches.of("count")) {}
  Result<std::vector<Unread>> unread(const UnreadQuery& query) override {
    return count_([&] { return store_->unread(query); });
  }

 private:
  const std::unique_ptr<UnreadStore> store_;
  const Stopwatch count_;
};

class TimedSearch final : public SearchStore {
 public:
  TimedSearch(std::unique_ptr<SearchStore> store, const Watches& watches)
      : store_(std::move(store)), search_(watches.of("search")) {}
  Result<TextPage> search(const TextQuery& query) override {
    return search_([&] { return store_->search(query); });
  }
  Result<std::uint64_t> behind() override { return store_->behind(); }

 private:
  const std::unique_ptr<SearchStore> store_;
  const Stopwatch search_;
};

}  // namespace

Stores with_timers(Stores stores, Metrics& metrics, const Clock& clock) {
  const auto watches = [&](const char* store) { return Watches(metrics, clock, store); };
  stores.messages = std::make_unique<TimedMessages>(std::move(stores.messages), watches("messages"));
  stores.rooms = std::make_unique<TimedRooms>(std::move(stores.rooms), watches("rooms"));
  stores.users = std::make_unique<TimedUsers>(std::move(stores.users), watches("users"));
  stores.marks = std::make_unique<TimedMarks>(std::move(stores.marks), watches("marks"));
  stores.unread = std::make_unique<TimedUnread>(std::move(stores.unread), watches("unread"));
  stores.search = std::make_unique<TimedSearch>(std::move(stores.search), watches("search"));
  return stores;
}

}  // namespace parley::backend
