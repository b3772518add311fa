#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/ids.h"
#include "wire/envelope.h"
#include "wire/record.h"

namespace parley::bench {

// What the records say.
struct Said {
  std::vector<std::string> contents;  // JSON objects, one after the other and again
  std::size_t senders = 1;            // user0, user1 …, in turn
};
// A content of so many bytes, whatever is in it.
Said said_of_size(std::size_t content_bytes);

// Records as the plugin's journal would hold them: room after room in turn, each room's in order. Not thread-safe.
class RecordSource {
 public:
  struct Room {
    std::uint64_t id;
    std::string name;
  };
  RecordSource(std::vector<Room> rooms, Said said);

  // The next one's bytes, appended to `out`.
  void append(std::string& out);

 private:
  std::vector<Room> rooms_;
  Said said_;
  std::vector<std::uint64_t> seqs_;
  std::uint64_t count_ = 0;
  UlidGenerator ids_;
  wire::Envelope envelope_;
  std::string json_;
};

// Feed batches of `count` records, as full as the plugin makes them.
struct Batches {
  std::vector<std::string> payloads;  // wire/feed.h
  std::uint64_t end = 0;              // the offset behind the last
};
Batches make_batches(RecordSource& source, std::size_t count, std::uint64_t generation, std::uint64_t from);

// The records of a batch: views into it.
std::vector<wire::Record> records_of(const std::string& payload);

}  // namespace parley::bench
