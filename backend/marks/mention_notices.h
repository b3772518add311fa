#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "backend/metrics/metrics.h"
#include "backend/metrics/queue_reading.h"
#include "backend/mqtt/publisher.h"
#include "backend/store/mark_store.h"
#include "backend/store/message_store.h"
#include "base/log.h"
#include "wire/record.h"

namespace parley::backend {

struct MentionOptions {
  std::size_t queue_max = 10'000;  // messages whose mentions wait; those of further ones are not told
  std::uint32_t everyone_max =
      500;  // members of a room whom @room reaches; in a larger one it reaches nobody
};

// Puts {"type":"mention","room","seq","from"} into the inbox of each member a newly stored message mentions, but for
// its sender. Best effort, for whoever is there: what waits while the broker, the database or parleyd goes is not told,
// and the counters of unread mentions are the truth. Imported messages and repeats tell nobody. Thread-safe; stored()
// never blocks.
class MentionNotices {
 public:
  // Without start() nothing runs by itself: a test calls step().
  MentionNotices(MarkStore& marks, Publisher& publisher, Metrics& metrics, LogSink log,
                 MentionOptions options = {});
  ~MentionNotices();  // stops

  void start();
  void stop();  // what waits is not told

  // Records of a batch, after they were stored.
  void stored(std::span<const wire::Record> records, const StoreOutcome& outcome);

  QueueReading queue();  // of messages

  // Tells of what waits. One caller at a time. Reads the database.
  void step();

 private:
  struct Mention {
    std::uint64_t room_id = 0, seq = 0;
    std::string room, from;
    std::vector<std::string> keys;
  };

  void run();
  void tell(const Mention& mention);

  MarkStore& marks_;
  Publisher& publisher_;
  LogSink log_;
  const MentionOptions options_;
  Counter told_, lost_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Mention> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace parley::backend
