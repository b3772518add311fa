#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "backend/metrics/metrics.h"
#include "backend/mqtt/publisher.h"
#include "backend/mqtt/retained_reader.h"
#include "backend/state/pace.h"
#include "backend/state/room_agenda.h"
#include "backend/store/presence_store.h"
#include "backend/store/room_store.h"

namespace parley::backend {

// Compares what the broker holds retained of a room's presence with what it should hold, and mends it: of each
// member ever seen their status, of others nothing; nothing at all in rooms of more than `room_max` members and
// in rooms that are gone. Rooms are looked at when they changed (somebody came, left, was banned; it grew, was
// deleted), and all of them, paced, after start(): a broker started anew has an old copy, and a backend may have
// died half-way.
//
// room_changed() and room_deleted() are thread-safe and never block. The others belong to one thread; step()
// reads the databases.
class PresenceAuditor {
 public:
  using Read = std::function<void(const std::string& filter, RetainedReader::Done done)>;

  // `wake` is called when there is something to be done, from any thread. All must outlive this, and this
  // whatever `read` calls back.
  PresenceAuditor(RoomStore& rooms, PresenceStore& presence, Read read, Publisher& publisher, Pace& pace,
                  std::uint32_t room_max, const RoomAgendaOptions& agenda, std::function<void()> wake,
                  Metrics& metrics);

  void room_changed(std::uint64_t room_id, SteadyTime now);
  void room_deleted(std::uint64_t room_id, const std::string& name);

  void start(SteadyTime now);
  void clear();
  // False: something is away; call again later.
  bool step(SteadyTime now);
  std::optional<SteadyTime> next_due();

 private:
  static constexpr std::size_t kAtOnce = 32;  // rooms being read

  struct Finished {
    std::string room;
    Result<RetainedMessages> found;
  };
  struct Named {
    std::uint64_t id;  // 0: of a deleted room
    std::string name;
  };

  bool mend_finished(SteadyTime now);
  bool mend(const Finished& audit, SteadyTime now);
  Result<std::map<std::string, std::string>> expected(const std::string& room);  // payloads by topic
  bool begin_some(SteadyTime now);
  bool begin_deleted();
  bool begin_changed(SteadyTime now);
  bool begin_pass(SteadyTime now);
  void begin(std::uint64_t id, const std::string& room);
  std::size_t places();
  void again(const std::string& room, std::uint64_t id, SteadyTime now);

  RoomStore& rooms_;
  PresenceStore& presence_;
  const Read read_;
  Publisher& publisher_;
  Pace& pace_;
  const std::uint32_t room_max_;
  const std::function<void()> wake_;
  const Counter looks_, mended_, failures_;

  std::mutex mutex_;
  RoomAgenda agenda_;
  std::map<std::string, std::uint64_t> under_way_;  // names → ids
  std::vector<Finished> finished_;
};

}  // namespace parley::backend
